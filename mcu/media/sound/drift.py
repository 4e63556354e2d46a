"""Senders' clocks run a little faster or slower than ours: how much is measured, and evened out by resampling.

Without it, a buffer runs dry or full every minute or two, and a period must be repeated or left out, which is heard in
music and in heart sounds.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from mcu.media.sound.samples import TICK_SAMPLES, Sound, join, silence

LARGEST = 500e-6
"""No working crystal is off by more; what seems to be is something else."""

SMALLEST = 4e-6
"""Less is not told from chance, and takes two hours to make a tick."""

INTERVAL = 1.0
"""Seconds of which only the fastest packet counts: that one has met no queue."""

SPAN = 20
"""Intervals between two that are compared. A route that changes disturbs only pairs that lie on both sides of it."""

KEPT = 120
ENOUGH_PAIRS = 8


class DriftMeter:
    """How fast a sender's clock runs, from when its packets come. Pure; times are passed in."""

    def __init__(self) -> None:
        self._fastest: deque[tuple[float, float]] = deque(maxlen=KEPT)
        self._since: float | None = None
        self._best = (0.0, float("inf"))
        self.drift = 0.0
        """Of the sender's clock against ours in parts of one; positive when it is faster."""

    def observe(self, arrival: float, offset: float) -> bool:
        """``offset``: arrival less the sender's time, in seconds. True when the measurement was taken anew."""
        if self._since is None:
            self._since = arrival
        if arrival - self._since >= INTERVAL:
            self._fastest.append(self._best)
            self._since, self._best = arrival, (arrival, offset)
            return self._measure()
        if offset < self._best[1]:
            self._best = (arrival, offset)
        return False

    def _measure(self) -> bool:
        points = self._fastest
        if len(points) < SPAN + ENOUGH_PAIRS:
            return False
        slopes = sorted(
            (points[index][1] - points[index - SPAN][1]) / max(INTERVAL, points[index][0] - points[index - SPAN][0])
            for index in range(SPAN, len(points))
        )
        # A quarter away from either end: what most pairs agree on, less noisy than the one in the middle.
        middle = slopes[len(slopes) // 4 : len(slopes) - len(slopes) // 4]
        measured = -sum(middle) / len(middle)
        self.drift = measured if SMALLEST < abs(measured) <= LARGEST else 0.0
        return True

    def reset(self) -> None:
        """Forget everything but the drift itself: the timestamps have jumped, the crystal is the same."""
        self._fastest.clear()
        self._since = None
        self._best = (0.0, float("inf"))


_HISTORY = 3


class RateConverter:
    """A tick of ours from a little more or less than a tick of the sender's, by cubic interpolation.

    Two samples of delay, also while there is nothing to convert, so that beginning to is not heard.
    """

    def __init__(self) -> None:
        self._history = silence(_HISTORY)
        self._phase = 0.0

    def wanted(self, drift: float) -> int:
        """Samples that the next tick takes: a tick's, give or take one."""
        return math.floor(self._phase + TICK_SAMPLES * (1 + drift))

    def pass_over(self, drift: float) -> int:
        """The same, for a tick that is silent."""
        self._phase += TICK_SAMPLES * (1 + drift)
        taken = int(self._phase)
        self._phase -= taken
        self._history = _NOTHING
        return taken

    def convert(self, sound: Sound, drift: float) -> Sound:
        """One tick from ``wanted`` samples; one more or less is made to do, for once."""
        length = sound.shape[-1]
        joined = join(self._history, sound)
        self._history = joined[..., -_HISTORY:]
        if self._phase == 0.0 and length == TICK_SAMPLES and drift == 0.0:
            return joined[..., 1 : 1 + TICK_SAMPLES]
        step = 1 + drift
        if int(self._phase + TICK_SAMPLES * step) != length:
            step = (length + 0.5 - self._phase) / TICK_SAMPLES
        position = (1 + self._phase) + step * _STEPS
        self._phase += TICK_SAMPLES * step - length
        whole = np.minimum(position.astype(np.int64), joined.shape[-1] - _HISTORY)
        return _cubic(joined, whole, (position - whole).astype(np.float32))


def _cubic(sound: Sound, at: np.ndarray[tuple[int, ...], np.dtype[np.int64]], part: Sound) -> Sound:
    """Between samples ``at`` and ``at + 1`` (Catmull and Rom): good to 12 kHz, where speech ends."""
    before, here, there, after = (sound[..., at + shift] for shift in (-1, 0, 1, 2))
    third = 3 * (here - there) + after - before
    second = 2 * before - 5 * here + 4 * there - after
    result: Sound = here + np.float32(0.5) * part * (there - before + part * (second + part * third))
    return result


_STEPS = np.arange(TICK_SAMPLES, dtype=np.float64)
_NOTHING = silence(_HISTORY)
