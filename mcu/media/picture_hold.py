"""Received pictures held back until their sound is there: the queue, pure, and what empties it on the event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from mcu.media.units import CodedPicture

SLEW = 0.05
"""A hold changes by so many seconds a second: motion 5 % slower or faster is not seen, a jump is."""

MAX_HELD = 128
"""Pictures that wait at most: two seconds at 60 per second. What is over leaves at once, in order."""


class PictureHold:
    """One stream's pictures: each leaves ``hold`` seconds after it came, none before an earlier one."""

    def __init__(self) -> None:
        self.goal = 0.0
        """The hold to come to, seconds."""
        self._hold = 0.0
        self._moved_at: float | None = None
        self._held: deque[CodedPicture] = deque()
        self._last = float("-inf")

    @property
    def hold(self) -> float:
        """Seconds that a picture which comes now is held."""
        return self._hold

    def push(self, unit: CodedPicture, now: float) -> None:
        """Take a picture that has just come."""
        if self._moved_at is not None:
            step = SLEW * max(0.0, now - self._moved_at)
            self._hold += min(step, max(-step, self.goal - self._hold))
        self._moved_at = now
        # Its time becomes that of its leaving: whoever asks whether a source stands still counts from there.
        self._last = max(self._last, unit.time + self._hold)
        self._held.append(replace(unit, time=self._last))

    def next_deadline(self) -> float | None:
        """When the next picture leaves; None when none waits."""
        return self._held[0].time if self._held else None

    def due(self, now: float) -> list[CodedPicture]:
        """The pictures that leave by ``now``, in order."""
        found = []
        while self._held and (self._held[0].time <= now or len(self._held) > MAX_HELD):
            found.append(self._held.popleft())
        return found


class HeldPictures:
    """A ``PictureHold`` on the event loop: pictures go to ``release`` when their time has come."""

    def __init__(self, clock: Callable[[], float], release: Callable[[CodedPicture], None]) -> None:
        self.hold = PictureHold()
        self._clock = clock
        self._release = release
        self._timer: asyncio.TimerHandle | None = None

    def push(self, unit: CodedPicture) -> None:
        """Take a picture that has just come."""
        self.hold.push(unit, self._clock())
        if self._timer is None:
            self._go_on()

    def close(self) -> None:
        """What waits is dropped."""
        if self._timer is not None:
            self._timer.cancel()

    def _go_on(self) -> None:
        self._timer = None
        now = self._clock()
        for unit in self.hold.due(now):
            self._release(unit)
        deadline = self.hold.next_deadline()
        if deadline is not None:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, deadline - now), self._go_on)
