"""Priorities of threads, as the kernel sees them."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import TypeVar

import pytest

from mcu.media.thread_priority import PICTURE_NICE, come_first, step_back

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities of their own on Linux only")


Found = TypeVar("Found")


def in_a_thread(work: Callable[[], Found]) -> Found:
    found: list[Found] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def nice() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def refuse(*_: object) -> None:
    raise PermissionError(1, "Operation not permitted")


def test_a_thread_steps_back_alone_and_those_it_starts_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    before = nice()

    def picture() -> tuple[int, int]:
        step_back()
        return nice(), in_a_thread(nice)

    assert in_a_thread(picture) == (PICTURE_NICE, PICTURE_NICE)
    assert nice() == before


def test_a_thread_comes_first_where_it_may_and_those_it_starts_do_not() -> None:
    def sound() -> tuple[bool, int, int]:
        allowed = come_first()
        policy = os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK
        return allowed, policy, in_a_thread(lambda: os.sched_getscheduler(0))

    allowed, policy, inherited = in_a_thread(sound)
    assert policy == (os.SCHED_RR if allowed else os.SCHED_OTHER)
    assert inherited == os.SCHED_OTHER


def test_without_the_right_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    monkeypatch.setattr(os, "setpriority", refuse)
    assert in_a_thread(come_first) is False
    before = nice()

    def picture() -> int:
        step_back()
        return nice()

    assert in_a_thread(picture) == before


def test_where_others_come_first_by_right_nobody_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    policies = [os.SCHED_OTHER]

    def grant(_: int, policy: int, parameters: os.sched_param) -> None:
        policies.append(policy & ~os.SCHED_RESET_ON_FORK)

    monkeypatch.setattr(os, "sched_setscheduler", grant)
    before = nice()

    def picture() -> int:
        step_back()
        return nice()

    assert in_a_thread(picture) == before
    assert policies[-1] == os.SCHED_OTHER
