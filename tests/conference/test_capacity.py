"""Ports handed out by need."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mcu.conference.capacity import LOWER_SIZES, PortBook, PortsInUse, lowered
from mcu.media.spec import ConferenceSpec
from tests.fakes.media import browser_leg, room_leg, sharing_leg


class Meter:
    """So many ports; a conference takes one for each of its legs."""

    def __init__(self, ports: float | None) -> None:
        self.ports = ports

    def total(self) -> float | None:
        return self.ports

    def cost(self, spec: ConferenceSpec) -> float:
        return float(len(spec.legs))


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


def test_a_leg_is_lowered_step_by_step_in_both_its_pictures() -> None:
    legs = list(lowered(sharing_leg("a")))
    sizes = [(leg.video.max_width, leg.content.max_width) for leg in legs if leg.video and leg.content]
    assert sizes == [(1920, 1920), (1280, 1280), (640, 640)]
    assert legs[0] == sharing_leg("a")


def test_a_leg_without_a_picture_cannot_be_lowered() -> None:
    assert list(lowered(browser_leg("a"))) == [browser_leg("a")]


@given(st.integers(16, 4096), st.integers(16, 4096))
def test_a_lowered_leg_is_never_sent_more_than_it_can_take(width: int, height: int) -> None:
    leg = room_leg("a")
    assert leg.video is not None
    leg = leg.model_copy(update={"video": leg.video.model_copy(update={"max_width": width, "max_height": height})})
    before = width * height
    for one in list(lowered(leg))[1:]:
        assert one.video is not None
        assert (one.video.max_width, one.video.max_height) in LOWER_SIZES
        assert one.video.max_width * one.video.max_height < before
        before = one.video.max_width * one.video.max_height
