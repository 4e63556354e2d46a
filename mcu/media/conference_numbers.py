"""Reports of how far the legs of a conference have come, often enough that a successor can go on beyond it safely."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from mcu.media.facts import Fact, NumbersReached
from mcu.media.numbering import REPORT_INTERVAL
from mcu.media.spec import LegNumbers

# How often it is looked whether a stream has gone so far that the next report cannot wait.
LOOK_INTERVAL = 0.1


class CountedLeg(Protocol):
    """What of a leg counts."""

    @property
    def has_gone_far(self) -> bool: ...
    def numbers_to_report(self) -> LegNumbers: ...


class ConferenceNumbers:
    """``legs`` are those of the conference, by id; it changes as they do. One fact for all, of those that moved."""

    def __init__(self, conference_id: str, legs: Mapping[str, CountedLeg], report: Callable[[Fact], None]) -> None:
        self._id = conference_id
        self._legs = legs
        self._report = report
        self._told: dict[str, LegNumbers] = {}
        self._next_look = self._next_report = float("-inf")

    def hurry(self) -> None:
        """Something has begun that a successor has to know: the next report is due at once."""
        self._next_look = self._next_report = float("-inf")

    def next_deadline(self) -> float:
        """When ``handle_timer`` has something to do; it may lie in the past."""
        return self._next_look

    def handle_timer(self, now: float) -> None:
        """Report what is due."""
        if now < self._next_look:
            return
        self._next_look = now + LOOK_INTERVAL
        if now < self._next_report and not any(leg.has_gone_far for leg in self._legs.values()):
            return
        self._next_report = now + REPORT_INTERVAL
        reached = {leg_id: leg.numbers_to_report() for leg_id, leg in self._legs.items()}
        moved = {leg_id: numbers for leg_id, numbers in reached.items() if numbers != self._told.get(leg_id)}
        self._told = reached
        if moved:
            self._report(NumbersReached(conference=self._id, legs=moved))
