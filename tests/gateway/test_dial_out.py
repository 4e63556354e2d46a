"""Calls out, over a fake user agent: from the command to the participant, and every way in which that fails."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import pytest

from gatekeeper.dial_policy import dial_policy
from gatekeeper.location import Reach
from mcu.conference import outgoing
from mcu.conference.calls import CallState, OutgoingCall
from mcu.conference.commands import CancelCall, CommandRefused, EndConference, LockConference, PlaceCalls, Refusal
from mcu.conference.events import CallChanged, ConferenceEvent
from mcu.gateway.dial_out import DialOut, DialOutSettings
from mcu.ports import SYSTEM
from sip.events import CallAnswered, CallEnded, CallProgress, CallRefused
from sip.flow import Flow
from sip.sdp.grammar import parse
from sip.uri import SipUri, parse_uri
from tests.gateway.world import OFFER, FakeUserAgent, GatewayWorld, Told, gateway_world

ROOM = "sip:theatre@10.0.0.7"
ANSWER = OFFER.replace("m=audio 30000 RTP/AVP 8", "m=audio 30000 RTP/AVP 8").replace("o=- 1 1", "o=- 7 1")


class CallingAgent(FakeUserAgent):
    """A user agent that also calls; ``offers`` by handle."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = itertools.count(1)
        self.invited: dict[str, str] = {}
        self.offers: dict[str, str] = {}
        self.senders: list[tuple[str, str]] = []
        self.taken_ways: list[tuple[tuple[str, ...], Flow | None]] = []

    def invite(
        self,
        target: str,
        offer: str,
        from_uri: str,
        from_name: str = "",
        via_transport: str = "udp",
        *,
        route: Sequence[str] = (),
        flow: Flow | None = None,
    ) -> str:
        handle = f"out-{next(self.numbers)}"
        self.invited[handle] = target
        self.offers[handle] = offer
        self.senders.append((from_uri, from_name))
        self.taken_ways.append((tuple(route), flow))
        return handle

    def ring(self, call: str) -> None:
        self._take(Told("ring", call))

    def cancel(self, call: str, reason: str | None = None) -> None:
        self._take(Told("cancel", call, reason=reason))


class FakeLocator:
    """Registered endpoints by name."""

    def __init__(self, **registered: tuple[str, ...]) -> None:
        self.registered = registered
        self.flow: Flow | None = None

    def locate(self, address: str, now: float) -> tuple[Reach, ...]:
        return tuple(Reach(address, contact, flow=self.flow) for contact in self.registered.get(address, ()))


@dataclass
class DialWorld:
    """A gateway that calls; ``pauses`` are those between tries, ended by ``resume``."""

    base: GatewayWorld
    agent: CallingAgent
    dial_out: DialOut
    pauses: list[float]
    resume: asyncio.Event

    async def place(self, *targets: str, retries: int = 0, number: str = "1000") -> tuple[OutgoingCall, ...]:
        calls = await self.base.manager.execute(PlaceCalls(number, targets, retries), SYSTEM)
        assert isinstance(calls, tuple)
        await self.turn()
        return calls

    async def turn(self) -> None:
        """Let everything happen that can."""
        for _ in range(30):
            await asyncio.sleep(0)
        await self.base.settle()
        for _ in range(30):
            await asyncio.sleep(0)

    def tell(self, event: CallProgress | CallAnswered | CallRefused | CallEnded) -> None:
        self.base.gateway.handle(event)

    @property
    def states(self) -> list[CallState]:
        conference = self.base.manager.conference("1000")
        return [] if conference is None else [call.state for call in conference.calls]


@pytest.fixture
async def world() -> AsyncIterator[DialWorld]:
    agent = CallingAgent()
    async with gateway_world(agent, fingerprint=":".join(["AB"] * 32)) as base:
        base.agent = agent
        ids = itertools.count(1)
        settings = DialOutSettings(dial_policy(["rooms.example"], ["10.0.0.0/8"]), lambda host: ("192.0.2.1", 5060))
        dial_out = DialOut(agent, base.gateway, base.manager, settings, lambda: f"leg{next(ids)}", lambda: 0.0)
        pauses: list[float] = []
        resume = asyncio.Event()

        async def sleep(seconds: float) -> None:
            pauses.append(seconds)
            await resume.wait()
            resume.clear()

        base.manager.outgoing.caller = dial_out
        base.manager.outgoing._sleep = sleep
        yield DialWorld(base, agent, dial_out, pauses, resume)


