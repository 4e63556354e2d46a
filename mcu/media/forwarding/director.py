"""Whom the slots of everybody show who is forwarded to. Pure: the time is passed in.

The last who spoke are seen: who speaks gets a slot in place of the one who has been silent longest. Otherwise nobody
moves, since a face that changes its place is looked for.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from layouts.speech import Speech
from mcu.media.forwarding.codecs import can_carry
from mcu.media.spec import CodecSpec, VideoSpec

# So long has somebody to speak before others make room: a cough is no speech. Seconds.
SPEECH = 0.5
# Whoever came into a slot stays for so long, so that a lively talk does not make faces flicker. Seconds.
STAY = 2.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """One who sends a picture that can be forwarded. ``order`` rises with the time of joining."""

    id: str
    codec: CodecSpec
    order: int
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Viewer:
    """One who is forwarded to: its slots, and who always has one of them."""

    id: str
    slots: tuple[VideoSpec, ...]
    pinned: str | None = None


@dataclass(slots=True)
class _Shown:
    seats: list[str | None] = field(default_factory=list)
    since: dict[str, float] = field(default_factory=dict)


class Director:
    """Remembers who spoke, and who is where for each viewer."""

    def __init__(self) -> None:
        self._speech = Speech()
        self._shown: dict[str, _Shown] = {}

    def speaks(self, who: str | None, now: float) -> None:
        """From ``now`` on it is ``who``; None is silence."""
        self._speech.speaks(who, now)

    def keep(self, people: Collection[str], viewers: Collection[str]) -> None:
        """Forget who has left, and what viewers saw who are none any more."""
        self._speech.keep(people)
        self._shown = {viewer: shown for viewer, shown in self._shown.items() if viewer in viewers}

    def last_heard(self, who: str, now: float) -> float:
        """When somebody was last heard; minus infinity for never."""
        return self._speech.last(who, now)

    def assign(self, viewer: Viewer, candidates: Sequence[Candidate], now: float) -> tuple[str | None, ...]:
        """Who is in each slot of ``viewer`` at ``now``."""
        shown = self._shown.setdefault(viewer.id, _Shown())
        others = {one.id: one for one in candidates if one.id != viewer.id}
        before = [*shown.seats, *([None] * len(viewer.slots))][: len(viewer.slots)]
        seats = [
            who if who in others and can_carry(slot, others[who].codec) else None
            for who, slot in zip(before, viewer.slots, strict=True)
        ]
        pinned = others.get(viewer.pinned or "")
        speaker = others.get(self._speech.current or "")
        if pinned is not None:
            self._seat(pinned, viewer, seats, others, shown, now, stay=0.0)
        if speaker is not None and now >= self._speech.reaches(SPEECH):
            self._seat(speaker, viewer, seats, others, shown, now, stay=STAY)
        for one in sorted(others.values(), key=lambda one: self._rank(one, now)):
            self._fill(one, viewer, seats)
        shown.seats = seats
        shown.since = {who: shown.since.get(who, now) for who in seats if who is not None}
        return tuple(seats)

    def _rank(self, one: Candidate, now: float) -> tuple[int, float, int]:
        """Less comes first: the important, who spoke last, who came first."""
        return -one.priority, -self._speech.last(one.id, now), one.order

    def _fill(self, one: Candidate, viewer: Viewer, seats: list[str | None]) -> bool:
        """Into the first free slot that can show this one."""
        if one.id in seats:
            return True
        for place, slot in enumerate(viewer.slots):
            if seats[place] is None and can_carry(slot, one.codec):
                seats[place] = one.id
                return True
        return False

    def _seat(
        self,
        one: Candidate,
        viewer: Viewer,
        seats: list[str | None],
        others: dict[str, Candidate],
        shown: _Shown,
        now: float,
        stay: float,
    ) -> None:
        """Into a free slot, else in place of the least active who has been there for ``stay`` seconds."""
        if self._fill(one, viewer, seats):
            return
        places = [
            place
            for place, (who, slot) in enumerate(zip(seats, viewer.slots, strict=True))
            if who is not None
            and who != viewer.pinned
            and can_carry(slot, one.codec)
            and now - shown.since.get(who, now) >= stay
        ]
        if places:
            seats[max(places, key=lambda place: self._rank(others[seats[place] or ""], now))] = one.id
