"""Rooms that ask for the floor by BFCP, over real sockets; the conference decides, and tells them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mcu.conference.commands import RevokeFloor, TakeFloor
from mcu.conference.door.joining import Newcomer, Seat
from mcu.conference.model import Participant
from mcu.gateway.floor_channel import make_channel
from mcu.gateway.floor_control import FloorControl
from mcu.gateway.sip_call import CallDescriptions, CallSession
from mcu.gateway.sip_media import RoomMedia, room_capabilities
from mcu.media.spec import LegSpec, PlainTransport
from mcu.ports import SYSTEM
from sip.bfcp.client import FloorChanged, FloorClient, FloorSeen, FloorState
from sip.bfcp.message import RequestStatus
from sip.events import CallEnded
from sip.sdp.floor import FloorRole, NegotiatedFloor
from tests.fakes.media import room_leg, sharing_leg
from tests.gateway.world import GatewayWorld, gateway_world

HERE = "127.0.0.1"
PATIENCE = 5.0


@pytest.fixture
async def world() -> AsyncIterator[GatewayWorld]:
    async with gateway_world() as made:
        yield made


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((HERE, 0))
        return int(probe.getsockname()[1])


class Peer:
    """The room's end: a client on a socket of its own."""

    def __init__(self, floor: NegotiatedFloor, port: int) -> None:
        self.client = FloorClient(floor.reliable, floor.conference_id, floor.user_id, floor.floor_id)
        self.seen: list[FloorSeen] = []
        self.changes: list[FloorChanged] = []
        self.channel = make_channel(floor, HERE, port, self._receive, lambda: None)
        self._news = asyncio.Event()

    def do(self, what: str) -> None:
        getattr(self.client, what)(0.0)
        self.channel.send(self.client.to_send())

    async def until(self, state: FloorState) -> FloorChanged | None:
        """The last that we were told once we stand so."""
        async with asyncio.timeout(PATIENCE):
            while self.client.state is not state:
                self._news.clear()
                await self._news.wait()
        return self.changes[-1] if self.changes else None

    def _receive(self, data: bytes) -> None:
        self.client.receive(data, 0.0)
        for event in self.client.events():
            if isinstance(event, FloorChanged):
                self.changes.append(event)
            elif isinstance(event, FloorSeen):
                self.seen.append(event)
        self.channel.send(self.client.to_send())
        self._news.set()


@asynccontextmanager
async def sharing_room(
    world: GatewayWorld, control: FloorControl, name: str, protocol: str = "UDP/BFCP", shares: bool = True
) -> AsyncIterator[tuple[Participant, Peer, CallSession]]:
    """A room in the conference with floor control, and its end of it."""
    kind = socket.SOCK_STREAM if protocol == "TCP/BFCP" else socket.SOCK_DGRAM
    ours, theirs = free_port(kind), free_port(kind)
    sessions: list[CallSession] = []

    def make_leg(seat: Seat) -> LegSpec:
        room = RoomMedia(HERE, HERE, 0, 0, 1, 2, content_port=4, floor_port=ours)
        sessions.append(CallSession(seat, name, room, CallDescriptions(room, room_capabilities(), 1)))
        return (sharing_leg if shares else room_leg)(seat.participant_id)

    participant = await world.manager.join("1000", Newcomer(name, "sip", world.gateway, make_leg))
    session = sessions[-1]
    control.serve(session, NegotiatedFloor(0, protocol, FloorRole.SERVER, HERE, theirs, 9, 41, 1))
    async with asyncio.timeout(PATIENCE):
        while len(control._tasks) > 1:  # until the port is bound; one task follows the conferences
            await asyncio.sleep(0)
    peer = Peer(NegotiatedFloor(0, protocol, FloorRole.CLIENT, HERE, ours, 9, 41, 1, active=True), theirs)
    await peer.channel.open()
    peer.do("hello")
    try:
        yield participant, peer, session
    finally:
        await peer.channel.close()
        await control.release(session)


@pytest.mark.parametrize("protocol", ["UDP/BFCP", "TCP/BFCP"])
async def test_two_rooms_take_turns_and_an_account_ends_it(world: GatewayWorld, protocol: str) -> None:
    control = FloorControl(world.manager)
    async with (
        sharing_room(world, control, "First", protocol) as (first, first_peer, _),
        sharing_room(world, control, "Second", protocol) as (second, second_peer, _),
    ):
        first_peer.do("request")
        await first_peer.until(FloorState.GRANTED)
        assert world.media.only.content_from == first.id
        second_peer.do("request")
        assert await second_peer.until(FloorState.QUEUED) == FloorChanged(
            FloorState.QUEUED, RequestStatus.ACCEPTED, queue_position=1
        )
        first_peer.do("release")
        await second_peer.until(FloorState.GRANTED)
        assert first_peer.client.state is FloorState.IDLE

        await world.manager.execute(RevokeFloor("1000"), SYSTEM)
        told = await second_peer.until(FloorState.IDLE)
        assert told is not None and told.status is RequestStatus.REVOKED
        conference = world.manager.conference_of(second.id)
        assert conference is not None and conference.floor.holder is None
    await control.close()