async def test_a_called_room_that_answers_becomes_a_participant(world: DialWorld) -> None:
    subscription = world.base.manager.subscribe()
    (call,) = await world.place(ROOM)
    assert (call.state, call.name) == (CallState.DIALLING, "theatre")
    assert world.agent.invited == {"out-1": ROOM}
    assert world.agent.senders == [("sip:1000@192.0.2.1", "1000")]
    world.tell(CallProgress("out-1", 180))
    assert world.states == [CallState.RINGING]
    world.tell(CallAnswered("out-1", ANSWER))
    await world.turn()

    (participant,) = world.base.participants()
    assert (participant.name, participant.kind) == ("theatre", "sip")
    transport = world.base.leg().transport
    assert transport.kind == "rtp" and transport.audio_remote is not None and transport.audio_remote.port == 30000
    assert world.states == []
    assert told(subscription) == ["dialling", "ringing", "answered"]

    world.tell(CallEnded("out-1", "the other side hung up"))
    await world.turn()
    assert world.base.participants() == [] and world.base.taken == 0


def told(subscription: object) -> list[str]:
    queue = subscription._queue  # type: ignore[attr-defined]
    events: list[ConferenceEvent] = [queue.get_nowait() for _ in range(queue.qsize())]
    return [event.call.state.value for event in events if isinstance(event, CallChanged)]


async def test_a_kicked_room_that_was_called_gets_its_bye(world: DialWorld) -> None:
    await world.place(ROOM)
    world.tell(CallAnswered("out-1", ANSWER))
    await world.turn()
    await world.base.manager.execute(EndConference("1000"), SYSTEM)
    await world.turn()
    assert world.agent.last == Told("hang_up", "out-1", reason="The conference was ended")
    assert world.base.taken == 0


async def test_a_locked_conference_can_call_somebody_in(world: DialWorld) -> None:
    await world.base.connect()
    await world.base.manager.execute(LockConference("1000", True), SYSTEM)
    await world.place(ROOM)
    world.tell(CallAnswered("out-1", ANSWER))
    await world.turn()
    assert len(world.base.participants()) == 2


@pytest.mark.parametrize(("status", "tries"), [(486, 3), (480, 3), (603, 1), (404, 1)])
async def test_busy_rooms_are_tried_again_and_wrong_ones_are_not(world: DialWorld, status: int, tries: int) -> None:
    await world.place(ROOM, retries=2)
    for attempt in range(1, tries + 1):
        world.tell(CallRefused(f"out-{attempt}", status, "No"))
        await world.turn()
        if attempt < tries:
            assert world.states == [CallState.WAITING]
            world.resume.set()
            await world.turn()
    assert world.states == [CallState.FAILED]
    assert world.pauses == [15.0, 30.0][: tries - 1]
    conference = world.base.manager.conference("1000")
    assert conference is not None and conference.calls[0].status == status and conference.calls[0].attempt == tries
    assert world.base.taken == 0


def protocols(offer: str) -> set[str]:
    """The transport protocols of the m-lines of sound and pictures."""
    return {media.protocol for media in parse(offer).media if media.media != "application"}


async def test_who_refuses_an_offer_is_made_another_one_without_feedback_and_at_last_an_encrypted_one(
    world: DialWorld,
) -> None:
    await world.place(ROOM, retries=2)
    for attempt in (1, 2, 3):
        world.tell(CallRefused(f"out-{attempt}", 488, "Not Acceptable Here"))
        await world.turn()
    offers = [protocols(offer) for offer in world.agent.offers.values()]
    assert offers == [{"RTP/AVPF"}, {"RTP/AVP"}, {"RTP/SAVP"}]
    ports = {tuple(media.port for media in parse(offer).media) for offer in world.agent.offers.values()}
    assert len(ports) == 1, "all of them for the same ports"
    assert world.states == [CallState.FAILED] and world.pauses == [] and world.base.taken == 0


