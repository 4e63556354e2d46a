"""Floor control over TLS, the room's end being a client on Python's own TLS sockets."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mcu.conference.commands import RevokeFloor
from mcu.conference.door.joining import Newcomer, Seat
from mcu.gateway.floor_control import FloorControl
from mcu.gateway.floor_stream import FloorStream
from mcu.gateway.sip_call import CallDescriptions, CallSession
from mcu.gateway.sip_media import RoomMedia, room_capabilities
from mcu.media.spec import LegSpec
from mcu.ports import SYSTEM
from sip.bfcp.client import FloorClient, FloorState
from sip.events import CallEnded
from sip.sdp.floor import SECURE_PROTOCOL, FloorRole, NegotiatedFloor
from tests.fakes.media import sharing_leg
from tests.gateway.identities import Known, known
from tests.gateway.world import GatewayWorld, gateway_world

HERE = "127.0.0.1"
PATIENCE = 5.0


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Known:
    return known(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Known:
    return known(tmp_path_factory.mktemp("theirs"))


@pytest.fixture
async def world() -> AsyncIterator[GatewayWorld]:
    async with gateway_world() as made:
        yield made


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        return int(probe.getsockname()[1])


def context_of(who: Known, *, server: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(who.identity.certificate_file, who.identity.private_key_file)
    return context


class TlsPeer:
    """The room: BFCP's client over a TLS socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.client = FloorClient(True, 9, 41, 1)
        self._reader, self._writer = reader, writer

    def do(self, what: str) -> None:
        getattr(self.client, what)(0.0)
        self._writer.writelines(self.client.to_send())

    async def until(self, state: FloorState) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.client.state is not state:
                data = await self._reader.read(4096)
                assert data, "the server hung up"
                self.client.receive(data, 0.0)
                self._writer.writelines(self.client.to_send())

    def close(self) -> None:
        self._writer.transport.abort()


@asynccontextmanager
async def served(
    world: GatewayWorld, ours: Known, fingerprint: tuple[str, str], remote_port: int = 9, active: bool = False
) -> AsyncIterator[tuple[FloorControl, CallSession]]:
    """A room in a conference whose floor control is to go over TLS."""
    control = FloorControl(world.manager, identity=ours.identity)
    sessions: list[CallSession] = []

    def make_leg(seat: Seat) -> LegSpec:
        room = RoomMedia(HERE, HERE, 0, 0, 1, 2, content_port=4, floor_port=free_port())
        sessions.append(CallSession(seat, "Room", room, CallDescriptions(room, room_capabilities(), 1)))
        return sharing_leg(seat.participant_id)

    await world.manager.join("1000", Newcomer("Room", "sip", world.gateway, make_leg))
    floor = NegotiatedFloor(
        0, SECURE_PROTOCOL, FloorRole.SERVER, HERE, remote_port, 9, 41, 1, active, (fingerprint,), answering=True
    )
    control.serve(sessions[0], floor)
    async with asyncio.timeout(PATIENCE):
        while len(control._tasks) > 1:  # until the port is bound; one task follows the conferences
            await asyncio.sleep(0)
    try:
        yield control, sessions[0]
    finally:
        await control.release(sessions[0])
        await control.close()


async def test_a_room_asks_for_the_floor_over_tls(world: GatewayWorld, ours: Known, theirs: Known) -> None:
    async with served(world, ours, theirs.fingerprint) as (_, session):
        peer = TlsPeer(*await asyncio.open_connection(HERE, session.room.floor_port, ssl=context_of(theirs)))
        peer.do("hello")
        peer.do("request")
        await peer.until(FloorState.GRANTED)
        assert world.media.only.content_from == session.seat.participant_id
        await world.manager.execute(RevokeFloor("1000"), SYSTEM)
        await peer.until(FloorState.IDLE)
        peer.close()


async def test_a_room_that_waits_for_connections_says_hello_all_the_same(
    world: GatewayWorld, ours: Known, theirs: Known
) -> None:
    """Whoever answered is TLS's server, also where it is the one that connects (RFC 4583 section 7)."""
    connected: asyncio.Future[TlsPeer] = asyncio.get_running_loop().create_future()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        protocol = writer.transport.get_protocol()
        transport = await loop.start_tls(writer.transport, protocol, context_of(theirs))
        assert transport is not None
        connected.set_result(TlsPeer(reader, asyncio.StreamWriter(transport, protocol, reader, loop)))

    listening = await asyncio.start_server(accept, HERE, 0)
    port = int(listening.sockets[0].getsockname()[1])
    async with served(world, ours, theirs.fingerprint, port, active=True):
        peer = await connected
        peer.do("request")
        await peer.until(FloorState.GRANTED)
        peer.close()
    listening.close()


