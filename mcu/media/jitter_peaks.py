"""How late a network is again and again: the peaks of its delay. Pure; times are passed in, in seconds.

One late packet, or one stall, is no reason to be late from then on. What comes late again and again is jitter, and then
the wait for it is to be long enough at once: each step on the way there would be one more hole.
"""

from __future__ import annotations

import heapq
from collections import deque
from typing import NamedTuple

PEAK = 0.15
"""Less lateness is no peak: quantiles of what arrives are measured more closely than that."""

LENGTH = 0.2
"""What comes late within this time of a peak's beginning is the same peak."""

MEMORY = 10.0
"""For so long a peak counts, at most."""

CALM, MISSED = 4.0, 4.0
"""After so many seconds without one none counts any more, where by then so many would have come at their usual pace."""

BEYOND = 1.5
"""What has been reached as often as asked for may be exceeded by so much."""

MAXIMUM = 1.1
"""The worst network that is put up with: a second of jitter, and a little for what senders do to it."""


class Wanted(NamedTuple):
    """Seconds: with less than ``least`` some come too late; where more is to be waited, let it be ``enough``."""

    least: float
    enough: float


NONE = Wanted(0.0, 0.0)


class JitterPeaks:
    """Of one stream. Single peaks, up to one less than ``count`` of them, do not count.

    An offset is an arrival less what the sender's clock says of it; ``base`` is that of the fastest ones.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._peaks: deque[tuple[float, float]] = deque()  # when it began, and its offset

    def observe(self, offset: float, base: float, at: float) -> None:
        """Something came."""
        if offset - base < PEAK:
            return
        if self._peaks and at - self._peaks[-1][0] < LENGTH:
            began, highest = self._peaks[-1]
            self._peaks[-1] = began, max(highest, offset)
        else:
            self._peaks.append((at, offset))

    def wanted(self, base: float, now: float) -> Wanted:
        """By how much to be later than the fastest ones, so that those that are late again and again are in time."""
        self._forget(now)
        count = len(self._peaks)
        if count < self._count:
            return NONE
        highest = heapq.nlargest(self._count, (offset for _, offset in self._peaks))
        most = min(MAXIMUM, BEYOND * (highest[-1] - base))
        seen = highest[0] - base
        # Of few peaks the highest is not the highest there will be: of those that are alike, by one part in so many.
        return Wanted(max(0.0, min(most, seen)), max(0.0, min(most, seen * (1 + 1 / count))))

    def _forget(self, now: float) -> None:
        peaks = self._peaks
        while peaks and now - peaks[0][0] > MEMORY:
            peaks.popleft()
        if len(peaks) > 1:
            pace = (peaks[-1][0] - peaks[0][0]) / (len(peaks) - 1)
            if now - peaks[-1][0] > max(CALM, MISSED * pace):
                peaks.clear()

    def reset(self) -> None:
        """Forget everything: the sender begins anew."""
        self._peaks.clear()
