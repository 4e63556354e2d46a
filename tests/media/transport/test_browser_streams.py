"""Browsers by TCP: one like any other on the port, and nothing for strangers to hold."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aioice import stun

from mcu.media.packets import Srtp
from mcu.media.transport import browser_streams
from mcu.media.transport.browser_port import BrowserPort
from mcu.media.transport.browser_streams import (
    IDLE_SECONDS,
    MAX_EARLY,
    MAX_REFUSED,
    MAX_UNPROVEN_OF_ADDRESS,
    PROOF_SECONDS,
    BrowserStreams,
)
from mcu.media.transport.framing import LONGEST_FRAME, FrameReader, framed
from mcu.media.transport.ice_lite import is_stun
from tests.media.transport.checks import agent, check
from tests.media.transport.sockets import PATIENCE, Box, peer
from tests.peers.ports import port_block

SUITE = "AEAD_AES_128_GCM"
KEYS, OURS = bytes(range(28)), bytes(28)
SOUND, PICTURE = 111, 96
LAST = 2001


class Leg(Box):
    """Keeps what it is told, whatever it is."""

    dtls_received = rtcp_received = Box.put

    def rtp_received(self, packets: list[bytes]) -> None:
        for packet in packets:
            self.put(packet)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Connection:
    """A TCP connection of a browser, or of somebody else."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer
        self._frames = FrameReader()
        self._packets: list[bytes] = []

    @property
    def address(self) -> tuple[str, int]:
        address: tuple[str, int] = self.writer.get_extra_info("sockname")
        return address

    def send(self, *packets: bytes) -> None:
        self.writer.write(framed(packets))

    async def next(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            while not self._packets:
                data = await self._reader.read(65536)
                assert data, "closed"
                self._packets += self._frames.feed(data)
        return self._packets.pop(0)

    async def closed(self) -> bool:
        """Whether the other side closes it without another word."""
        async with asyncio.timeout(PATIENCE):
            try:
                return await self._reader.read(1) == b""
            except ConnectionError:
                return True


class Scene:
    def __init__(self, port: BrowserPort, streams: BrowserStreams, number: int, clock: Clock) -> None:
        self.port, self.streams, self.number, self.clock = port, streams, number, clock

    async def connect(self, receive_buffer: int | None = None) -> Connection:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.setblocking(False)
        if receive_buffer is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        await asyncio.get_running_loop().sock_connect(made, ("127.0.0.1", self.number))
        return Connection(*await asyncio.open_connection(sock=made))

    async def until_sent(self) -> None:
        """Until nothing waits for its turn any more, and sockets that had something were read."""
        async with asyncio.timeout(PATIENCE):
            while self.port._pacer._waiting:
                await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def until(self, count: int) -> None:
        """Until so many connections are open."""
        async with asyncio.timeout(PATIENCE):
            while self.streams.connections != count:
                await asyncio.sleep(0)


@asynccontextmanager
async def scene_at(host: str) -> AsyncIterator[Scene]:
    number, clock = port_block(1)[0], Clock()
    port = BrowserPort(clock)
    await port.open(host, number)
    streams = BrowserStreams(port, clock)
    await streams.open(host, number)
    yield Scene(port, streams, number, clock)
    streams.close()
    port.close()


@pytest.fixture(params=["127.0.0.1", "0.0.0.0", "::"])
async def scene(request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    async with scene_at(request.param) as scene:
        yield scene


@pytest.fixture
async def local() -> AsyncIterator[Scene]:
    async with scene_at("127.0.0.1") as scene:
        yield scene


def rtp(number: int, payload_type: int = SOUND, payload: bytes = b"media") -> bytes:
    return struct.pack("!BBHII", 0x80, payload_type, number, 0, 5) + payload


async def test_a_browser_by_tcp_is_one_like_any_other(scene: Scene) -> None:
    box = Leg()
    endpoint = scene.port.add(agent(), box)
    browser = await scene.connect()
    browser.send(check(nominate=True))
    response = stun.parse_message(await browser.next())
    assert response.attributes["XOR-MAPPED-ADDRESS"] == browser.address
    browser.send(b"\x16hello", b"\x16again")
    await box.until(b"\x16again")
    endpoint.send_dtls(b"\x16hello to you")
    assert await browser.next() == b"\x16hello to you"
    endpoint.set_keys(SUITE, OURS, KEYS)
    (protected,) = Srtp(SUITE, KEYS, inbound=False).protect_rtp([rtp(1)])
    assert protected is not None
    browser.send(protected)
    await box.until(rtp(1))
    endpoint.send_rtp([rtp(2)])
    (plain,) = Srtp(SUITE, OURS, inbound=True).unprotect_rtp([await browser.next()])
    assert plain == rtp(2)
    assert scene.port.strangers == 0 and scene.streams.refused == 0
    browser.writer.close()
    await scene.until(0)
    assert endpoint.addresses == [] and endpoint.agent.selected is None


async def test_a_successor_is_not_told_addresses_of_relays(local: Scene) -> None:
    endpoint = local.port.add(agent(), Leg())
    async with peer() as wifi:
        wifi.send(check(), local.number)
        await wifi.next()
        browser = await local.connect()
        browser.send(check(nominate=True))
        await browser.next()
        assert len(endpoint.addresses) == 2 and endpoint.agent.selected != wifi.address
        assert endpoint.lasting_addresses() == ([wifi.address], None)
        wifi.send(check(nominate=True), local.number)
        await wifi.next()
        assert endpoint.lasting_addresses() == ([wifi.address], wifi.address)
    browser.writer.close()


async def test_a_leg_goes_from_tcp_to_udp_and_back(local: Scene) -> None:
    endpoint = local.port.add(agent(), Leg())
    browser = await local.connect()
    browser.send(check(nominate=True))
    await browser.next()
    async with peer() as mobile:
        mobile.send(check(nominate=True), local.number)
        await mobile.next()
        endpoint.send_dtls(b"\x16one")
        assert await mobile.next() == b"\x16one"
        browser.send(check(nominate=True))
        await browser.next()
        endpoint.send_dtls(b"\x16two")
        assert await browser.next() == b"\x16two"
    browser.writer.close()


async def test_a_slow_browser_loses_pictures_and_keeps_sound(local: Scene) -> None:
    endpoint = local.port.add(agent(), Leg())
    endpoint.sound = {SOUND}
    browser = await local.connect(receive_buffer=256 * 1024)
    browser.send(check(nominate=True))
    await browser.next()
    endpoint.set_keys(SUITE, OURS, KEYS)
    (connection,) = local.streams._connections
    # It reads nothing, while pictures come with sound between them.
    for number in range(0, 2000, 20):
        endpoint.send_rtp([rtp(number + one, PICTURE, bytes(1150)) for one in range(19)])
        endpoint.send_rtp([rtp(number, SOUND, bytes(20))])
        await local.until_sent()
    assert connection._queue.dropped > 0
    assert connection._queue._picture_octets <= 256 * 1024
    heard, seen = set(), 0
    endpoint.send_rtp([rtp(LAST, SOUND)])
    while LAST not in heard:
        packet = await browser.next()
        if packet[1] == SOUND:
            heard.add(int.from_bytes(packet[2:4]))
        else:
            seen += 1
    assert 0 < seen < 1900
    assert heard == {LAST, *range(0, 2000, 20)}
    browser.writer.close()


# Strangers


async def test_nobody_gets_in_without_a_check_that_proves_itself(
    local: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    box = Leg()
    endpoint = local.port.add(agent(), box)
    bad = [
        b"\x16client hello",
        check(password="wrong"),
        check(None),
        check("nobody:them"),
        rtp(1),
        b"\x00",
        bytes(2000),
    ]
    for packet in bad:
        stranger = await local.connect()
        allowed = MAX_REFUSED if is_stun(packet) else MAX_EARLY
        stranger.send(*[packet] * (allowed + 5))
        assert await stranger.closed()
    assert endpoint.addresses == [] and box.items == []
    assert local.port.strangers == 3 * MAX_REFUSED + 4 * MAX_EARLY and local.streams.refused == len(bad)
    assert local.port.media.counters()[2] == 0, "nothing of it came as far as the compiled port"
    assert len(caplog.records) == 2, "logged once each, then counted"


async def test_a_browser_that_connects_again_may_send_media_first(local: Scene) -> None:
    box = Leg()
    local.port.add(agent(), box)
    browser = await local.connect()
    browser.send(*[rtp(number) for number in range(MAX_EARLY - 1)], check(nominate=True), b"\x16hello")
    await browser.next()
    await box.until(b"\x16hello")
    assert box.items == [b"\x16hello"] and local.streams.refused == 0
    assert local.port.strangers == MAX_EARLY - 1
    browser.writer.close()


@pytest.mark.parametrize("length", [LONGEST_FRAME + 1, 0x8000, 0xFFFF])
async def test_absurd_lengths_end_the_connection(local: Scene, length: int) -> None:
    endpoint = local.port.add(agent(), Leg())
    stranger, browser = await local.connect(), await local.connect()
    browser.send(check(nominate=True))
    await browser.next()
    for one in (stranger, browser):
        one.writer.write(length.to_bytes(2) + bytes(100))
        assert await one.closed()
    await local.until(0)
    assert local.streams.refused == 2 and endpoint.agent.selected is None


async def test_packets_that_never_end_are_ended_by_time(local: Scene) -> None:
    local.port.add(agent(), Leg())
    slow, silent, browser = [await local.connect() for _ in range(3)]
    slow.writer.write(b"\x00\x50" + check()[:40])
    browser.send(check())
    await browser.next()
    await local.until(3)
    local.streams.end_idle(local.clock.now + PROOF_SECONDS - 0.1)
    assert local.streams.connections == 3
    local.streams.end_idle(local.clock.now + PROOF_SECONDS)
    assert local.streams.connections == 1 and local.streams.refused == 2
    assert await slow.closed() and await silent.closed()
    local.clock.now += IDLE_SECONDS - 1
    browser.send(check())
    await browser.next()
    local.streams.end_idle(local.clock.now + IDLE_SECONDS - 0.1)
    assert local.streams.connections == 1
    local.streams.end_idle(local.clock.now + IDLE_SECONDS)
    assert await browser.closed()


async def test_connections_of_one_address_are_bounded(local: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    strangers = [await local.connect() for _ in range(MAX_UNPROVEN_OF_ADDRESS)]
    await local.until(MAX_UNPROVEN_OF_ADDRESS)
    late = await local.connect()
    assert await late.closed() and local.streams.refused == 1
    local.port.add(agent(), Leg())
    strangers[0].send(check())
    await strangers[0].next()
    another = await local.connect()
    await local.until(MAX_UNPROVEN_OF_ADDRESS + 1)
    # Those that have proved themselves count for their address all the same.
    monkeypatch.setattr(browser_streams, "MAX_OF_ADDRESS", MAX_UNPROVEN_OF_ADDRESS + 1)
    another.writer.close()
    strangers[1].writer.close()
    await local.until(MAX_UNPROVEN_OF_ADDRESS - 1)
    for one in (another, *strangers):
        one.writer.close()
    await local.until(0)
    assert not local.streams._of_group and not local.streams._unproven


async def test_a_flood_of_connections_leaves_nothing_behind(local: Scene) -> None:
    box = Leg()
    local.port.add(agent(), box)
    browser = await local.connect()
    browser.send(check(nominate=True))
    await browser.next()
    for round_ in range(5):
        flood = [await local.connect() for _ in range(60)]
        for one in flood:
            one.writer.write(bytes(1500) * 20 if round_ % 2 else b"GET / HTTP/1.1\r\n\r\n" * 50)
        browser.send(b"\x16%d" % round_)
        await box.until(b"\x16%d" % round_)
        for one in flood:
            one.writer.close()
    await local.until(1)
    assert local.streams.refused >= 5 * 28


async def test_a_port_that_is_taken_is_told_and_one_in_use_before_is_not(number: int) -> None:
    port = BrowserPort(Clock())
    await port.open("127.0.0.1", number)
    first, second = BrowserStreams(port, Clock()), BrowserStreams(port, Clock())
    await first.open("127.0.0.1", number)
    with pytest.raises(OSError, match=r"[Aa]ddress already in use"):
        await second.open("127.0.0.1", number)
    _, writer = await asyncio.open_connection("127.0.0.1", number)
    first.close()  # our side closes first: the kernel keeps the connection for a while
    await second.open("127.0.0.1", number)
    second.close()
    writer.close()
    port.close()


@pytest.fixture
def number() -> int:
    return port_block(1)[0]
