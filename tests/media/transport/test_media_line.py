"""One m-line of a room on the loopback, joined to another: in the clear, with keys, with DTLS, with ICE."""

from __future__ import annotations

import asyncio
import base64
import datetime
import logging
import struct
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aioice
import pytest
from aiortc.rtcdtlstransport import RTCCertificate

from consilium.certificates import Identity, ensure_identity
from mcu.media.spec import DtlsKeys, IceSpec, SdesKeys
from mcu.media.transport.dtls import DtlsSession, load_certificate
from mcu.media.transport.dtls_contest import MAX_BEGUN
from mcu.media.transport.media_line import MediaLine
from mcu.media.transport.sockets import bound_udp_socket
from tests.media.transport.checks import check
from tests.media.transport.hellos import client_hello, cookie_of
from tests.media.transport.sockets import Box, peer
from tests.peers.ports import port_block

HOST = "127.0.0.1"
RTCP = bytes.fromhex("80c9000100000005")
KEYS = [base64.b64encode(bytes([fill]) * 30).decode() for fill in (1, 2)]
ICE = IceSpec(local_ufrag="ours", local_password="p" * 24, remote_ufrag="theirs")


def rtp(sequence: int) -> bytes:
    return struct.pack("!BBHII", 0x80, 8, sequence, 0, 5) + b"payload"


@dataclass
class End:
    """One of two lines, and what has reached it."""

    line: MediaLine
    number: int
    rtp: Box
    rtcp: Box
    connected: asyncio.Event
    failed: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def identities(tmp_path_factory: pytest.TempPathFactory) -> tuple[Identity, Identity]:
    now, folder = datetime.datetime.now(datetime.UTC), tmp_path_factory.mktemp("tls")
    return ensure_identity(folder / "a", [], now), ensure_identity(folder / "b", [], now)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


def certificate(identity: Identity) -> RTCCertificate:
    return load_certificate(Path(identity.certificate_file), Path(identity.private_key_file))


async def make_end(
    stack: AsyncExitStack,
    number: int,
    security: SdesKeys | DtlsKeys | None = None,
    identity: Identity | None = None,
    mux: bool = False,
    ice: IceSpec | None = None,
) -> End:
    packets, reports, connected, failed = Box(), Box(), asyncio.Event(), list[str]()

    def fail(reason: str) -> None:
        failed.append(reason)
        connected.set()

    line = MediaLine(
        security,
        ice,
        certificate(identity) if identity is not None else None,
        mux,
        on_rtp=packets.put,
        on_rtcp=reports.put,
        accepts=lambda data: data[1] & 0x7F == 8,
        on_connected=connected.set,
        on_failed=fail,
    )
    await line.open(HOST, number, bound_udp_socket)
    stack.push_async_callback(line.close)
    return End(line, number, packets, reports, connected, failed)


async def joined(one: End, other: End, mux: bool) -> None:
    for end, far in ((one, other), (other, one)):
        end.line.port.set_remote((HOST, far.number), True, mux)
        end.line.start()
    for end in (one, other):
        if not end.line.is_connected:
            await asyncio.wait_for(end.connected.wait(), 10)


async def assert_they_talk(one: End, other: End) -> None:
    for sender, receiver in ((one, other), (other, one)):
        sender.line.send_rtp([rtp(1), rtp(2)])
        await receiver.rtp.until(rtp(2))
        sender.line.send_rtcp([RTCP])
        await receiver.rtcp.until(RTCP)


@pytest.mark.parametrize("mux", [False, True])
@pytest.mark.parametrize("kind", ["clear", "sdes", "dtls"])
async def test_two_lines_talk(
    stack: AsyncExitStack, identities: tuple[Identity, Identity], kind: str, mux: bool
) -> None:
    ports = port_block(4)
    mine: SdesKeys | DtlsKeys | None = None
    theirs: SdesKeys | DtlsKeys | None = None
    if kind == "sdes":
        mine = SdesKeys(suite="AES_CM_128_HMAC_SHA1_80", local=KEYS[0], remote=KEYS[1])
        theirs = SdesKeys(suite="AES_CM_128_HMAC_SHA1_80", local=KEYS[1], remote=KEYS[0])
    elif kind == "dtls":
        mine = DtlsKeys(fingerprints=(("sha-256", identities[1].fingerprint),), role="server")
        theirs = DtlsKeys(fingerprints=(("sha-256", identities[0].fingerprint),), role="client")
    one = await make_end(stack, ports[0], mine, identities[0], mux)
    other = await make_end(stack, ports[2], theirs, identities[1], mux)
    await joined(one, other, mux)
    if kind == "dtls" and not mux:
        await asyncio.wait_for(asyncio.gather(*one.line._handshakes, *other.line._handshakes), 10)
    await assert_they_talk(one, other)
    if kind == "dtls":
        await assert_a_successor_goes_on(stack, one, other, mux)


