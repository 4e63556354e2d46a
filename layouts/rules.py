"""The rules of who sits where, as values."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Mode(enum.Enum):
    """By what people come into the picture, and who gets the first tile."""

    ORDER = "order"
    """As they joined; who speaks gets the last tile where there are fewer tiles than people."""
    VOICE = "voice"
    """Who speaks gets the first tile."""
    POLLING = "polling"
    """The tiles go on to the next people at an interval."""
    LECTURE = "lecture"
    """The lecturer has the first tile."""


@dataclass(frozen=True, slots=True)
class SeatingRules:
    """Times are in seconds.

    ``switch_after``: for how long one must speak to get the first tile; ``hold``: for how long one keeps it at least.
    ``interval`` is that of the polling round. ``pins`` are pairs of tile, counted from 0, and person; they go before
    everything else. Without ``show_without_video`` only those are seated who send a picture, pinned ones and the
    lecturer excepted.
    """

    mode: Mode = Mode.ORDER
    switch_after: float = 1.0
    hold: float = 3.0
    interval: float = 10.0
    lecturer: str | None = None
    pins: tuple[tuple[int, str], ...] = ()
    show_without_video: bool = True

    def may_seat(self, one: Sitter) -> bool:
        """Whether somebody may come into the picture at all."""
        if self.show_without_video or one.has_video or any(who == one.id for _, who in self.pins):
            return True
        return self.mode is Mode.LECTURE and one.id == self.lecturer


@dataclass(frozen=True, slots=True)
class Sitter:
    """Somebody who may get a tile. Those of higher ``priority`` go before others."""

    id: str
    priority: int = 0
    has_video: bool = True
