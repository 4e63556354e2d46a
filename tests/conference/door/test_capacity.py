"""Ports handed out by need."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.conference.commands import SetParticipantLayout
from mcu.conference.door.capacity import LOWER_SIZES, PortBook, PortsInUse, within
from mcu.conference.door.hashing import Cost, Hasher
from mcu.conference.door.joining import JoinCode, JoinRefused, Newcomer
from mcu.conference.door.rooms import MemoryRooms
from mcu.conference.manager import ConferenceManager
from mcu.conference.model import Participant
from mcu.conference.refusals import CommandRefused, Refusal
from mcu.conference.settings import ConferenceSettings
from mcu.media.facts import Capacity
from mcu.media.port_meter import WorkerPortMeter
from mcu.media.spec import ConferenceSpec, LegSpec
from tests.conference.conftest import USER
from tests.fakes.media import FakeLegOwner, FakeMedia, browser_leg, room_leg, sharing_leg
from tests.fakes.time import FakeTime


class Meter:
    """So many ports; a conference takes one for each of its legs."""

    def __init__(self, ports: float | None) -> None:
        self.ports = ports

    def total(self) -> float | None:
        return self.ports

    def cost(self, spec: ConferenceSpec) -> float:
        return float(len(spec.legs))

    def source(self, width: int, height: int) -> float:
        return 0.0


def conference(number: int, legs: int) -> ConferenceSpec:
    everyone = tuple(room_leg(f"{number}-{one}") for one in range(legs))
    return ConferenceSpec(id=str(number), revision=1, legs=everyone)


def test_what_does_not_fit_any_more_is_told_and_what_ends_makes_room() -> None:
    book = PortBook(Meter(3.0))
    book.enter(conference(1, 2))
    assert book.state == PortsInUse(3.0, 2.0)
    assert book.state.free == 1.0
    assert book.fits(conference(2, 1))
    assert not book.fits(conference(2, 2))
    assert book.fits(conference(1, 3))
    assert not book.fits(conference(1, 4))
    book.forget("1")
    assert book.fits(conference(2, 3))
    assert book.used_by("1") == 0.0


def test_a_change_that_takes_no_more_is_always_possible() -> None:
    """Also where the administrator has set fewer ports than are in use."""
    meter = Meter(5.0)
    book = PortBook(meter)
    book.enter(conference(1, 4))
    meter.ports = 2.0
    assert book.state.free == 0.0
    assert book.fits(conference(1, 4))
    assert book.fits(conference(1, 3))
    assert not book.fits(conference(1, 5))


def test_without_a_measure_everything_fits() -> None:
    assert PortBook().fits(conference(1, 500))
    unknown = PortBook(Meter(None))
    unknown.enter(conference(1, 9))
    assert unknown.fits(conference(2, 500))
    assert unknown.state.free is None


def test_a_leg_is_lowered_in_both_its_pictures() -> None:
    small = within(sharing_leg("a"), LOWER_SIZES[0])
    assert small.video is not None and small.content is not None
    assert (small.video.max_width, small.video.max_height, small.content.max_width) == (1280, 720, 1280)
    assert within(sharing_leg("a"), None) == sharing_leg("a")
    assert within(browser_leg("a"), LOWER_SIZES[0]) == browser_leg("a")


@given(st.integers(16, 4096), st.integers(16, 4096), st.sampled_from(LOWER_SIZES))
def test_a_lowered_leg_is_never_sent_more_than_it_can_take(width: int, height: int, largest: tuple[int, int]) -> None:
    leg = room_leg("a")
    assert leg.video is not None
    leg = leg.model_copy(update={"video": leg.video.model_copy(update={"max_width": width, "max_height": height})})
    video = within(leg, largest).video
    assert video is not None
    size = video.max_width, video.max_height
    assert size in {(width, height), largest}
    assert size[0] * size[1] == min(width * height, largest[0] * largest[1])


# Through the door


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    made = Hall()
    yield made
    await made.manager.close()


class Hall:
    """A manager on a fake worker, with as many ports as a test likes; costs are those of the real meter."""

    def __init__(self) -> None:
        time, numbers = FakeTime(), itertools.count(1)
        self.media, self.owner, self.capacity = FakeMedia(), FakeLegOwner(), Capacity(ports=100.0)
        self.manager = ConferenceManager(
            self.media,
            ConferenceSettings(media_seconds=0.05),
            time.clock,
            lambda: f"id{next(numbers)}",
            MemoryRooms(),
            pin_hasher=Hasher(Cost(log_n=4)),
            meter=WorkerPortMeter(lambda: self.capacity),
        )

    async def join(self, number: str = "1000", make: Callable[[str], LegSpec] = room_leg) -> Participant:
        newcomer = Newcomer("R", "sip", self.owner, lambda seat: make(seat.participant_id))
        return await self.manager.join(number, newcomer)

    def leave_free(self, ports: float) -> None:
        """So many ports are free from now on."""
        self.capacity = Capacity(ports=self.manager.ports.used + ports)

    def sent(self, participant: Participant) -> int:
        """The width of the largest picture that somebody is sent."""
        (leg,) = (leg for spec in self.media.specs.values() for leg in spec.legs if leg.id == participant.id)
        assert leg.video is not None
        return leg.video.max_width


async def test_ports_are_counted_and_come_back(hall: Hall) -> None:
    assert hall.manager.ports == PortsInUse(100.0, 0.0)
    one = await hall.join()
    used = hall.manager.ports.used
    assert used == pytest.approx(1.0 + 0.28)
    two = await hall.join()
    assert hall.manager.ports.used == pytest.approx(used + 0.28)
    conference = hall.manager.conference_of(one.id)
    assert conference is not None and hall.manager.ports_of(conference.id) == hall.manager.ports.used
    await hall.manager.leave(two.id)
    assert hall.manager.ports.used == pytest.approx(used)
    await hall.manager.close()
    assert hall.manager.ports.used == 0.0


async def test_a_call_too_many_is_refused_with_a_reason_and_leaves_nothing(hall: Hall) -> None:
    await hall.join()
    hall.leave_free(0.1)
    with pytest.raises(JoinRefused) as refused:
        await hall.join("2000")
    assert refused.value.code is JoinCode.CAPACITY
    assert "capacity" in str(refused.value) and refused.value.retry_after
    assert [conference.number for conference in hall.manager.conferences()] == ["1000"]
    assert hall.manager.ports.free == pytest.approx(0.1)


async def test_a_call_is_lowered_before_it_is_refused(hall: Hall) -> None:
    first = await hall.join()
    hall.leave_free(1.0)
    lowered_one = await hall.join("2000")
    assert hall.sent(lowered_one) == 1280
    assert hall.sent(first) == 1920


async def test_whoever_was_lowered_gets_larger_pictures_when_ports_come_free(hall: Hall) -> None:
    first = await hall.join()
    hall.leave_free(1.0)
    second = await hall.join("2000")
    assert hall.sent(second) == 1280
    await hall.manager.leave(first.id)
    await hall.manager.settle()
    assert hall.sent(second) == 1920


async def test_whoever_shares_a_picture_needs_no_ports_for_it(hall: Hall) -> None:
    await hall.join()
    hall.leave_free(0.5)
    assert hall.sent(await hall.join()) == 1920


async def test_sound_alone_is_always_let_in(hall: Hall) -> None:
    await hall.join()
    hall.leave_free(0.0)
    await hall.join("2000", browser_leg)


async def test_an_own_picture_is_refused_when_no_ports_are_free_and_the_old_one_stays(hall: Hall) -> None:
    first, _ = await hall.join(), await hall.join()
    hall.leave_free(0.9)
    with pytest.raises(CommandRefused) as refused:
        await hall.manager.execute(SetParticipantLayout(first.id, "1"), USER)
    assert refused.value.code is Refusal.CAPACITY
    hall.leave_free(1.0)
    await hall.manager.execute(SetParticipantLayout(first.id, "1"), USER)
    assert hall.manager.ports.free == pytest.approx(0.0)
    await hall.manager.execute(SetParticipantLayout(first.id, None), USER)
    assert hall.manager.ports.free == pytest.approx(1.0)


async def test_a_call_that_is_negotiated_anew_stays_whatever_is_free(hall: Hall) -> None:
    one, _ = await hall.join(make=browser_leg), await hall.join("2000")
    hall.leave_free(0.0)
    await hall.manager.replace_leg(one.id, room_leg(one.id))
    assert hall.sent(one) == 640
    hall.leave_free(2.0)
    await hall.manager.replace_leg(one.id, room_leg(one.id))
    assert hall.sent(one) == 1920
