"""Rooms that bring somebody else into their conference."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest

from gatekeeper.dialing import AliasDestination
from mcu.conference.commands import LockConference, SetPin, StartRecording
from mcu.conference.door.joining import Newcomer
from mcu.gateway.point_to_point import PointToPoint
from mcu.gateway.rtp_ports import RtpPorts
from mcu.gateway.transfers import Transfers
from mcu.ports import SYSTEM
from sip.events import CallAnswered, CallEnded, CallProgress, CallRefused, IncomingCall, TransferRequested
from sip.flow import Flow
from tests.fakes.media import room_leg
from tests.gateway.test_dial_out import ANSWER, ROOM, CallingAgent, DialWorld, FakeLocator, world
from tests.gateway.world import OFFER, Told

__all__ = ["world"]


class TransferringAgent(CallingAgent):
    """Remembers what it was told of transfers."""

    def accept_transfer(self, transfer: str) -> None:
        self._take(Told("accept_transfer", transfer))

    def refuse_transfer(self, transfer: str, status: int = 603) -> None:
        self._take(Told("refuse_transfer", transfer, status=status))

    def report_transfer(self, transfer: str, status: int, reason: str = "") -> None:
        self._take(Told("report_transfer", transfer, status=status, reason=reason))


@dataclass
class Transferring:
    """A world with one room in a conference."""

    world: DialWorld
    agent: TransferringAgent = field(default_factory=TransferringAgent)

    async def refer(self, target: str = ROOM, call: str = "call-1", name: str = "", replaces: str = "") -> None:
        event = TransferRequested(
            transfer="t1",
            call=call,
            target=target,
            target_name=name,
            request_uri="sip:1000@192.0.2.1",
            from_uri="sip:theatre2@192.0.2.9",
            source=Flow("udp", ("192.0.2.9", 5060), ("192.0.2.1", 5060)),
            replaces=replaces,
        )
        self.world.base.gateway.handle(event)
        await self.world.turn()

    @property
    def told(self) -> list[tuple[str, int]]:
        return [(told.what, told.status) for told in self.agent.told]


@pytest.fixture
async def transferring(world: DialWorld) -> AsyncIterator[Transferring]:
    agent = TransferringAgent()
    transfers = Transfers(agent, world.base.gateway, world.base.manager, world.dial_out)
    await world.base.connect()
    yield Transferring(world, agent)
    await transfers.close()


async def test_whom_a_room_names_is_called_into_its_conference(transferring: Transferring) -> None:
    await transferring.refer(name="Ward 3")
    world = transferring.world
    assert world.agent.invited == {"out-1": ROOM}
    world.tell(CallProgress("out-1", 180))
    world.tell(CallAnswered("out-1", ANSWER))
    await world.turn()
    assert transferring.told == [("accept_transfer", 0), ("report_transfer", 180), ("report_transfer", 200)]
    assert [each.name for each in world.base.participants()] == ["手术室 2", "Ward 3"]


async def test_who_does_not_come_is_reported(transferring: Transferring) -> None:
    await transferring.refer()
    transferring.world.tell(CallRefused("out-1", 486, "Busy Here"))
    await transferring.world.turn()
    assert transferring.agent.last == Told("report_transfer", "t1", status=486, reason="Busy Here")


async def test_an_attended_transfer_replaces_the_call_there(transferring: Transferring) -> None:
    await transferring.refer(f"{ROOM}?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2")
    assert transferring.world.agent.invited == {"out-1": f"{ROOM}?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2"}


@pytest.mark.parametrize(
    ("target", "call"), [("sip:anybody@198.51.100.1", "call-1"), ("nonsense", "call-1"), (ROOM, "unknown")]
)
async def test_what_may_not_be_called_is_refused(transferring: Transferring, target: str, call: str) -> None:
    await transferring.refer(target, call)
    assert transferring.told == [("refuse_transfer", 403)]
    assert not transferring.world.agent.invited


async def test_a_room_may_ask_outside_of_its_call(transferring: Transferring) -> None:
    await transferring.refer(call="")
    assert transferring.told == [("accept_transfer", 0)]


def invite(call: str, who: str, dialled: str = "consilium", replaces: str = "") -> IncomingCall:
    """Somebody else calls."""
    return IncomingCall(
        call_id=call,
        request_uri=f"sip:{dialled}@192.0.2.1",
        from_uri=f"sip:{who.lower()}@192.0.2.10",
        from_name=who,
        to_uri=f"sip:{dialled}@192.0.2.1",
        user_agent="Room",
        offer=OFFER,
        source=Flow("udp", ("192.0.2.10", 5060), ("192.0.2.1", 5060)),
        replaces=replaces,
    )


def with_places(world: DialWorld, places: int) -> None:
    """Conferences are as large, and there are ports for all."""
    core = world.base.manager._core
    core.settings = world.base.manager.settings = replace(core.settings, maximum_participants=places)
    world.base.gateway.sessions._ports = RtpPorts("0.0.0.0", 20_000, 20_099, is_free=lambda host, port: True)


def names(world: DialWorld, number: str) -> list[str]:
    """Who is in this conference."""
    conference = world.base.manager.conference(number)
    return [] if conference is None else [each.name for each in conference.participants]


async def test_who_takes_the_place_of_a_call_comes_into_its_conference_without_a_pin(
    transferring: Transferring,
) -> None:
    base = transferring.world.base
    await base.manager.execute(SetPin("1000", "4711"), SYSTEM)
    await base.manager.execute(LockConference("1000", True), SYSTEM)
    base.gateway.handle(invite("call-2", "Ward 3", replaces="call-1"))
    await transferring.world.turn()
    assert base.agent.last.what == "accept"
    transferring.world.tell(CallEnded("call-1", "another call takes the place of this one"))
    await transferring.world.turn()
    assert [each.name for each in base.participants()] == ["Ward 3"]


async def test_two_calls_of_a_room_become_one_without_it(transferring: Transferring) -> None:
    world = transferring.world
    with_places(world, 3)
    world.dial_out.locator = FakeLocator(theatre=("sip:b@192.0.2.31",), ward=("sip:c@192.0.2.32",))
    pairs = PointToPoint(world.agent, world.base.gateway, world.base.manager, world.dial_out, iter("xyz").__next__)
    for number, alias in enumerate(("theatre", "ward"), 1):
        event = IncomingCall(
            call_id=f"in-{number}",
            request_uri=f"sip:{alias}@192.0.2.1",
            from_uri="sip:desk@192.0.2.40",
            from_name="Desk",
            to_uri=f"sip:{alias}@192.0.2.1",
            user_agent="Room",
            offer=OFFER,
            source=Flow("udp", ("192.0.2.40", 5060), ("192.0.2.1", 5060)),
        )
        pairs.connect(event, AliasDestination(alias))
        await world.turn()
        world.tell(CallAnswered(f"out-{number}", ANSWER))
        await world.turn()
    assert [each.name for each in world.base.participants()] == ["手术室 2", "Desk", "theatre", "Desk", "ward"]
    await transferring.refer("sip:ward@192.0.2.1?Replaces=whatever", "in-1", replaces="in-2")
    assert transferring.told == [("accept_transfer", 0), ("report_transfer", 200)]
    assert [each.name for each in world.base.participants()] == ["手术室 2", "ward", "theatre"]
    hung_up = {told.call for told in world.agent.told if told.what == "hang_up"}
    assert hung_up == {"in-1", "in-2"}
    world.tell(CallEnded("out-2", "the other side hung up"))
    await world.turn()
    assert [each.name for each in world.base.participants()] == ["手术室 2"]
    await pairs.close()


async def test_a_transfer_of_a_call_that_is_not_there_is_refused(transferring: Transferring) -> None:
    await transferring.refer(replaces="unknown")
    assert transferring.told == [("refuse_transfer", 403)]


async def two_conferences(transferring: Transferring, places: int = 5) -> DialWorld:
    """The room is in 1000 with A, and in 2000 with B and C."""
    world = transferring.world
    with_places(world, places)
    for call, who, number in (
        ("call-a", "A", "1000"),
        ("call-2", "手术室 2", "2000"),
        ("call-b", "B", "2000"),
        ("call-c", "C", "2000"),
    ):
        world.base.gateway.handle(invite(call, who, number))
        await world.turn()
    assert names(world, "1000") == ["手术室 2", "A"] and names(world, "2000") == ["手术室 2", "B", "C"]
    return world


async def test_two_conferences_of_many_become_one_without_who_asked_for_it(transferring: Transferring) -> None:
    world = await two_conferences(transferring)
    await transferring.refer("sip:2000@192.0.2.1?Replaces=whatever", "call-1", replaces="call-2")
    assert transferring.told == [("accept_transfer", 0), ("report_transfer", 200)]
    assert names(world, "2000") == ["B", "C", "A"]
    assert [told.call for told in world.base.agent.told if told.what == "hang_up"] == ["call-2"]
    world.tell(CallEnded("call-1", "it was told that all is well"))
    world.tell(CallEnded("call-b", "left"))
    world.tell(CallEnded("call-a", "left"))
    await world.turn()
    assert names(world, "1000") == [] and names(world, "2000") == ["C"]


async def test_the_conference_that_is_recorded_stays(transferring: Transferring) -> None:
    world = await two_conferences(transferring)
    await world.base.manager.execute(StartRecording("1000"), SYSTEM)
    await transferring.refer("sip:2000@192.0.2.1?Replaces=whatever", "call-1", replaces="call-2")
    assert names(world, "1000") == ["手术室 2", "A", "B", "C"] and names(world, "2000") == []
    conference = world.base.manager.conference("1000")
    assert conference is not None and conference.recording is not None


async def test_conferences_that_do_not_fit_together_stay_as_they_are(transferring: Transferring) -> None:
    world = await two_conferences(transferring, places=3)
    await transferring.refer("sip:2000@192.0.2.1?Replaces=whatever", "call-1", replaces="call-2")
    assert transferring.told == [("refuse_transfer", 486)]
    assert names(world, "1000") == ["手术室 2", "A"] and names(world, "2000") == ["手术室 2", "B", "C"]


class _Page:
    """Answers for a browser's leg."""

    async def end(self, leg_id: str, reason: str) -> None:
        """Nobody does."""

    async def request_key_frame(self, leg_id: str) -> None:
        """Nobody does."""


