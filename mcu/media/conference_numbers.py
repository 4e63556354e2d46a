"""Reports of how far the legs of a conference have come, often enough that a successor can go on beyond it safely."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from mcu.media.facts import Fact, NumbersReached
from mcu.media.numbering import REPORT_INTERVAL
from mcu.media.rtp.clock import on_grid
from mcu.media.spec import LegNumbers

# How often it is looked whether a stream has gone so far that the next report cannot wait.
LOOK_INTERVAL = 0.25


class CountedLeg(Protocol):
    """What of a leg counts."""

    @property
    def has_gone_far(self) -> bool: ...
    def numbers_to_report(self) -> LegNumbers: ...


@dataclass(frozen=True, slots=True)
class _Told:
    numbers: LegNumbers
    until: float


class ConferenceNumbers:
    """``legs`` are those of the conference, by id; it changes as they do. One fact for all that are due.

    A leg is due when it has gone far, and otherwise now and then: most of the time nobody is, and that costs little.
    """

    def __init__(self, conference_id: str, legs: Mapping[str, CountedLeg], report: Callable[[Fact], None]) -> None:
        self._id = conference_id
        self._legs = legs
        self._report = report
        self._told: dict[str, _Told] = {}
        self._next_look = float("-inf")

    def hurry(self) -> None:
        """Something has begun that a successor has to know: look at once."""
        self._next_look = float("-inf")

    def next_deadline(self) -> float:
        """When ``handle_timer`` has something to do; it may lie in the past."""
        return self._next_look

    def handle_timer(self, now: float) -> None:
        """Report what is due."""
        if now < self._next_look:
            return
        self._next_look = on_grid(now + LOOK_INTERVAL, LOOK_INTERVAL)
        told = {leg_id: self._told.get(leg_id) for leg_id in self._legs}
        moved: dict[str, LegNumbers] = {}
        for leg_id, leg in self._legs.items():
            before = told[leg_id]
            if before is not None and now < before.until and not leg.has_gone_far:
                continue
            numbers = leg.numbers_to_report()
            told[leg_id] = _Told(numbers, now + REPORT_INTERVAL)
            if before is None or numbers != before.numbers:
                moved[leg_id] = numbers
        self._told = {leg_id: each for leg_id, each in told.items() if each is not None}
        if moved:
            self._report(NumbersReached(conference=self._id, legs=moved))
