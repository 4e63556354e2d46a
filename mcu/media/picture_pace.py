"""When the pictures of a stream come by rights, and by how much the late ones are late. Pure.

Pictures that a network delays by turns, or that wait for packets to be sent again, come in fits and starts. What a
picture's RTP timestamp says about its time and what others of the stream took on average tells when it was due.
"""

from __future__ import annotations

from collections import deque

CLOCK_RATE = 90_000
"""Of all video payload formats."""

_MEAN, _LONG_MEAN = 128, 512
"""Pictures that the average goes back: four seconds, and more on a network where one picture says little."""

_REMEMBERED = 150
"""Pictures among which the late ones are looked for: five seconds."""

_REVIEW = 15
"""Pictures between two looks."""

_IN_TIME = 0.95
"""This share of the pictures is to be there in time."""

UNNOTICED = 0.04
"""Lateness up to this, seconds, is that of a good network, and of large pictures: nothing waits for it."""

MAX_MARGIN = 0.15
"""The most that pictures wait for late ones: more costs a conversation more than a picture that stands for a moment."""

JUMP = 2.0
"""What is off by so many seconds is another timeline."""


class ArrivalPace:
    """``margin`` is for how long to hold the pictures that come in time so that most late ones are in time as well."""

    def __init__(self) -> None:
        self.margin = 0.0
        self._offset: float | None = None
        self._pictures = 0
        self._lateness: deque[float] = deque(maxlen=_REMEMBERED)

    @property
    def origin(self) -> float | None:
        """When a picture with the timestamp 0 was due; None before the first one."""
        return self._offset

    def due(self, arrival: float, timestamp: int | None) -> float:
        """When a picture that comes now was due; without a timestamp, now."""
        if timestamp is None:
            return arrival
        captured = timestamp / CLOCK_RATE
        offset = arrival - captured
        if self._offset is None or abs(offset - self._offset) > JUMP:
            self._offset, self._pictures = offset, 0
            self._lateness.clear()
        self._pictures += 1
        self._offset += (offset - self._offset) / min(self._pictures, _MEAN if self.margin < MAX_MARGIN else _LONG_MEAN)
        due = captured + self._offset
        self._lateness.append(arrival - due)
        if self._pictures % _REVIEW == 0:
            late = sorted(self._lateness)[int(_IN_TIME * (len(self._lateness) - 1))]
            self.margin = min(late, MAX_MARGIN) if late > UNNOTICED else 0.0
        return due
