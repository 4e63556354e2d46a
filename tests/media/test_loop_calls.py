"""Calls from threads to the event loop."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import Any

import pytest

from mcu.media.loop_calls import LoopCalls


async def test_calls_of_several_threads_come_in_the_order_of_each_on_the_loops_thread() -> None:
    calls = LoopCalls(asyncio.get_running_loop())
    got: list[tuple[str, int]] = []
    threads_of_calls: set[int] = set()
    done = asyncio.Event()

    def take(name: str, number: int) -> None:
        got.append((name, number))
        threads_of_calls.add(threading.get_ident())
        if len(got) == 1500:
            done.set()

    def work(name: str) -> None:
        for number in range(500):
            calls.call(take, name, number)

    workers = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for worker in workers:
        worker.start()
    async with asyncio.timeout(10):
        await done.wait()
    for worker in workers:
        worker.join()
    calls.close()
    for name in "abc":
        assert [number for one, number in got if one == name] == list(range(500))
    assert threads_of_calls == {threading.get_ident()}


async def test_a_call_of_sound_wakes_the_loop_though_another_thread_was_about_to_and_has_not() -> None:
    calls = LoopCalls(asyncio.get_running_loop())
    made: asyncio.Queue[str] = asyncio.Queue()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "eventfd_write", lambda event, value: None)  # put off just before it
        await asyncio.to_thread(calls.call, made.put_nowait, "picture")
    assert made.empty()
    await asyncio.to_thread(calls.call_first, made.put_nowait, "sound")
    async with asyncio.timeout(10):
        assert [await made.get(), await made.get()] == ["picture", "sound"]
    assert calls.descriptor >= 0
    calls.close()
    assert calls.descriptor == -1
    calls.call_first(made.put_nowait, "too late")
    assert made.empty()


async def test_a_call_that_fails_is_reported_and_the_next_one_is_made() -> None:
    loop = asyncio.get_running_loop()
    reported: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: reported.append(context))
    calls = LoopCalls(loop)
    made = asyncio.Event()

    def fail() -> None:
        raise ValueError("broken")

    await asyncio.to_thread(calls.call, fail)
    await asyncio.to_thread(calls.call, made.set)
    async with asyncio.timeout(10):
        await made.wait()
    calls.close()
    assert [str(context["exception"]) for context in reported] == ["broken"]


async def test_what_waits_at_the_end_is_called_and_nothing_after_it() -> None:
    calls = LoopCalls(asyncio.get_running_loop())
    got: list[int] = []
    calls.call(got.append, 1)
    calls.close()
    calls.call(got.append, 2)
    calls.close()
    await asyncio.sleep(0)
    assert got == [1]
