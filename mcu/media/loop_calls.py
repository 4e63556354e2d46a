"""Calls from the threads of pictures and sound to the event loop.

Not ``call_soon_threadsafe``: that wakes the loop while it holds the interpreter's lock. The loop comes first on the
processor, so whoever wakes it is often preempted that very moment; on a busy machine it then keeps the lock from loop
and sound for as long as others count. More than half of the time that the lock was held went so. Here the lock is let
go before the loop is woken.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable

from mcu.media.sound import _native


class LoopCalls:
    """``call`` from any thread, all else on the loop. To be closed after the threads have ended."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[tuple[Callable[..., None], tuple[object, ...]]] = deque()
        self._woken = False
        self._event: int | None = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        loop.add_reader(self._event, self._run)

    def call(self, function: Callable[..., None], *arguments: object) -> None:
        """Have it called on the loop soon, in order; nothing after ``close``."""
        event = self._event
        if event is None:
            return
        self._waiting.append((function, arguments))
        if not self._woken:
            self._woken = True
            os.eventfd_write(event, 1)

    @property
    def descriptor(self) -> int:
        """What wakes the loop: readable until it has come to what was called. -1 after ``close``."""
        return -1 if self._event is None else self._event

    def call_first(self, function: Callable[..., None], *arguments: object) -> None:
        """The same for the thread of sound: it neither lets go of the lock, which it might not get back for long, nor
        relies on another thread that was about to wake the loop, and may be kept from it.
        """
        event = self._event
        if event is not None:
            self._waiting.append((function, arguments))
            _native.wake(event)

    def close(self) -> None:
        """What still waits is called first."""
        event, self._event = self._event, None
        if event is not None:
            self._loop.remove_reader(event)
            os.close(event)
            self._work_off()

    def _run(self) -> None:
        if self._event is None:
            return
        os.eventfd_read(self._event)
        self._woken = False  # before the rest: what is added from now on wakes the loop again
        self._work_off()

    def _work_off(self) -> None:
        for _ in range(len(self._waiting)):
            function, arguments = self._waiting.popleft()
            try:
                function(*arguments)
            except Exception as error:  # as the loop does it: one call's fault must not take the others along
                self._loop.call_exception_handler({"message": f"call of {function!r} failed", "exception": error})