async def test_the_second_offer_may_be_answered(world: DialWorld) -> None:
    await world.place(ROOM)
    world.tell(CallRefused("out-1", 488, "Not Acceptable Here"))
    await world.turn()
    world.tell(CallAnswered("out-2", ANSWER))
    await world.turn()
    assert len(world.base.participants()) == 1 and len(world.agent.offers) == 2
    world.tell(CallEnded("out-2", "the other side hung up"))
    await world.turn()
    assert world.base.taken == 0


async def test_a_call_that_is_given_up_between_two_offers_leaves_nothing(world: DialWorld) -> None:
    (call,) = await world.place(ROOM)
    world.tell(CallRefused("out-1", 488, "Not Acceptable Here"))
    await world.base.manager.execute(CancelCall("1000", call.id), SYSTEM)
    await world.turn()
    assert world.base.taken == 0
    assert not [handle for handle in world.agent.offers if handle not in ("out-1", "out-2")]


async def test_a_program_in_a_browser_is_offered_what_browsers_speak(world: DialWorld) -> None:
    socket = Flow("wss", ("198.51.100.8", 40000), ("192.0.2.1", 8443))
    world.dial_out.locator = FakeLocator(doctor=("sip:doctor@k2p9.invalid;transport=ws",))
    world.dial_out.locator.flow = socket
    await world.place("doctor")
    (offer,) = (parse(text) for text in world.agent.offers.values())
    assert [media.media for media in offer.media] == ["audio", "video"]
    assert offer.has("ice-lite")
    for media in offer.media:
        assert media.protocol == "UDP/TLS/RTP/SAVPF" and media.has("rtcp-mux") and media.has("fingerprint")
        assert media.has("ice-ufrag") and media.has("ice-pwd") and len(list(media.values("candidate"))) == 2
        assert not media.has("crypto")
    world.tell(CallRefused("out-1", 488, "Not Acceptable Here"))
    await world.turn()
    assert protocols(world.agent.offers["out-2"]) == {"RTP/AVPF"}


async def test_pauses_grow_and_stay_bounded() -> None:
    pauses = [outgoing.pause_before(attempt) for attempt in range(1, 12)]
    assert pauses[:5] == [0.0, 15.0, 30.0, 60.0, 120.0]
    assert max(pauses) == outgoing.LONGEST_PAUSE


async def test_an_empty_conference_waits_for_its_calls_and_no_longer(world: DialWorld) -> None:
    await world.place(ROOM)
    world.base.time.advance(3600.0)
    await world.base.manager.handle_timer(world.base.time.seconds)
    assert world.base.manager.conference("1000") is not None
    world.tell(CallRefused("out-1", 603, "Decline"))
    await world.turn()
    assert world.base.manager.next_deadline() == world.base.time.seconds + world.base.manager.settings.empty_seconds
    world.base.time.advance(world.base.manager.settings.empty_seconds)
    await world.base.manager.handle_timer(world.base.time.seconds)
    assert world.base.manager.conference("1000") is None


async def test_a_ringing_call_is_cancelled(world: DialWorld) -> None:
    (call,) = await world.place(ROOM)
    world.tell(CallProgress("out-1", 180))
    await world.base.manager.execute(CancelCall("1000", call.id), SYSTEM)
    assert world.agent.last.what == "cancel"
    assert world.states == [] and world.base.taken == 0


async def test_an_answer_that_crosses_the_cancelling_is_hung_up_on(world: DialWorld) -> None:
    (call,) = await world.place(ROOM)
    world.tell(CallAnswered("out-1", ANSWER))
    await world.base.manager.execute(CancelCall("1000", call.id), SYSTEM)
    await world.turn()
    assert world.agent.last.what == "hang_up"
    assert world.base.participants() == [] and world.base.taken == 0


async def test_ending_the_conference_gives_its_calls_up(world: DialWorld) -> None:
    await world.place(ROOM)
    await world.base.manager.execute(EndConference("1000"), SYSTEM)
    await world.turn()
    assert world.agent.last.what == "cancel"
    assert world.base.taken == 0 and world.base.manager.conference("1000") is None


