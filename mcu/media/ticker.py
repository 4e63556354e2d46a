"""Runs a worker's timers on its event loop: when something is due, and not at all while nothing is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

LEAST_INTERVAL = 0.01
"""Seconds between two runs: what is due within it is done together. RTCP and retransmission need no finer time."""

# The loop's clock counts milliseconds: without this a timer would as often fire too early as too late.
_GRAIN = 0.0005


class TimerHandle(Protocol):
    """A call that the loop has in store."""

    def cancel(self) -> object: ...


class Ticker:
    """``work`` gets the time and returns when it is to be called next; ``wake`` makes that earlier.

    ``call_later`` is the loop's.
    """

    def __init__(
        self,
        work: Callable[[float], float],
        call_later: Callable[[float, Callable[[], None]], TimerHandle],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._work = work
        self._call_later = call_later
        self._clock = clock
        self._handle: TimerHandle | None = None
        self._at = float("inf")
        self._earliest = float("-inf")
        self._stopped = False

    def wake(self, when: float) -> None:
        """Something will be due then; it may lie in the past."""
        when = max(when, self._earliest)
        if when >= self._at or self._stopped:
            return
        if self._handle is not None:
            self._handle.cancel()
        self._at = when
        self._arm(self._clock())

    def stop(self) -> None:
        """Call no more."""
        self._stopped = True
        if self._handle is not None:
            self._handle.cancel()

    def _arm(self, now: float) -> None:
        self._handle = self._call_later(max(0.0, self._at - now + _GRAIN), self._run)

    def _run(self) -> None:
        now = self._clock()
        if now < self._at:
            self._arm(now)
            return
        self._handle, self._at = None, float("inf")
        self._earliest = now + LEAST_INTERVAL
        due = self._earliest  # also after a fault, which the loop reports: one bad moment must not end all timers
        try:
            due = self._work(now)
        finally:
            self.wake(due)
