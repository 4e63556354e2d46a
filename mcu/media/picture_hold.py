"""Received pictures held back: the queue, pure, and what empties it on the event loop.

They wait until their sound is there, and where a network delays them by turns, until the late ones have come.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from mcu.media.picture_pace import ArrivalPace
from mcu.media.units import CodedPicture

SLEW = 0.05
"""A hold changes by so many seconds a second: motion 5 % slower or faster is not seen, a jump is."""

FAR, FAST_SLEW = 0.06, 0.3
"""A hold that is off by more than this comes faster: a third more or less speed is soon over, lips out of step are
not."""

MAX_HELD = 128
"""Pictures that wait at most: two seconds at 60 per second. What is over leaves at once, in order."""


class PictureHold:
    """One stream's pictures: each leaves so long after it was due as the others' sake and late ones ask for, none
    before an earlier one.

    A picture without a timestamp was due when it came.
    """

    def __init__(self) -> None:
        self._total = 0.0
        self._held = 0.0
        self._pace = ArrivalPace()
        self._moved_at: float | None = None
        self._queue: deque[CodedPicture] = deque()
        self._last = float("-inf")

    @property
    def goal(self) -> float:
        """How much longer than ``margin`` pictures are to be held for others' sake, seconds."""
        return max(0.0, self._total - self.margin)

    @goal.setter
    def goal(self, seconds: float) -> None:
        # Late ones may ask for more before this is thought over again. That is no reason to be later in all.
        self._total = seconds + self.margin if seconds > 0 else 0.0

    @property
    def held(self) -> float:
        """Seconds that a picture which comes now in time is held."""
        return self._held

    @property
    def margin(self) -> float:
        """Seconds of it that late ones ask for."""
        return self._pace.margin

    @property
    def origin(self) -> float | None:
        """When a picture with the timestamp 0 was due; None while none has said when it was made."""
        return self._pace.origin

    def push(self, unit: CodedPicture, now: float) -> None:
        """Take a picture that has just come."""
        due = self._pace.due(unit.time, unit.timestamp, unit.repaired)
        if self._moved_at is not None:
            goal = max(self.margin, self._total) if self._total else self._pace.enough
            self._move(goal, max(0.0, now - self._moved_at), unit.time - due)
        self._moved_at = now
        # Without a hold nothing waits: a picture that comes early is no harm.
        leaves = max(unit.time, due + self._held) if self._held else unit.time
        # Its time becomes that of its leaving: whoever asks whether a source stands still counts from there.
        self._last = max(self._last, leaves)
        self._queue.append(replace(unit, time=self._last))

    def _move(self, goal: float, elapsed: float, late: float) -> None:
        """Come nearer to a hold, by a jump where this picture is late and motion has stopped anyway."""
        if late > self._held and goal > self._held:
            self._held = goal
            return
        step = (FAST_SLEW if abs(goal - self._held) > FAR else SLEW) * elapsed
        self._held += min(step, max(-step, goal - self._held))

    def next_deadline(self) -> float | None:
        """When the next picture leaves; None when none waits."""
        return self._queue[0].time if self._queue else None

    def due(self, now: float) -> list[CodedPicture]:
        """The pictures that leave by ``now``, in order."""
        found = []
        while self._queue and (self._queue[0].time <= now or len(self._queue) > MAX_HELD):
            found.append(self._queue.popleft())
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
