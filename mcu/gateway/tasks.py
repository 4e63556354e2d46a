"""Work that a service of the gateway has under way: started, watched, and given up together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine

logger = logging.getLogger(__name__)


class Tasks:
    """``name`` says in the log whose work failed."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Do ``work`` beside everything else; an error that it does not deal with is logged."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._finished)
        return task

    async def give_up(self) -> None:
        """Cancel what is under way, and wait for its end."""
        running = tuple(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def settle(self) -> None:
        """Wait until nothing is under way, what is begun meanwhile included."""
        while self._running:
            await asyncio.wait(tuple(self._running))

    def __len__(self) -> int:
        return len(self._running)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error(self._name, exc_info=error)