async def assert_a_successor_goes_on(stack: AsyncExitStack, one: End, other: End, mux: bool) -> None:
    """With the keys of a handshake that another has done."""
    keys, theirs = one.line.dtls_keys(), other.line.dtls_keys()
    assert keys is not None and theirs is not None and (keys.rtcp_local is None) is mux
    assert (keys.local, keys.remote, keys.rtcp_local) == (theirs.remote, theirs.local, theirs.rtcp_remote)
    await one.line.port.close()
    successor = await make_end(stack, one.number, keys, None, mux)
    successor.line.port.set_remote((HOST, other.number), True, mux)
    successor.line.send_rtp([new_source(rtp(7))])
    await other.rtp.until(new_source(rtp(7)))
    successor.line.send_rtcp([new_source(RTCP)])
    await other.rtcp.until(new_source(RTCP))
    other.line.send_rtp([rtp(8)])
    await successor.rtp.until(rtp(8))


def new_source(packet: bytes) -> bytes:
    """As a successor sends it: under an SSRC of its own."""
    return packet.replace((5).to_bytes(4), (6).to_bytes(4))


async def test_an_encrypted_line_goes_where_authentic_packets_come_from_and_nowhere_else(
    stack: AsyncExitStack,
) -> None:
    ports = port_block(6)
    mine = SdesKeys(suite="AES_CM_128_HMAC_SHA1_80", local=KEYS[0], remote=KEYS[1])
    theirs = SdesKeys(suite="AES_CM_128_HMAC_SHA1_80", local=KEYS[1], remote=KEYS[0])
    one = await make_end(stack, ports[0], mine)
    other = await make_end(stack, ports[2], theirs)
    stranger = await make_end(stack, ports[4])
    one.line.port.set_remote((HOST, 9), True, False)  # what the description says leads nowhere
    stranger.line.port.set_remote((HOST, one.number), True, False)
    other.line.port.set_remote((HOST, one.number), True, False)
    stranger.line.send_rtp([rtp(1)])
    other.line.send_rtp([rtp(2)])
    await one.rtp.until(rtp(2))
    one.line.send_rtp([rtp(3)])
    await other.rtp.until(rtp(3))


async def test_another_certificate_than_announced_is_refused(
    stack: AsyncExitStack, identities: tuple[Identity, Identity]
) -> None:
    ports = port_block(4)
    wrong = DtlsKeys(fingerprints=(("sha-256", ":".join(["00"] * 32)),), role="server")
    right = DtlsKeys(fingerprints=(("sha-256", identities[0].fingerprint),), role="client")
    one = await make_end(stack, ports[0], wrong, identities[0], mux=True)
    other = await make_end(stack, ports[2], right, identities[1], mux=True)
    await joined(one, other, mux=True)
    assert one.failed and not one.line.is_connected
    other.line.send_rtp([rtp(1)])
    one.line.send_rtp([rtp(1)])


async def test_strangers_who_shake_hands_first_do_not_keep_the_peer_out(
    stack: AsyncExitStack, identities: tuple[Identity, Identity], tmp_path: Path
) -> None:
    ports = port_block(4)
    mine = DtlsKeys(fingerprints=(("sha-256", identities[1].fingerprint),), role="server")
    theirs = DtlsKeys(fingerprints=(("sha-256", identities[0].fingerprint),), role="client")
    one = await make_end(stack, ports[0], mine, identities[0], mux=True)
    one.line.port.set_remote((HOST, ports[2]), True, True)
    one.line.start()
    someone = certificate(ensure_identity(tmp_path, [], datetime.datetime.now(datetime.UTC)))

    # One says hello and no more; the other goes through with it, but has not the certificate that was announced.
    for answers in (False, True):
        await (await stack.enter_async_context(stranger(someone, identities[0], ports[0], answers)))
    assert not one.line.is_connected and one.failed == []

    other = await make_end(stack, ports[2], theirs, identities[1], mux=True)
    other.line.port.set_remote((HOST, ports[0]), True, True)
    other.line.start()
    for end in (one, other):
        await asyncio.wait_for(end.connected.wait(), 10)
    assert one.line.is_connected and other.line.is_connected and one.failed == []
    await assert_they_talk(one, other)


