"""What gives way when the machine is short of CPU: pictures a second, of the least important canvases first. Pure.

Capacity in ports is to keep it from coming to this; other programs, and faces that all move at once, do not count in
ports. Sound gives way in nothing.

The most important canvas, and so the only one, gives for sound only while that helps: where other programs have taken
the machine, fewer pictures bring sound nothing, and nobody has anything of it.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

DIVISORS = (1, 2, 3, 6)
"""Steps of a canvas's frame rate: whole, half, a third, a sixth: 30, 15, 10, 5 pictures a second."""

MISSED_SHARE = 0.05
"""A canvas that misses more of its pictures than this is short of CPU; one now and then is not."""

HEAVY_SHARE = 1 / 3
"""From here on half the pictures at even distances look better than those that are left. Below, giving way among
canvases of equal importance would only take from one more than all of them miss together."""

USUAL_RATE = 30
"""Pictures a second. Those beyond are the first that a canvas gives: others would miss theirs more."""

UNEVEN_SHARE = 1 / 6
"""From here on a steady usual rate looks better than what is left of more."""

LATE_TICKS = 2
"""Sound ticks late in one review: one may be the fault of a large key frame."""

GRAVE_TICKS = 10
"""With a fifth of all sound ticks late nothing is waited for."""

PERSISTENT = 2
"""Reviews in a row with signs of trouble before anything is taken: a hiccup is over by then, and taking away helps
nobody. Once it is taken from them, canvases make half the pictures for seconds."""

SETTLING = 2
"""Reviews in which a new canvas may miss pictures: its encoder opens, and sources begin to scale for it."""

CALM = 5
"""Reviews without any sign of trouble after which something is given back."""

JUDGED = 4
"""Reviews from a step of the most important canvas to the judgement whether it has helped sound."""

HELPED = 2 / 3
"""It has when no more than this share of the late ticks is left."""

LONGEST_CALM = 60
"""Where giving back has led to new trouble at once, the next try is later, up to this."""


class Importance(enum.IntEnum):
    """How many are served by a canvas, and for how long: what gives way comes first."""

    OWN = 0
    """The view that somebody has chosen for itself."""
    SHARED = 1
    """What all see who have not chosen."""
    RECORDED = 2
    """What is recorded: it is there for good."""


Key = TypeVar("Key")


@dataclass(frozen=True)
class _Trial:
    """A step that the most important canvas has taken for sound: at review ``judged`` late ticks must be fewer."""

    judged: int
    late: float


@dataclass(frozen=True)
class CanvasLoad:
    """A canvas since the last review. ``pixels``: of one picture; ``rate``: pictures a second, when nothing is short.
    ``missed`` and ``made`` count pictures.
    """

    importance: Importance
    pixels: int
    made: int
    missed: int
    rate: int = USUAL_RATE


class Fairness(Generic[Key]):
    """One for each worker. Call ``review`` once a second with all its canvases, by any key."""

    def __init__(self) -> None:
        self._steps: dict[Key, int] = {}
        self._ages: dict[Key, int] = {}
        self._trouble = 0
        self._calm = 0
        self._patience = CALM
        self._given_back = False
        self._reviews = 0
        self._late: deque[int] = deque(maxlen=JUDGED)
        self._trial: _Trial | None = None
        self._vain_until = 0

    def review(self, canvases: Mapping[Key, CanvasLoad], late_ticks: int) -> dict[Key, int]:
        """By what to divide each canvas's frame rate from now on. ``late_ticks``: of sound, since the last review."""
        self._steps = {key: step for key, step in self._steps.items() if key in canvases}
        self._ages = {key: self._ages.get(key, 0) + 1 for key in canvases}
        short = [load for key, load in canvases.items() if self._ages[key] > SETTLING and _share(load) > MISSED_SHARE]
        late = late_ticks >= LATE_TICKS
        self._reviews += 1
        self._late.append(late_ticks)
        self._judge(canvases)
        if late or short:
            self._trouble += 1
            self._calm = 0
            if self._trouble >= PERSISTENT or late_ticks >= GRAVE_TICKS:
                self._take(canvases, short, late)
        else:
            self._trouble = 0
            self._give(canvases)
        return {key: DIVISORS[self._steps.get(key, 0)] for key in canvases}

    def _take(self, canvases: Mapping[Key, CanvasLoad], short: Sequence[CanvasLoad], late: bool) -> None:
        # The least important all the way down before the next one; of equals the one whose pictures cost most.
        order = sorted(canvases, key=lambda key: self._gives_way(key, canvases[key]))
        for key in order:
            load, step = canvases[key], self._steps.get(key, 0)
            if step == len(DIVISORS) - 1:
                continue
            if late and key == order[-1]:
                late = self._try()
            bearable = UNEVEN_SHARE if self._has_more_than_usual(key, load) else HEAVY_SHARE
            if late or any(one.importance > load.importance or _share(one) >= bearable for one in short):
                if self._given_back:
                    self._patience = min(LONGEST_CALM, 2 * self._patience)
                self._given_back = False
                self._steps[key] = step + 1
            return

    def _gives_way(self, key: Key, load: CanvasLoad, back: int = 0) -> tuple[int, bool, int]:
        """The order in which canvases give way; of equals first those with more than usual, then the one whose pictures
        cost most. ``back``: as so many steps ago."""
        return load.importance, not self._has_more_than_usual(key, load, back), -load.pixels

    def _has_more_than_usual(self, key: Key, load: CanvasLoad, back: int = 0) -> bool:
        return load.rate > USUAL_RATE * DIVISORS[max(0, self._steps.get(key, 0) - back)]

    def _try(self) -> bool:
        """Whether the most important canvas is to take a step for sound; it will be judged what that has brought."""
        if self._trial is not None or self._reviews < self._vain_until or self._late[-1] < GRAVE_TICKS:
            return False
        self._trial = _Trial(self._reviews + JUDGED, sum(self._late) / len(self._late))
        return True

    def _judge(self, canvases: Mapping[Key, CanvasLoad]) -> None:
        trial = self._trial
        last = max(canvases, key=lambda key: self._gives_way(key, canvases[key]), default=None)
        if trial is None or self._reviews < trial.judged:
            return
        self._trial = None
        if sum(self._late) / len(self._late) > HELPED * trial.late and last is not None and self._steps.get(last, 0):
            self._vain_until = self._reviews + LONGEST_CALM
            self._step_back(last)

    def _give(self, canvases: Mapping[Key, CanvasLoad]) -> None:
        self._calm += 1
        if not self._steps:
            if self._calm >= LONGEST_CALM:
                self._patience, self._given_back = CALM, False
            return
        if self._calm < self._patience:
            return
        self._calm, self._given_back = 0, True
        # Each as if it had got back its step: what is more than usual comes last.
        self._step_back(max(self._steps, key=lambda one: self._gives_way(one, canvases[one], back=1)))

    def _step_back(self, key: Key) -> None:
        self._steps[key] -= 1
        if not self._steps[key]:
            del self._steps[key]


def _share(load: CanvasLoad) -> float:
    """What is missed of a canvas's pictures; a single one is nothing."""
    return load.missed / (load.made + load.missed) if load.missed > 1 else 0.0