async def test_where_no_hello_comes_we_say_it(ours: Known, theirs: Known) -> None:
    """Whoever connects is TLS's client, for those who read it so (RFC 8122 section 5.1)."""
    got: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"welcome")
        got.set_result(await reader.read(100))

    listening = await asyncio.start_server(accept, HERE, 0, ssl=context_of(theirs, server=True))
    port = int(listening.sockets[0].getsockname()[1])
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    floor = NegotiatedFloor(
        0, SECURE_PROTOCOL, FloorRole.SERVER, HERE, port, 9, 41, 1, True, (theirs.fingerprint,), answering=True
    )
    stream = FloorStream(floor, HERE, 0, heard.set_result, lambda: None, ours.identity, hello_patience=0.0)
    await stream.open()
    stream.send([b"early"])
    async with asyncio.timeout(PATIENCE):
        assert (await heard, await got) == (b"welcome", b"early")
    await stream.close()
    listening.close()


async def test_a_room_with_another_certificate_gets_nothing(
    world: GatewayWorld, ours: Known, theirs: Known, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with served(world, ours, ours.fingerprint) as (_, session):
        reader, writer = await asyncio.open_connection(HERE, session.room.floor_port, ssl=context_of(theirs))
        peer = TlsPeer(reader, writer)
        peer.do("request")
        async with asyncio.timeout(PATIENCE):
            with pytest.raises((AssertionError, ConnectionError, ssl.SSLError)):
                await peer.until(FloorState.GRANTED)
        assert "not the one that the description announced" in caplog.text
        conference = world.manager.conference_of(session.seat.participant_id)
        assert conference is not None and conference.floor.holder is None
        peer.close()


async def test_a_stranger_does_not_push_the_room_out(world: GatewayWorld, ours: Known, theirs: Known) -> None:
    async with served(world, ours, theirs.fingerprint) as (_, session):
        peer = TlsPeer(*await asyncio.open_connection(HERE, session.room.floor_port, ssl=context_of(theirs)))
        peer.do("request")
        await peer.until(FloorState.GRANTED)
        stranger, writer = await asyncio.open_connection(HERE, session.room.floor_port)
        writer.write(b"\x20\x0b\x00\x00" + bytes(8))  # Hello, in the clear
        async with asyncio.timeout(PATIENCE):
            await stranger.read()  # until it is hung up on
        peer.do("release")
        await peer.until(FloorState.IDLE)
        writer.transport.abort()
        peer.close()


async def test_a_call_gets_its_floor_over_tls_as_its_description_says(ours: Known, theirs: Known) -> None:
    room = (Path(__file__).parents[1] / "sip" / "sdp" / "offers" / "polycom_like.sdp").read_text()
    lines = f"a=setup:actpass\r\na=connection:new\r\na=fingerprint:{' '.join(theirs.fingerprint)}\r\na=floorctrl"
    offer = room.replace("UDP/BFCP", "TCP/TLS/BFCP").replace("a=floorctrl", lines, 1)
    async with gateway_world(media_host=HERE, fingerprint=ours.fingerprint[1], identity=ours.identity) as world:
        participant = await world.connect(offer=offer)
        description = world.agent.last.sdp
        assert description is not None
        line = next(media for media in description.media if "BFCP" in media.protocol)
        assert (line.protocol, line.value("setup")) == ("TCP/TLS/BFCP", "passive")
        async with asyncio.timeout(PATIENCE):
            while len(world.gateway._floors._tasks) > 1:  # until the port is bound; one task follows the conferences
                await asyncio.sleep(0)
        reader, writer = await asyncio.open_connection(HERE, line.port, ssl=context_of(theirs))
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        announced = (line.value("fingerprint") or "").partition(" ")[2].replace(":", "")
        assert hashlib.sha256(shown).hexdigest().upper() == announced
        peer = TlsPeer(reader, writer)
        peer.do("request")
        await peer.until(FloorState.GRANTED)
        assert world.media.only.content_from == participant.id
        peer.close()
        world.gateway.handle(CallEnded("call-1", "left"))
        await world.settle()
        assert world.taken == 0


async def test_strangers_who_never_shake_hands_are_bounded_and_the_room_comes_through(
    ours: Known, theirs: Known, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    port = free_port()
    floor = NegotiatedFloor(
        0, SECURE_PROTOCOL, FloorRole.SERVER, HERE, 9, 9, 41, 1, False, (theirs.fingerprint,), answering=True
    )
    stream = FloorStream(floor, HERE, port, heard.set_result, lambda: None, ours.identity)
    await stream.open()
    strangers = [await asyncio.open_connection(HERE, port, local_addr=("127.0.0.2", 0)) for _ in range(20)]
    async with asyncio.timeout(PATIENCE):
        for reader, _ in strangers[:12]:
            assert await reader.read() == b""
    _, writer = await asyncio.open_connection(HERE, port, ssl=context_of(theirs))
    writer.write(b"it is me")
    async with asyncio.timeout(PATIENCE):
        assert await heard == b"it is me"
    for _, one in [*strangers, (None, writer)]:
        one.transport.abort()
    await stream.close()
    assert len([record for record in caplog.records if "no TLS" in record.getMessage()]) == 1
