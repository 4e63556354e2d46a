"""One worker process as its control side sees it: started, linked, commanded, pinged, ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path

from mcu.media.facts import Capacity, Fact
from mcu.media.hang_watch import LOOK_INTERVAL, HangWatch
from mcu.media.link import (
    Apply,
    Done,
    LinkError,
    Message,
    Ping,
    Pong,
    Remove,
    Report,
    Start,
    frame,
    read_message,
)
from mcu.media.spare_workers import START_TIMEOUT, Launched, end, launch
from mcu.media.spec import WorkerSettings
from mcu.media.thread_times import thread_times

logger = logging.getLogger(__name__)

# An answer to a command: binding ports, or closing a recording on a slow disk.
COMMAND_TIMEOUT = 15.0
# A worker closes recordings when told to stop; then it must be gone.
STOP_TIMEOUT = 10.0


class WorkerProcess:
    """From ``start`` to ``kill`` or ``stop``. ``generation`` counts the processes that stood in this one's place."""

    def __init__(self, settings: WorkerSettings, generation: int, *, calibrate: bool = False) -> None:
        self.capacity: Capacity | None = None
        """What it measured at its start, where it was to (``calibrate``)."""
        self._settings = settings
        self._calibrate = calibrate
        self._generation = generation
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: dict[int, asyncio.Future[Done]] = {}
        self._requests = 0
        self._answers = 0

    @property
    def pid(self) -> int | None:
        """The operating system's id of the process while it runs."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and running else None

    async def start(self, sockets: Path, spare: Launched | None = None) -> None:
        """Start it and wait until it is ready to be told what to do. ``sockets``: a folder for the link's socket.

        With ``spare`` it is that process, which waits already.

        Raises LinkError, with the worker's own words where it has said why it cannot be, TimeoutError and OSError.
        """
        launched = spare or await launch(sockets / f"worker-{self._settings.index}-{self._generation}")
        self._process, self._reader, self._writer = launched.process, launched.reader, launched.writer
        self.send(Start(settings=self._settings, generation=self._generation, calibrate=self._calibrate))
        async with asyncio.timeout(START_TIMEOUT):
            message = await read_message(self._reader)
        if isinstance(message, Done) and message.error:
            raise LinkError(message.error)
        if not isinstance(message, Pong):
            raise LinkError(f"a worker began with {message.kind}")
        self.capacity = message.capacity

    async def reports(self) -> AsyncIterator[Fact]:
        """Serve the link until it ends, which raises LinkError; what the worker reports comes out."""
        watching = asyncio.create_task(self._watch())
        try:
            while True:
                match await read_message(self._reader):
                    case Report(facts=facts):
                        for fact in facts:
                            yield fact
                    case Done() as done:
                        future = self._waiting.get(done.request)
                        if future is not None and not future.done():
                            future.set_result(done)
                    case Pong():
                        self._answers += 1
                    case other:
                        raise LinkError(f"a worker does not say {other.kind}")
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    def send(self, message: Message) -> None:
        """Say something that is not answered. Raises LinkError when the worker is gone."""
        if self._writer is None or self._writer.is_closing():
            raise LinkError("the worker is gone")
        self._writer.write(frame(message))

    async def command(self, message: Apply | Remove) -> Done:
        """Say something and wait for its answer; ``request`` is filled in. Raises LinkError and TimeoutError."""
        self._requests += 1
        future: asyncio.Future[Done] = asyncio.get_running_loop().create_future()
        self._waiting[self._requests] = future
        request = self._requests
        try:
            self.send(message.model_copy(update={"request": request}))
            return await asyncio.wait_for(future, COMMAND_TIMEOUT)
        finally:
            self._waiting.pop(request, None)

    def drop_link(self) -> None:
        """Close the link, which tells the worker to stop; commands that wait for an answer fail."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(LinkError("the worker died"))
        self._waiting.clear()

    async def stop(self) -> None:
        """Let it close its recordings and end; kill it when it does not."""
        linked = self._writer is not None
        self.drop_link()
        if self._process is None:
            return
        try:
            # Without a link it cannot be told, and has nothing to close either.
            await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT if linked else 0)
        except TimeoutError:
            if linked:
                logger.warning("media worker %d does not stop; killing it", self._settings.index)
            await self.kill()

    async def kill(self) -> None:
        """End it at once."""
        self.drop_link()
        if self._process is not None:
            await end(self._process)

    async def _watch(self) -> None:
        """Ask it whether it is alive, and end it when it hangs."""
        assert self._process is not None
        pid = self._process.pid
        loop = asyncio.get_running_loop()
        watch = HangWatch(pid, loop.time(), lambda: thread_times(pid))
        while True:
            with contextlib.suppress(LinkError):  # the reader sees the same end and acts on it
                self.send(Ping())
            await asyncio.sleep(LOOK_INTERVAL)
            if reason := watch.look(self._answers, loop.time()):
                logger.error("media worker %d hangs; killing it: %s", self._settings.index, reason)
                self._process.kill()
                return
