"""Which rung each outlet is served from, and how it moves to another. Pure.

A decoder can take the pictures of another encoder from a key frame on. So an outlet that shall be served from another
rung stays with its old one until the new one has made a key frame: whoever moves sees neither a pause nor a torn
picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Generic, TypeVar

from mcu.media.picture.rungs import MODE_0_SLICE
from mcu.media.picture.state import Rung
from mcu.media.units import CodedPicture

Outlet = TypeVar("Outlet")

# RTP timestamps must not run backwards where the new rung's canvas is a little behind the old one's; seconds.
_LEAST_STEP = 0.001


class Serving(Generic[Outlet]):
    """``choose`` says what is wanted, ``take`` tells for each coded picture who gets it."""

    def __init__(self) -> None:
        self._wanted: dict[Outlet, Rung] = {}
        self._serving: dict[Outlet, Rung] = {}
        self._outlets: dict[Rung, list[Outlet]] = {}
        self._sent: dict[Outlet, float] = {}

    def choose(self, wanted: Mapping[Outlet, Rung]) -> frozenset[Rung]:
        """Serve these outlets, and no others, from these rungs. Returns the rungs that a key frame is now needed of."""
        moved = frozenset(rung for outlet, rung in wanted.items() if self._wanted.get(outlet) != rung)
        self._wanted = dict(wanted)
        self._serving = {
            outlet: rung
            for outlet, rung in self._serving.items()
            if outlet in wanted and _can_follow(rung, wanted[outlet])
        }
        self._sent = {outlet: time for outlet, time in self._sent.items() if outlet in wanted}
        self._sort()
        return moved

    def forget(self, outlet: Outlet) -> None:
        """Serve it no more."""
        self._wanted.pop(outlet, None)
        self._serving.pop(outlet, None)
        self._sent.pop(outlet, None)
        self._sort()

    @property
    def rungs(self) -> frozenset[Rung]:
        """All that have to be made now: those wanted, and those that still serve."""
        return frozenset(self._wanted.values()) | frozenset(self._serving.values())

    @property
    def outlets(self) -> tuple[Outlet, ...]:
        return tuple(self._wanted)

    def wanted(self, outlet: Outlet) -> Rung | None:
        """The rung that an outlet is served from, or is about to be."""
        return self._wanted.get(outlet)

    def take(self, rung: Rung, unit: CodedPicture) -> list[tuple[Outlet, CodedPicture]]:
        """Who gets this picture of ``rung``; at a key frame those who waited for it move."""
        if unit.keyframe and any(self._serving.get(outlet) != rung for outlet in self._waiting(rung)):
            for outlet in self._waiting(rung):
                self._serving[outlet] = rung
            self._sort()
        return [(outlet, self._timed(outlet, unit)) for outlet in self._outlets.get(rung, ())]

    def _waiting(self, rung: Rung) -> list[Outlet]:
        return [outlet for outlet, wanted in self._wanted.items() if wanted == rung]

    def _timed(self, outlet: Outlet, unit: CodedPicture) -> CodedPicture:
        last = self._sent.get(outlet)
        if last is not None and unit.time <= last:
            unit = replace(unit, time=last + _LEAST_STEP)
        self._sent[outlet] = unit.time
        return unit

    def _sort(self) -> None:
        self._outlets = {}
        for outlet, rung in self._serving.items():
            self._outlets.setdefault(rung, []).append(outlet)


def _can_follow(old: Rung, new: Rung) -> bool:
    """Whether a receiver that shall have the new rung can take the old one's pictures: same codec, fitting packets."""
    takes = new.max_slice != MODE_0_SLICE or old.max_slice is not None
    return takes and (old.codec, old.profile) == (new.codec, new.profile)
