"""The worker's timers: run when something is due, not while nothing is, and after a fault."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mcu.media.ticker import LEAST_INTERVAL, Ticker


class Loop:
    """An event loop's timers, with a clock that a test turns. ``hasty``: the first fires so much too early."""

    def __init__(self, hasty: float = 0.0) -> None:
        self.now = 100.0
        self.hasty = hasty
        self.calls: list[tuple[float, Callable[[], None], list[bool]]] = []
        self.armed = 0

    def call_later(self, delay: float, function: Callable[[], None]) -> Handle:
        self.armed += 1
        alive = [True]
        self.calls.append((self.now + max(0.0, delay - self.hasty), function, alive))
        self.hasty = 0.0
        return Handle(alive)

    def run_until(self, end: float) -> None:
        while waiting := [call for call in self.calls if call[2][0] and call[0] <= end]:
            first = min(waiting, key=lambda call: call[0])
            self.calls.remove(first)
            self.now = max(self.now, first[0])
            first[1]()
        self.now = end


class Handle:
    def __init__(self, alive: list[bool]) -> None:
        self._alive = alive

    def cancel(self) -> None:
        self._alive[0] = False


class Work:
    """Notes when it ran; ``next`` is what it answers."""

    def __init__(self) -> None:
        self.ran: list[float] = []
        self.next: Callable[[float], float] = lambda now: float("inf")

    def __call__(self, now: float) -> float:
        self.ran.append(now)
        return self.next(now)


def test_nothing_runs_while_nothing_is_due() -> None:
    loop, work = Loop(), Work()
    ticker = Ticker(work, loop.call_later, lambda: loop.now)
    loop.run_until(200.0)
    assert loop.armed == 0
    ticker.wake(201.0)
    loop.run_until(300.0)
    assert work.ran == pytest.approx([201.0], abs=0.001)
    assert loop.armed == 1


def test_it_is_woken_earlier_but_not_later() -> None:
    loop, work = Loop(), Work()
    ticker = Ticker(work, loop.call_later, lambda: loop.now)
    ticker.wake(105.0)
    ticker.wake(103.0)
    ticker.wake(104.0)
    loop.run_until(110.0)
    assert work.ran == pytest.approx([103.0], abs=0.001)


def test_what_is_due_at_once_is_done_together() -> None:
    loop, work = Loop(), Work()
    work.next = lambda now: now  # always something in store
    ticker = Ticker(work, loop.call_later, lambda: loop.now)
    ticker.wake(0.0)
    loop.run_until(101.0)
    assert 1.0 / LEAST_INTERVAL * 0.9 <= len(work.ran) <= 1.0 / LEAST_INTERVAL + 1
    gaps = [later - earlier for earlier, later in zip(work.ran, work.ran[1:], strict=False)]
    assert min(gaps) >= LEAST_INTERVAL


def test_a_loop_that_is_early_is_asked_again() -> None:
    loop, work = Loop(hasty=0.002), Work()
    ticker = Ticker(work, loop.call_later, lambda: loop.now)
    ticker.wake(100.5)
    loop.run_until(101.0)
    assert len(work.ran) == 1
    assert work.ran[0] >= 100.5
    assert loop.armed == 2


def test_a_fault_does_not_end_the_timers() -> None:
    loop, work = Loop(), Work()

    def fails(now: float) -> float:
        raise RuntimeError("a bad moment")

    work.next = fails
    ticker = Ticker(work, loop.call_later, lambda: loop.now)
    ticker.wake(101.0)
    with pytest.raises(RuntimeError):
        loop.run_until(102.0)
    work.next = lambda now: float("inf")
    loop.run_until(103.0)
    assert len(work.ran) == 2


def test_after_the_end_nothing_runs() -> None:
    loop, work = Loop(), Work()
    ticker = Ticker(work, loop.call_later, lambda: loop.now)
    ticker.wake(101.0)
    ticker.stop()
    ticker.wake(101.0)
    loop.run_until(110.0)
    assert work.ran == []
