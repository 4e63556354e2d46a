"""When the pictures of a stream come by rights, and by how much the late ones are late. Pure.

Pictures that a network delays by turns, or that wait for packets to be sent again, come in fits and starts. What a
picture's RTP timestamp says about its time and what others of the stream took on average tells when it was due.
"""

from __future__ import annotations

from collections import deque

from mcu.media.jitter_peaks import JitterPeaks

CLOCK_RATE = 90_000
"""Of all video payload formats."""

_MEAN = 128
"""Pictures that the average goes back: four seconds."""

_REMEMBERED = 150
"""Pictures among which the late ones are looked for: five seconds."""

_REVIEW = 15
"""Pictures between two looks."""

_IN_TIME = 0.95
"""This share of the pictures is to be there in time."""

UNNOTICED = 0.04
"""Lateness up to this, seconds, is that of a good network, and of large pictures: nothing waits for it."""

MAX_MARGIN = 0.12
"""The most that pictures wait for some that are late by turns: more costs a conversation more than a picture that
stands for a moment. What is late by more again and again is another matter (``JitterPeaks``): then all stand still.
"""

PEAKS = 2
"""So many late ones within ``jitter_peaks.MEMORY`` are waited for, as with sound."""

NOT_WORTH = 0.1
"""Seconds of waiting that are not taken back while there is jitter like this: it will have them again."""

JUMP = 2.0
"""What is off by so many seconds is another timeline."""


class ArrivalPace:
    """``margin`` is for how long to hold the pictures that come in time so that most late ones are in time as well.

    ``enough`` is as much, or what is better waited where nothing else says how long: of a network that has just begun
    to be bad the worst has not been seen.
    """

    def __init__(self) -> None:
        self.margin = self.enough = 0.0
        self._offset: float | None = None
        self._pictures = 0
        self._lateness: deque[float] = deque(maxlen=_REMEMBERED)
        self._late = 0.0
        self._peaks = JitterPeaks(PEAKS)
        self._until = 0.0  # the offset up to which is waited

    @property
    def origin(self) -> float | None:
        """When a picture with the timestamp 0 was due; None before the first one."""
        return self._offset

    def due(self, arrival: float, timestamp: int | None, repaired: bool = False) -> float:
        """When a picture that comes now was due; without a timestamp, now.

        One that was ``repaired`` may be late on a network that is even: it is waited for by turns only.
        """
        if timestamp is None:
            return arrival
        captured = timestamp / CLOCK_RATE
        offset = arrival - captured
        base = self._offset
        if base is None or abs(offset - base) > JUMP:
            base, self._pictures = offset, 0
            self._lateness.clear()
            self._peaks.reset()
            self._late = 0.0
        self._pictures += 1
        # What is late by much says nothing of when the others are due; what is early does.
        further = offset - base if self._pictures < _MEAN else min(offset - base, UNNOTICED)
        base += further / min(self._pictures, _MEAN)
        self._offset = base
        self._lateness.append(offset - base)
        if self._pictures % _REVIEW == 0:
            late = sorted(self._lateness)[int(_IN_TIME * (len(self._lateness) - 1))]
            self._late = min(late, MAX_MARGIN) if late > UNNOTICED else 0.0
        if not repaired:
            self._peaks.observe(offset, base, arrival)
        self._wait_for_peaks(base, arrival)
        return captured + base

    def _wait_for_peaks(self, base: float, now: float) -> None:
        wanted = self._peaks.wanted(base, now)
        self.margin = max(self._late, wanted.least)
        if base + wanted.least > self._until or base + wanted.enough < self._until - NOT_WORTH:
            self._until = base + wanted.enough
        self.enough = max(self.margin, self._until - base) if wanted.least else self.margin
