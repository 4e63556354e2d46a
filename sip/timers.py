"""Timer values of RFC 3261 (Table 4, §17) with RFC 6026, and a queue of running timers without a clock of its own."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

# Fewer timers than these are not worth looking through.
_FEW = 1024


@dataclass(frozen=True)
class TimerSettings:
    """``t1``: round-trip estimate; ``t2``: longest retransmit interval; ``t4``: longest life of a message. Seconds.

    ``c``: how long an INVITE waits after each provisional response; longer than anybody lets a phone ring.
    """

    t1: float = 0.5
    t2: float = 4.0
    t4: float = 5.0
    c: float = 240.0

    @property
    def timeout(self) -> float:
        """64·T1: how long a request is tried, a response kept, an ACK awaited."""
        return 64 * self.t1


class Timer:
    """A started timer; ``cancel`` may be called at any time, also after it fired."""

    __slots__ = ("_callback", "delay")

    def __init__(self, delay: float, callback: Callable[[], None]) -> None:
        self.delay = delay
        self._callback: Callable[[], None] | None = callback

    @property
    def is_running(self) -> bool:
        """False once fired or cancelled."""
        return self._callback is not None

    def cancel(self) -> None:
        """Forget the callback."""
        self._callback = None

    def fire(self) -> None:
        """Call back, once."""
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()


class TimerSlot:
    """Room for one timer: a new one takes the place of the old, which is cancelled."""

    __slots__ = ("_timer",)

    def __init__(self) -> None:
        self._timer: Timer | None = None

    def put(self, timer: Timer | None) -> None:
        """Take a started timer, or none."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = timer


class TimerQueue:
    """Timers of all transactions and calls.

    A timer is started with a delay, and its time begins to run with the next ``arm(now)``, that is when the
    messages of the same step are handed to the transport. So no state machine needs to know what time it is.
    """

    def __init__(self) -> None:
        self._waiting: list[Timer] = []
        self._armed: list[tuple[float, int, Timer]] = []
        self._order = count()
        self._sweep_at = _FEW

    def start(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Start a timer of ``delay`` seconds."""
        timer = Timer(delay, callback)
        self._waiting.append(timer)
        return timer

    def arm(self, now: float) -> None:
        """Let the time of newly started timers run from ``now``."""
        for timer in self._waiting:
            if timer.is_running:
                heapq.heappush(self._armed, (now + timer.delay, next(self._order), timer))
        self._waiting.clear()

    def next_deadline(self) -> float | None:
        """When the next armed timer is due, or None."""
        while self._armed and not self._armed[0][2].is_running:
            heapq.heappop(self._armed)
        return self._armed[0][0] if self._armed else None

    def expire(self, now: float) -> None:
        """Fire what is due at ``now``; timers started by that are armed from ``now`` and wait for the next call."""
        self.arm(now)
        due: list[Timer] = []
        while self._armed and self._armed[0][0] <= now:
            due.append(heapq.heappop(self._armed)[2])
        for timer in due:
            timer.fire()
        self.arm(now)
        self._sweep()

    def _sweep(self) -> None:
        """Remove cancelled timers: answered requests leave some of up to 32 s behind.

        Looked at only when twice as many are there as the last look left, so that it costs each timer little.
        """
        if len(self._armed) >= self._sweep_at:
            self._armed = [entry for entry in self._armed if entry[2].is_running]
            heapq.heapify(self._armed)
            self._sweep_at = max(_FEW, 2 * len(self._armed))