async def test_who_has_a_page_open_is_joined_and_never_moved(transferring: Transferring) -> None:
    world = await two_conferences(transferring)
    await world.base.manager.join(
        "1000", Newcomer("Doctor", "browser", _Page(), lambda seat: room_leg(seat.participant_id))
    )
    await transferring.refer("sip:2000@192.0.2.1?Replaces=whatever", "call-1", replaces="call-2")
    assert transferring.told == [("accept_transfer", 0), ("report_transfer", 200)]
    assert names(world, "1000") == ["手术室 2", "A", "Doctor", "B", "C"]


async def test_two_conferences_with_pages_stay_two(transferring: Transferring) -> None:
    world = await two_conferences(transferring)
    for number in ("1000", "2000"):
        await world.base.manager.join(
            number, Newcomer("Doctor", "browser", _Page(), lambda seat: room_leg(seat.participant_id))
        )
    await transferring.refer("sip:2000@192.0.2.1?Replaces=whatever", "call-1", replaces="call-2")
    assert transferring.told == [("refuse_transfer", 403)]
    assert len(names(world, "1000")) == 3 and len(names(world, "2000")) == 4


async def test_the_place_in_a_call_of_two_can_be_taken(transferring: Transferring) -> None:
    world = transferring.world
    with_places(world, 3)
    world.dial_out.locator = FakeLocator(theatre=("sip:b@192.0.2.31",))
    pairs = PointToPoint(world.agent, world.base.gateway, world.base.manager, world.dial_out, iter("xyz").__next__)
    pairs.connect(invite("in-1", "Desk", "theatre"), AliasDestination("theatre"))
    await world.turn()
    world.tell(CallAnswered("out-1", ANSWER))
    await world.turn()
    assert names(world, "p2p-x") == ["Desk", "theatre"]
    world.base.gateway.handle(invite("in-2", "Ward 3", replaces="in-1"))
    await world.turn()
    assert world.base.agent.last == Told("accept", "in-2", world.base.agent.last.sdp)
    world.tell(CallEnded("in-1", "another call takes the place of this one"))
    await world.turn()
    assert names(world, "p2p-x") == ["theatre", "Ward 3"]
    world.tell(CallEnded("out-1", "the other side hung up"))
    await world.turn()
    assert names(world, "p2p-x") == []
    await pairs.close()
