"""A worker that hangs is found soon, and one that only gets no processor is left alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from mcu.media.hang_watch import (
    BUSY_AFTER,
    GIVEN_UP_AFTER,
    HANGS_AFTER,
    LOOK_INTERVAL,
    SUSPECT_AFTER,
    HangWatch,
)
from mcu.media.thread_times import ThreadTimes

PID, OTHER = 100, 101
IDLE = ThreadTimes("S", 5.0, 0.0, 1000)
Change = Callable[[ThreadTimes, float], ThreadTimes]


def as_it_was(times: ThreadTimes, seconds: float) -> ThreadTimes:
    return times


def stopped(times: ThreadTimes, seconds: float) -> ThreadTimes:
    return replace(times, state="T")


def runs(times: ThreadTimes, seconds: float) -> ThreadTimes:
    """All the time."""
    return replace(times, state="R", ran=times.ran + seconds, turns=times.turns + 1)


def starves(times: ThreadTimes, seconds: float) -> ThreadTimes:
    """Could run, and is not let."""
    return replace(times, state="R", waited=times.waited + seconds)


def starves_without_a_trace(times: ThreadTimes, seconds: float) -> ThreadTimes:
    """The same, as the system tells it before it has got a processor again."""
    return replace(times, state="R")


def wants_the_lock(times: ThreadTimes, seconds: float) -> ThreadTimes:
    return replace(times, turns=times.turns + round(seconds / 0.005))


class Watched:
    """A process whose threads do as they are told while time passes."""

    def __init__(self, first: Change, other: Change = as_it_was) -> None:
        self.now = 50.0
        self.changes: dict[int, Change] = {PID: first, OTHER: other}
        self.threads: dict[int, ThreadTimes] | None = {PID: IDLE, OTHER: IDLE}
        self.looks = 0
        self.answers = 0
        self.watch = HangWatch(PID, self.now, self._threads)

    def _threads(self) -> Mapping[int, ThreadTimes] | None:
        self.looks += 1
        return None if self.threads is None else dict(self.threads)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        if self.threads is not None:
            self.threads = {one: self.changes[one](times, seconds) for one, times in self.threads.items()}

    def found_after(self, longest: float, *, answers_every: float = float("inf")) -> tuple[float, str] | None:
        """After how long it is said to hang, and why."""
        began = answered = self.now
        while self.now - began < longest:
            self.pass_time(LOOK_INTERVAL)
            if self.now - answered >= answers_every:
                self.answers, answered = self.answers + 1, self.now
            reason = self.watch.look(self.answers, self.now)
            if reason is not None:
                return self.now - began, reason
        return None


@pytest.mark.parametrize(
    ("first", "why"),
    [(stopped, "stopped"), (as_it_was, "sleeps")],
)
def test_who_is_stopped_or_sleeps_for_ever_is_found_within_two_seconds(first: Change, why: str) -> None:
    found = Watched(first).found_after(10.0)
    assert found is not None
    assert HANGS_AFTER <= found[0] <= 2.0
    assert why in found[1]


def test_who_goes_round_in_circles_is_found_by_the_processor_time_it_takes() -> None:
    found = Watched(runs).found_after(10.0)
    assert found is not None
    assert found[0] <= SUSPECT_AFTER + BUSY_AFTER + 2 * LOOK_INTERVAL
    assert "processor time" in found[1]


def test_who_answers_is_not_even_looked_at() -> None:
    watched = Watched(runs)
    assert watched.found_after(60.0, answers_every=LOOK_INTERVAL) is None
    assert watched.looks == 0


def test_slow_answers_are_answers() -> None:
    assert Watched(runs).found_after(60.0, answers_every=HANGS_AFTER - LOOK_INTERVAL) is None


@pytest.mark.parametrize("first", [starves, starves_without_a_trace])
def test_who_gets_no_processor_is_left_alone(first: Change) -> None:
    assert Watched(first).found_after(60.0) is None


@pytest.mark.parametrize("other", [starves, starves_without_a_trace])
@pytest.mark.parametrize("first", [as_it_was, wants_the_lock])
def test_who_waits_for_a_thread_that_gets_no_processor_is_left_alone(first: Change, other: Change) -> None:
    assert Watched(first, other).found_after(60.0) is None


def test_who_is_stopped_is_found_whatever_its_other_threads_do() -> None:
    found = Watched(stopped, other=starves).found_after(10.0)
    assert found is not None and found[0] <= 2.0


def test_who_waits_for_a_lock_that_is_never_let_go_is_found_in_the_end() -> None:
    found = Watched(wants_the_lock).found_after(60.0)
    assert found is not None
    assert found[0] == pytest.approx(GIVEN_UP_AFTER, abs=LOOK_INTERVAL)


def test_where_the_system_tells_nothing_silence_counts_alone() -> None:
    watched = Watched(as_it_was)
    watched.threads = None
    found = watched.found_after(60.0)
    assert found is not None
    assert found[0] == pytest.approx(GIVEN_UP_AFTER, abs=LOOK_INTERVAL)


def test_whoever_was_not_running_itself_blames_nobody() -> None:
    """The control process stood still for a minute: the answers are there, but have not been read."""
    watched = Watched(as_it_was)
    watched.pass_time(60.0)
    assert watched.watch.look(0, watched.now) is None
    watched.answers = 1
    assert watched.watch.look(1, watched.now) is None
    assert watched.looks == 0


def test_an_answer_makes_good_what_was_before() -> None:
    watched = Watched(as_it_was)
    assert watched.found_after(HANGS_AFTER - LOOK_INTERVAL) is None
    watched.answers += 1
    assert watched.found_after(HANGS_AFTER - LOOK_INTERVAL) is None