async def test_a_useless_answer_ends_the_call(world: DialWorld) -> None:
    await world.place(ROOM)
    world.tell(CallAnswered("out-1", "m=audio"))
    await world.turn()
    assert world.agent.last.what == "hang_up"
    assert world.states == [CallState.FAILED] and world.base.taken == 0


async def test_who_hangs_up_at_once_is_no_participant(world: DialWorld) -> None:
    await world.place(ROOM)
    world.tell(CallAnswered("out-1", ANSWER))
    world.tell(CallEnded("out-1", "the other side hung up"))
    await world.turn()
    assert world.base.participants() == [] and world.base.taken == 0
    assert world.states == [CallState.FAILED]


async def test_all_devices_of_a_name_ring_and_the_first_to_answer_wins(world: DialWorld) -> None:
    world.dial_out.locator = FakeLocator(theatre=("sip:a@192.0.2.31", "sip:b@192.0.2.32"))
    await world.place("theatre")
    assert sorted(world.agent.invited.values()) == ["sip:a@192.0.2.31", "sip:b@192.0.2.32"]
    world.tell(CallAnswered("out-2", ANSWER))
    await world.turn()
    assert [each.what for each in world.agent.told] == ["cancel"] and world.agent.last.call == "out-1"
    assert len(world.base.participants()) == 1 and world.base.taken == 5


async def test_nobody_rings_for_ever(world: DialWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    object.__setattr__(world.dial_out.ringing._settings, "seconds", 0.0)
    await world.place(ROOM)
    assert world.states == [CallState.FAILED] and world.base.taken == 0


@pytest.mark.parametrize(
    ("targets", "code"),
    [
        (("sip:x@192.0.2.5",), Refusal.CALL_NOT_ALLOWED),
        (("theatre",), Refusal.CALL_NOT_ALLOWED),
        (("sip:x@10.0.0.1;maddr=192.0.2.5",), Refusal.INVALID),
        (("tel:+861012345678",), Refusal.INVALID),
        ((), Refusal.INVALID),
        ((ROOM, "sip:b@10.0.0.8", "sip:c@10.0.0.9"), Refusal.INVALID),  # two may be in this conference
    ],
)
async def test_what_must_not_be_called_is_refused(world: DialWorld, targets: tuple[str, ...], code: Refusal) -> None:
    await world.base.connect()
    with pytest.raises(CommandRefused) as refused:
        await world.place(*targets)
    assert refused.value.code is code
    assert world.agent.invited == {}


async def test_nobody_is_called_twice_at_once(world: DialWorld) -> None:
    await world.place(ROOM)
    with pytest.raises(CommandRefused) as refused:
        await world.place(ROOM)
    assert refused.value.code is Refusal.ALREADY_CALLING


async def test_a_registered_device_is_called_on_its_flow_and_through_its_proxies(world: DialWorld) -> None:
    flow = Flow("tcp", ("192.0.2.31", 40000), ("192.0.2.1", 5060), 7)

    class OneDevice(FakeLocator):
        def locate(self, address: str, now: float) -> tuple[Reach, ...]:
            return (Reach(address, "sip:a@10.1.1.1;transport=tcp", ("sip:edge.example;lr",), flow),)

    world.dial_out.locator = OneDevice()
    await world.place("theatre")
    assert world.agent.taken_ways == [(("sip:edge.example;lr",), flow)]


@pytest.mark.parametrize(
    ("uri", "allowed"),
    [
        ("sip:x@10.2.3.4", True),
        ("sip:x@rooms.example", True),
        ("sip:x@192.0.2.5", False),
        ("sip:x@10.2.3.4;maddr=192.0.2.5", False),
        ("sip:known@elsewhere.example", True),
    ],
)
async def test_redirections_lead_only_to_whom_we_may_call(world: DialWorld, uri: str, allowed: bool) -> None:
    locator = FakeLocator()
    locator.registered = {"sip:known@elsewhere.example": ("sip:a@192.0.2.31",)}
    world.dial_out.locator = locator
    parsed = parse_uri(uri)
    assert isinstance(parsed, SipUri)
    assert world.dial_out.may_be_called(parsed) is allowed