async def test_a_room_that_watches_is_told_who_shares(world: GatewayWorld) -> None:
    control = FloorControl(world.manager)
    async with (
        sharing_room(world, control, "First") as (first, _, _),
        sharing_room(world, control, "Second") as (_, peer, _),
    ):
        peer.do("watch")
        await world.manager.execute(TakeFloor(first.id), SYSTEM)
        async with asyncio.timeout(PATIENCE):
            while not (peer.seen and peer.seen[-1].requests):
                await asyncio.sleep(0)
        (request,) = peer.seen[-1].requests
        assert request.status is RequestStatus.GRANTED
        assert request.beneficiary is not None and request.beneficiary.name == "First"
    await control.close()


async def test_a_room_without_a_second_picture_is_denied(world: GatewayWorld) -> None:
    control = FloorControl(world.manager)
    async with sharing_room(world, control, "Plain", shares=False) as (_, peer, _):
        peer.do("request")
        async with asyncio.timeout(PATIENCE):
            while len(peer.changes) < 2:
                await asyncio.sleep(0)
        assert peer.changes[-1].status is RequestStatus.DENIED and "second picture" in peer.changes[-1].info
    await control.close()


async def test_a_room_that_says_goodbye_or_breaks_off_gives_the_floor_back(world: GatewayWorld) -> None:
    control = FloorControl(world.manager)
    for protocol in ("UDP/BFCP", "TCP/BFCP"):
        async with sharing_room(world, control, "First", protocol) as (first, peer, _):
            peer.do("request")
            await peer.until(FloorState.GRANTED)
            peer.do("goodbye")
            if protocol == "TCP/BFCP":
                await peer.channel.close()
            async with asyncio.timeout(PATIENCE):
                while (conference := world.manager.conference_of(first.id)) and conference.floor.holder is not None:
                    await asyncio.sleep(0)
        await world.manager.leave(first.id)
    await control.close()


async def test_a_call_with_two_pictures_gets_ports_for_both_and_its_floor() -> None:
    offer = (Path(__file__).parents[1] / "sip" / "sdp" / "offers" / "polycom_like.sdp").read_text()
    async with gateway_world(media_host=HERE) as world:
        await world.connect(offer=offer)
        description = world.agent.last.sdp
        assert description is not None
        leg, room = world.leg(), description.media
        slides = next(media for media in room if media.value("content") == "slides")
        floor = next(media for media in room if "BFCP" in media.protocol)
        assert isinstance(leg.transport, PlainTransport) and leg.content is not None
        assert leg.transport.content_port == slides.port and leg.transport.content_remote is not None
        assert leg.transport.content_remote.port == 49174
        assert floor.port and floor.value("floorctrl") == "s-only"
        assert len({media.port for media in room if media.port}) == sum(1 for media in room if media.port)
        world.gateway.handle(CallEnded("call-1", "left"))
        await world.settle()
        assert world.taken == 0


async def test_strangers_are_not_heard_once_the_room_is(world: GatewayWorld) -> None:
    control = FloorControl(world.manager)
    async with sharing_room(world, control, "First") as (first, peer, session):
        peer.do("watch")
        async with asyncio.timeout(PATIENCE):
            while not peer.seen:
                await asyncio.sleep(0)
        stranger = Peer(
            NegotiatedFloor(0, "UDP/BFCP", FloorRole.CLIENT, HERE, session.room.floor_port, 9, 41, 1),
            free_port(socket.SOCK_DGRAM),
        )
        await stranger.channel.open()
        stranger.do("request")
        peer.do("hello")
        peer.do("request")
        await peer.until(FloorState.GRANTED)
        conference = world.manager.conference_of(first.id)
        assert conference is not None and conference.floor.holder == first.id
        assert stranger.client.state is FloorState.REQUESTED and not stranger.changes
        await stranger.channel.close()
    await control.close()


async def test_a_port_that_is_taken_costs_the_floor_and_not_the_call(
    world: GatewayWorld, caplog: pytest.LogCaptureFixture
) -> None:
    control = FloorControl(world.manager)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((HERE, 0))
        room = RoomMedia(HERE, HERE, 0, 0, 1, 2, content_port=4, floor_port=int(taken.getsockname()[1]))
        session = CallSession(Seat("p", "c", "1000"), "Room", room, CallDescriptions(room, room_capabilities(), 1))
        control.serve(session, NegotiatedFloor(0, "UDP/BFCP", FloorRole.SERVER, HERE, 1, 9, 41, 1))
        async with asyncio.timeout(PATIENCE):
            while "floor control of a call" not in caplog.text:
                await asyncio.sleep(0)
    await control.close()
