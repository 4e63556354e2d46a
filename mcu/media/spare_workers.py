"""Worker processes that wait, started and warm, to take the place of one that dies: to start one takes a second."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from mcu.media.link import LinkError

logger = logging.getLogger(__name__)

# A fresh worker imports its libraries and binds its port well within this on a slow machine.
START_TIMEOUT = 30.0
# A spare takes some 100 MB; with less than this free, what is at work needs it more.
MEMORY_NEEDED = 1 << 30
# After a spare was taken calls come first: its successor is started when they are back, and pictures have begun; or
# after so long, in seconds.
REFILL_DELAY = 3.0
CALM_DELAY = 1.0
# After one could not be started.
RETRY_PAUSE = 30.0

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Launched:
    """A process that waits for its start on its link."""

    process: asyncio.subprocess.Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def is_alive(self) -> bool:
        """Whether it still waits."""
        return self.process.returncode is None and not self.reader.at_eof()


async def launch(path: Path) -> Launched:
    """Start a process that links itself over a socket at ``path``. Raises LinkError and OSError."""
    connections: asyncio.Queue[Connection] = asyncio.Queue(1)
    server = await asyncio.start_unix_server(lambda r, w: connections.put_nowait((r, w)), path=path)
    await asyncio.to_thread(path.chmod, 0o600)
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "mcu.media.worker", str(path), stdin=asyncio.subprocess.DEVNULL,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
            # Ctrl-C in a terminal goes to the whole process group; only the control process acts on it.
            start_new_session=True,
        )  # fmt: skip
        try:
            return Launched(process, *await _first_connection(process, connections))
        except BaseException:
            await end(process)
            raise
    finally:
        server.close()
        await asyncio.to_thread(path.unlink, missing_ok=True)


async def end(process: asyncio.subprocess.Process) -> None:
    """End a process at once."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    await process.wait()


class SpareWorkers:
    """Keeps ``count`` processes waiting, while there is memory for them."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._waiting: list[Launched] = []
        self._wanted = asyncio.Event()
        self._calm = asyncio.Event()
        self._settled = asyncio.Event()
        self._settled.set()
        self._keeping: asyncio.Task[None] | None = None

    def start(self, sockets: Path) -> None:
        """Begin to keep them, with links in this folder."""
        if self._count:
            self._wanted.set()
            self._keeping = asyncio.create_task(self._keep(sockets))

    @property
    def ready(self) -> int:
        """How many wait now."""
        return sum(spare.is_alive for spare in self._waiting)

    def calls_are_back(self) -> None:
        """Who was taken has all its work: there is time for the next one, should it die as well."""
        self._calm.set()

    async def take(self) -> Launched | None:
        """One that is alive, if there is one; its successor comes later. One that is just starting is waited for."""
        if not self.ready:
            await self._settled.wait()
        while self._waiting:
            spare = self._waiting.pop(0)
            self._calm.clear()
            self._wanted.set()
            if spare.is_alive:
                return spare
            spare.writer.close()
        return None

    async def stop(self) -> None:
        """End them all."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        for spare in self._waiting:
            spare.writer.close()
            await end(spare.process)
        self._waiting.clear()

    async def _keep(self, sockets: Path) -> None:
        number, first = 0, True
        while True:
            await self._wanted.wait()
            if not first:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(REFILL_DELAY):
                        await self._calm.wait()
                await asyncio.sleep(CALM_DELAY)
            first = False
            self._wanted.clear()
            self._waiting = [spare for spare in self._waiting if spare.is_alive]
            while len(self._waiting) < self._count:
                if available_memory() < MEMORY_NEEDED:
                    logger.warning("too little memory for a spare media worker: a replacement will take a second more")
                    await asyncio.sleep(RETRY_PAUSE)
                    continue
                number += 1
                self._settled.clear()
                try:
                    self._waiting.append(await launch(sockets / f"spare-{number}"))
                    logger.info("a spare media worker waits")
                    continue
                except (OSError, LinkError) as error:
                    logger.warning("a spare media worker cannot be started: %s", error)
                finally:
                    self._settled.set()
                await asyncio.sleep(RETRY_PAUSE)


def available_memory(source: Path = Path("/proc/meminfo")) -> int:
    """Bytes that new work may take; plenty where the system does not tell."""
    try:
        lines = source.read_text().splitlines()
    except OSError:
        return sys.maxsize
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return sys.maxsize


async def _first_connection(process: asyncio.subprocess.Process, connections: asyncio.Queue[Connection]) -> Connection:
    """The link that a fresh process opens. Raises LinkError when it ends before that, or takes too long."""
    connection = asyncio.create_task(connections.get())
    ended = asyncio.create_task(process.wait())
    try:
        await asyncio.wait({connection, ended}, timeout=START_TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
        if connection.done():
            return connection.result()
        raise LinkError(f"ended with status {ended.result()}" if ended.done() else f"not up in {START_TIMEOUT:.0f} s")
    finally:
        connection.cancel()
        ended.cancel()
        await asyncio.gather(connection, ended, return_exceptions=True)
