"""One worker process as its control side sees it: started, linked, commanded, pinged, ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from mcu.media.facts import Capacity, Fact
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
from mcu.media.spec import WorkerSettings

logger = logging.getLogger(__name__)

# A worker's event loop never blocks this long unless it hangs.
PING_INTERVAL = 1.0
PONG_TIMEOUT = 5.0
# A fresh worker imports its libraries and binds its port well within this on a slow machine.
START_TIMEOUT = 30.0
# An answer to a command: binding ports, or closing a recording on a slow disk.
COMMAND_TIMEOUT = 15.0
# A worker closes recordings when told to stop; then it must be gone.
STOP_TIMEOUT = 10.0

_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


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
        self._last_pong = 0.0

    @property
    def pid(self) -> int | None:
        """The operating system's id of the process while it runs."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and running else None

    async def start(self, sockets: Path) -> None:
        """Start it and wait until it is ready to be told what to do. ``sockets``: a folder for the link's socket.

        Raises LinkError, with the worker's own words where it has said why it cannot be, TimeoutError and OSError.
        """
        path = sockets / f"worker-{self._settings.index}-{self._generation}"
        connections: asyncio.Queue[_Connection] = asyncio.Queue(1)
        server = await asyncio.start_unix_server(lambda r, w: connections.put_nowait((r, w)), path=path)
        path.chmod(0o600)
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "mcu.media.worker", str(path), stdin=asyncio.subprocess.DEVNULL,
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
                # Ctrl-C in a terminal goes to the whole process group; only the control process acts on it.
                start_new_session=True,
            )  # fmt: skip
            self._reader, self._writer = await _first_connection(self._process, connections)
        finally:
            server.close()
            path.unlink(missing_ok=True)
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
        self._last_pong = asyncio.get_running_loop().time()
        pinging = asyncio.create_task(self._ping())
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
                        self._last_pong = asyncio.get_running_loop().time()
                    case other:
                        raise LinkError(f"a worker does not say {other.kind}")
        finally:
            pinging.cancel()
            await asyncio.gather(pinging, return_exceptions=True)

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
            self._kill(self._process)
            await self._process.wait()

    async def _ping(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(PING_INTERVAL)
            if loop.time() - self._last_pong > PONG_TIMEOUT and self._process is not None:
                logger.error("media worker %d hangs; killing it", self._settings.index)
                self._kill(self._process)
                return
            with contextlib.suppress(LinkError):  # the reader sees the same end and acts on it
                self.send(Ping())

    @staticmethod
    def _kill(process: asyncio.subprocess.Process) -> None:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()


async def _first_connection(
    process: asyncio.subprocess.Process, connections: asyncio.Queue[_Connection]
) -> _Connection:
    """The link that a fresh process opens. Raises LinkError when it ends before that, or takes too long."""
    connection = asyncio.create_task(connections.get())
    end = asyncio.create_task(process.wait())
    try:
        await asyncio.wait({connection, end}, timeout=START_TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
        if connection.done():
            return connection.result()
        raise LinkError(f"ended with status {end.result()}" if end.done() else f"not up in {START_TIMEOUT:.0f} s")
    finally:
        connection.cancel()
        end.cancel()
        await asyncio.gather(connection, end, return_exceptions=True)
