"""Waiting for a tick: in time, and with the lock's holder helped along."""

from __future__ import annotations

import math
import os
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.media.sound import _native
from mcu.media.sound.metronome import Metronome, OtherClock, waiting_on
from mcu.media.thread_priority import come_first


def may_come_first() -> bool:
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(come_first()))
    thread.start()
    thread.join()
    return found[0]


def policy(thread: int) -> int:
    return os.sched_getscheduler(thread) & ~os.SCHED_RESET_ON_FORK


class Busy:
    """A thread that keeps the interpreter's lock but for what switching takes from it."""

    def __init__(self, *, enrolled: bool) -> None:
        self._enrolled = enrolled
        self._begun, self._stop = threading.Event(), False
        self.thread = 0
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Busy:
        self._thread.start()
        self._begun.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop = True
        self._thread.join()

    def _run(self) -> None:
        if self._enrolled:
            _native.enrol()
        self.thread = threading.get_native_id()
        self._begun.set()
        while not self._stop:
            sum(range(100))


def lent(most: int, lending: bool) -> bool:
    """In a thread of its own: waits of 2 ms until somebody was lent priority, but not more than ``most``."""
    found: list[bool] = []

    def run() -> None:
        come_first()
        found.append(any(_native.wait_until(time.monotonic() + 0.002, lending) for _ in range(most)))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


needs_the_right = pytest.mark.skipif(not may_come_first(), reason="takes the right to real-time priority")


def test_it_is_never_early() -> None:
    deadline = time.monotonic() + 0.005
    assert _native.wait_until(deadline, False) is False
    assert time.monotonic() >= deadline
    _native.wait_until(deadline, False)  # over already: no wait


@needs_the_right
def test_who_holds_the_lock_is_lent_priority_and_gives_it_back() -> None:
    with Busy(enrolled=True) as busy:
        assert lent(1000, lending=True)
        assert policy(busy.thread) == os.SCHED_OTHER


@needs_the_right
def test_nobody_else_is_lent_anything() -> None:
    with Busy(enrolled=False):
        assert not lent(20, lending=True)
    with Busy(enrolled=True):
        assert not lent(20, lending=False)


@needs_the_right
def test_who_holds_the_lock_is_lent_priority_while_the_loop_does_not_come_to_what_it_was_woken_for() -> None:
    seen: set[int] = set()

    def wait(event: int) -> None:
        for _ in range(40):
            _native.wait_until(time.monotonic() + 0.02, True, event)

    event = os.eventfd(1, os.EFD_NONBLOCK)
    with Busy(enrolled=True) as busy:
        waiting = threading.Thread(target=wait, args=(event,))
        waiting.start()
        while waiting.is_alive():
            seen.add(policy(busy.thread))
            waiting.join(0.0005)
        assert policy(busy.thread) == os.SCHED_OTHER
    os.close(event)
    assert seen == {os.SCHED_OTHER, os.SCHED_RR}


def test_a_wake_is_written_and_what_is_no_descriptor_refused() -> None:
    event = os.eventfd(0, os.EFD_NONBLOCK)
    assert _native.wake(event) and _native.wake(event)
    assert os.eventfd_read(event) == 2
    os.close(event)
    assert not _native.wake(event)
    with pytest.raises(ValueError, match="descriptor"):
        _native.wake(-1)


def test_a_thread_that_has_ended_is_forgotten_and_others_take_its_place() -> None:
    for _ in range(1500):  # three times as many as can be known at once
        thread = threading.Thread(target=_native.enrol)
        thread.start()
        thread.join()
    with Busy(enrolled=True):
        assert lent(1000 if may_come_first() else 1, lending=True) is may_come_first()


@given(st.floats())
def test_what_is_no_time_is_refused(deadline: float) -> None:
    if math.isfinite(deadline) and 0 <= deadline <= time.monotonic():
        assert _native.wait_until(deadline, True) is False
    elif not math.isfinite(deadline) or deadline < 0 or deadline > time.monotonic() + 60:
        with pytest.raises(ValueError, match="no time"):
            _native.wait_until(deadline, True)


def test_it_ends_when_told_to_on_either_clock() -> None:
    stopping = threading.Event()
    assert Metronome()(time.monotonic() - 1, stopping)
    stopping.set()
    assert not Metronome()(time.monotonic() - 1, stopping)
    assert not OtherClock(lambda: 0.0)(5.0, stopping)
    assert isinstance(waiting_on(lambda: 0.0), OtherClock)
    assert isinstance(waiting_on(time.monotonic), Metronome)
