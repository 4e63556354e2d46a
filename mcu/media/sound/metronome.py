"""When the next tick of sound is due: a wait that neither other programs nor the interpreter's lock lengthen."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from mcu.media.sound import _native
from mcu.media.thread_priority import come_first

LONGEST = 1.0
"""Seconds; a clock that leaps must not make a thread sleep for good."""


class Waiting(Protocol):
    """Returns False once ``stopping`` is set, else True, not before ``deadline``."""

    def __call__(self, deadline: float, stopping: threading.Event) -> bool: ...


class Metronome:
    """Of one thread; on the monotonic clock.

    Where real-time priority is permitted, the thread takes it, and whoever holds the lock when a tick is due is lent it
    until the tick can begin (see ``native/lock.h``).
    """

    def __init__(self, watched: int = -1) -> None:
        """``watched``: the descriptor by which the event loop is woken; until it has come to that, it is helped too."""
        self._first = come_first()
        self._watched = watched

    def __call__(self, deadline: float, stopping: threading.Event) -> bool:
        now = time.monotonic()
        if deadline > now:
            _native.wait_until(min(deadline, now + LONGEST), self._first, self._watched)
        return not stopping.is_set()


class OtherClock:
    """On a clock that is not the monotonic one, for tests that turn it by hand."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def __call__(self, deadline: float, stopping: threading.Event) -> bool:
        return not stopping.wait(max(0.0, deadline - self._clock()))


def waiting_on(clock: Callable[[], float], watched: int = -1) -> Waiting:
    """How the calling thread waits for its ticks on this clock; ``watched`` as in ``Metronome``."""
    return Metronome(watched) if clock is time.monotonic else OtherClock(clock)