async def test_a_peer_behind_a_nat_shakes_hands_from_where_it_was_not_announced(
    stack: AsyncExitStack, identities: tuple[Identity, Identity]
) -> None:
    ports = port_block(4)
    mine = DtlsKeys(fingerprints=(("sha-256", identities[1].fingerprint),), role="server")
    theirs = DtlsKeys(fingerprints=(("sha-256", identities[0].fingerprint),), role="client")
    one = await make_end(stack, ports[0], mine, identities[0], mux=True)
    one.line.port.set_remote((HOST, 9), True, True)
    one.line.start()
    # Hellos in the name of addresses that never ask for anything: nothing is begun for them.
    async with peer() as others:
        for number in range(MAX_BEGUN + 5):
            others.send(client_hello(random=bytes([number]) * 32), ports[0])
            assert cookie_of(await others.next())
    other = await make_end(stack, ports[2], theirs, identities[1], mux=True)
    other.line.port.set_remote((HOST, ports[0]), True, True)
    other.line.start()
    for end in (one, other):
        await asyncio.wait_for(end.connected.wait(), 10)
    assert one.failed == []
    await assert_they_talk(one, other)


@asynccontextmanager
async def stranger(
    identity: RTCCertificate, server: Identity, port: int, answers: bool
) -> AsyncIterator[Coroutine[None, None, None]]:
    """Somebody's handshake with a port, to wait for: until it is answered, or until its end, whatever that is."""
    async with peer() as by:
        session = DtlsSession(identity, [("sha-256", server.fingerprint)], "client", lambda data: by.send(data, port))
        shaking = asyncio.create_task(session.handshake())

        async def pump() -> None:
            while True:
                session.receive_dtls(await by.next())

        async def wait() -> None:
            if not answers:
                await by.next()
                return
            pumping = asyncio.create_task(pump())
            await asyncio.gather(shaking, return_exceptions=True)
            pumping.cancel()

        yield wait()
        shaking.cancel()
        await session.close()


async def test_dtls_without_a_certificate_cannot_be(stack: AsyncExitStack) -> None:
    with pytest.raises(ValueError, match="no certificate"):
        await make_end(stack, port_block(2)[0], DtlsKeys(fingerprints=(("sha-256", "AB"),), role="server"))


async def test_checks_of_a_real_ice_agent_settle_the_address(stack: AsyncExitStack) -> None:
    number = port_block(2)[0]
    one = await make_end(stack, number, mux=True, ice=ICE)
    one.line.port.set_remote((HOST, 9), True, True)
    one.line.start()
    agent = aioice.Connection(
        ice_controlling=True, local_username="theirs", local_password="q" * 24, use_ipv4=True, use_ipv6=False
    )
    await agent.gather_candidates()
    agent.remote_username, agent.remote_password, agent.remote_is_lite = "ours", "p" * 24, True
    # A machine without other addresses than the loopback gathers nothing, so the socket is ours to name.
    await agent.add_remote_candidate(aioice.Candidate("1", 1, "udp", 2130706431, HOST, number, "host"))
    await agent.add_remote_candidate(None)
    if not agent.local_candidates:
        pytest.skip("this machine has no address for ICE")
    await asyncio.wait_for(agent.connect(), 10)
    try:
        await agent.send(rtp(1))
        await one.rtp.until(rtp(1))
        one.line.send_rtp([rtp(2)])
        assert await asyncio.wait_for(agent.recv(), 5) == rtp(2)
    finally:
        await agent.close()


async def test_checks_and_handshakes_of_strangers_are_counted_and_told_at_the_end(
    stack: AsyncExitStack, identities: tuple[Identity, Identity], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ports = port_block(4)
    shaking = DtlsKeys(fingerprints=(("sha-256", identities[1].fingerprint),), role="server")
    by_ice = await make_end(stack, ports[0], shaking, identities[0], mux=True, ice=ICE)
    by_keys = await make_end(
        stack, ports[2], SdesKeys(suite="AES_CM_128_HMAC_SHA1_80", local=KEYS[0], remote=KEYS[1]), mux=True, ice=ICE
    )
    hello = b"\x16\xfe\xfd" + bytes(10) + b"\x01" + bytes(20)
    bad = [check(None), check(password="wrong"), check(username="ours:others"), check()[:-1], hello]
    checked = check(username="ours:theirs", password="p" * 24)
    async with peer() as someone:
        for end in (by_ice, by_keys):
            for data in bad:
                someone.send(data, end.number)
            someone.send(checked, end.number)  # is answered, and the socket keeps the order
            await someone.next()
            assert end.line.port.strangers == len(bad) and end.rtp.items == []
        someone.send(rtp(1), by_keys.number)
        someone.send(checked, by_keys.number)
        await someone.next()
    await by_keys.line.close()
    said = f"media port {ports[2]}: {len(bad)} datagrams of strangers, 1 that did not authenticate"
    assert [record.getMessage() for record in caplog.records][-1] == said
    assert len(caplog.records) == 4, "the first of each kind, and the sum"
