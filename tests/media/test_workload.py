"""All conferences of a worker share its processors: what one lacks, the least important canvas of any gives."""

from __future__ import annotations

import logging

import pytest

from mcu.media.fairness import GRAVE_TICKS, PERSISTENT, SETTLING, CanvasLoad, Importance
from mcu.media.picture.state import CanvasFormat, View
from mcu.media.workload import Workload

COMMON, OWN = CanvasFormat(1280, 720, 30), CanvasFormat(1280, 720, 30, View(layout="4"))


class Consultation:
    """A conference with these canvases, and so many late ticks of sound in all."""

    def __init__(self, **canvases: CanvasFormat) -> None:
        self.late = 0
        self.missed = 0
        self.divisors: dict[CanvasFormat, int] = {}
        self._canvases = canvases

    def late_ticks(self) -> int:
        return self.late

    def loads(self) -> dict[CanvasFormat, CanvasLoad]:
        ranks = {"own": Importance.OWN, "common": Importance.SHARED}
        return {form: CanvasLoad(ranks[name], 1, 30, self.missed) for name, form in self._canvases.items()}

    def pace(self, form: CanvasFormat, divisor: int) -> None:
        self.divisors[form] = divisor


def test_an_own_view_of_one_conference_gives_way_to_the_sound_of_another() -> None:
    work, small, large = Workload(), Consultation(common=COMMON), Consultation(common=COMMON, own=OWN)
    conferences = {"small": small, "large": large}
    work.review(conferences)
    assert small.divisors == {COMMON: 1}
    small.late = GRAVE_TICKS
    work.review(conferences)
    assert small.divisors == {COMMON: 1}
    assert large.divisors == {COMMON: 1, OWN: 2}


def test_ticks_that_were_late_before_are_not_counted_again() -> None:
    work, one = Workload(), Consultation(own=OWN)
    one.late = 100
    work.review({"one": one})
    assert one.divisors == {OWN: 2}
    work.review({"one": one})
    assert one.divisors == {OWN: 2}


def test_a_conference_that_ends_takes_its_late_ticks_along() -> None:
    work, one, other = Workload(), Consultation(own=OWN), Consultation(own=OWN)
    one.late = other.late = 0
    work.review({"one": one, "other": other})
    one.late = 50
    work.review({"other": other})
    assert other.divisors == {OWN: 1}


def test_it_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    work, one = Workload(), Consultation(own=OWN)
    one.missed = 20
    for _ in range(SETTLING + PERSISTENT + 3):
        work.review({"one": one})
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    one.missed = 0
    for _ in range(200):
        work.review({"one": one})
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
