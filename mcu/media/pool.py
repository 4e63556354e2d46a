"""The control side of media workers: starts them, tells them the desired state, replaces those that die.

A conference lives in one worker. The pool keeps the latest description of each; a worker that exits, closes its link or
stops answering is replaced by a fresh process that is told the same descriptions, so calls go on without signalling.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from mcu.media.facts import Fact
from mcu.media.link import (
    Apply,
    Done,
    LinkError,
    Message,
    Ping,
    Pong,
    Remove,
    Report,
    RequestKeyFrame,
    Start,
    frame,
    read_message,
)
from mcu.media.spec import ConferenceSpec, WorkerSettings
from mcu.ports import MediaError

logger = logging.getLogger(__name__)

# A worker's event loop never blocks this long unless it hangs.
PING_INTERVAL = 1.0
PONG_TIMEOUT = 5.0
# A fresh worker imports its libraries and binds its port well within this on a slow machine.
START_TIMEOUT = 30.0
# An answer to a command: binding ports, or closing a recording on a slow disk.
COMMAND_TIMEOUT = 15.0
# Pause before the next try when workers die right after their start, so that a broken installation does not spin.
RESTART_PAUSE = 1.0
STABLE_AFTER = 10.0
# A worker closes recordings when told to stop; then it must be gone.
STOP_TIMEOUT = 10.0


class _Worker:
    """One place for a worker process: the process now in it, its link, and the conferences that live in it."""

    def __init__(self, settings: WorkerSettings) -> None:
        self.settings = settings
        self.generation = -1
        self.process: asyncio.subprocess.Process | None = None
        self.writer: asyncio.StreamWriter | None = None
        self.ready = asyncio.Event()
        self.conferences: dict[str, ConferenceSpec] = {}
        self.waiting: dict[int, asyncio.Future[Done]] = {}
        self.last_pong = 0.0

    def send(self, message: Message) -> None:
        if self.writer is None or self.writer.is_closing():
            raise LinkError("the worker is gone")
        self.writer.write(frame(message))

    def drop_link(self) -> None:
        self.ready.clear()
        if self.writer is not None:
            self.writer.close()
            self.writer = None
        for future in self.waiting.values():
            if not future.done():
                future.set_exception(LinkError("the worker died"))
        self.waiting.clear()


class WorkerPool:
    """Implements ``mcu.ports.MediaControl`` over worker processes."""

    def __init__(self, settings: Sequence[WorkerSettings]) -> None:
        if not settings:
            raise ValueError("at least one media worker is needed")
        self._workers = [_Worker(item) for item in settings]
        self._fact_listeners: list[Callable[[Fact], None]] = []
        self._restart_listeners: list[Callable[[Sequence[str]], None]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._requests = 0
        self._stopping = False
        self._sockets: tempfile.TemporaryDirectory[str] | None = None
        self.restarts = 0

    # MediaControl

    async def apply(self, spec: ConferenceSpec) -> None:
        """See ``MediaControl``. If the worker dies meanwhile, its successor is told, and this waits for it."""
        worker = self._worker_of(spec.id)
        known = worker.conferences.get(spec.id)
        if known is None or known.revision < spec.revision:
            worker.conferences[spec.id] = spec
        while True:
            try:
                await asyncio.wait_for(worker.ready.wait(), START_TIMEOUT)
                latest = worker.conferences.get(spec.id, spec)
                done = await self._command(worker, Apply(request=self._next_request(), spec=latest))
                break
            except TimeoutError:
                raise MediaError("no media worker answers") from None
            except LinkError:
                if self._stopping:
                    raise MediaError("the server is stopping") from None
        if done.error or done.legs:
            raise MediaError(done.error or "a leg could not be opened", done.legs)

    async def remove(self, conference_id: str) -> None:
        """See ``MediaControl``."""
        for worker in self._workers:
            if worker.conferences.pop(conference_id, None) is not None and worker.ready.is_set():
                try:
                    await self._command(worker, Remove(request=self._next_request(), conference=conference_id))
                except (LinkError, TimeoutError) as error:
                    logger.warning("removing conference %s: %s", conference_id, error or "no answer")

    def request_key_frame(self, conference_id: str, leg_id: str) -> None:
        """See ``MediaControl``."""
        worker = self._worker_of(conference_id)
        with contextlib.suppress(LinkError):  # a fresh worker begins with a key frame anyway
            worker.send(RequestKeyFrame(conference=conference_id, leg=leg_id))

    def browser_port(self, conference_id: str) -> int:
        """See ``MediaControl``."""
        return self._worker_of(conference_id).settings.browser_port

    def on_fact(self, listener: Callable[[Fact], None]) -> None:
        """See ``MediaControl``."""
        self._fact_listeners.append(listener)

    def on_restart(self, listener: Callable[[Sequence[str]], None]) -> None:
        """See ``MediaControl``."""
        self._restart_listeners.append(listener)

    # Life

    async def start(self) -> None:
        """Start all workers and wait until they are ready. Raises MediaError when one does not come up."""
        self._sockets = tempfile.TemporaryDirectory(prefix="consilium-")
        for worker in self._workers:
            self._tasks.append(asyncio.create_task(self._supervise(worker)))
        try:
            async with asyncio.timeout(START_TIMEOUT):
                for worker in self._workers:
                    await worker.ready.wait()
        except TimeoutError:
            await self.stop()
            raise MediaError("a media worker did not start; see the log above") from None

    async def stop(self) -> None:
        """Stop all workers; recordings are closed first."""
        self._stopping = True
        for worker in self._workers:
            worker.drop_link()
            if worker.process is not None:
                try:
                    await asyncio.wait_for(worker.process.wait(), STOP_TIMEOUT)
                except TimeoutError:
                    logger.warning("media worker %d does not stop; killing it", worker.settings.index)
                    self._kill(worker)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._sockets is not None:
            self._sockets.cleanup()

    def process_ids(self) -> list[int]:
        """The operating system's ids of the running workers."""
        return [worker.process.pid for worker in self._workers if worker.process is not None]

    def _worker_of(self, conference_id: str) -> _Worker:
        for worker in self._workers:
            if conference_id in worker.conferences:
                return worker
        return min(self._workers, key=lambda worker: (len(worker.conferences), worker.settings.index))

    def _next_request(self) -> int:
        self._requests += 1
        return self._requests

    async def _command(self, worker: _Worker, message: Apply | Remove) -> Done:
        future: asyncio.Future[Done] = asyncio.get_running_loop().create_future()
        worker.waiting[message.request] = future
        try:
            worker.send(message)
            return await asyncio.wait_for(future, COMMAND_TIMEOUT)
        finally:
            worker.waiting.pop(message.request, None)

    async def _supervise(self, worker: _Worker) -> None:
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            try:
                await self._run_once(worker)
            except (OSError, LinkError, TimeoutError) as error:
                logger.error("media worker %d: %s", worker.settings.index, error or type(error).__name__)
            worker.drop_link()
            if self._stopping:
                return
            await self._reap(worker)
            self.restarts += 1
            logger.error("media worker %d is gone; starting its successor", worker.settings.index)
            if loop.time() - started < STABLE_AFTER:
                await asyncio.sleep(RESTART_PAUSE)

    async def _run_once(self, worker: _Worker) -> None:
        """Start one process, feed it the desired state, and serve its link until it ends."""
        assert self._sockets is not None
        worker.generation += 1
        path = Path(self._sockets.name) / f"worker-{worker.settings.index}-{worker.generation}"
        connected: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue(1)
        server = await asyncio.start_unix_server(lambda r, w: connected.put_nowait((r, w)), path=path)
        path.chmod(0o600)
        try:
            worker.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "mcu.media.worker", str(path), stdin=asyncio.subprocess.DEVNULL,
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
                # Ctrl-C in a terminal goes to the whole process group; only the control process acts on it.
                start_new_session=True,
            )  # fmt: skip
            reader, worker.writer = await asyncio.wait_for(connected.get(), START_TIMEOUT)
        finally:
            server.close()
            path.unlink(missing_ok=True)
        worker.send(Start(settings=worker.settings, generation=worker.generation))
        await asyncio.wait_for(self._wait_ready(reader), START_TIMEOUT)
        worker.last_pong = asyncio.get_running_loop().time()
        pinging = asyncio.create_task(self._ping(worker))
        feeding = asyncio.create_task(self._feed(worker))
        try:
            await self._serve(worker, reader)
        finally:
            for task in (pinging, feeding):
                task.cancel()
            await asyncio.gather(pinging, feeding, return_exceptions=True)

    async def _wait_ready(self, reader: asyncio.StreamReader) -> None:
        message = await read_message(reader)
        if isinstance(message, Done) and message.error:
            raise LinkError(message.error)
        if not isinstance(message, Pong):
            raise LinkError(f"a worker began with {message.kind}")

    async def _feed(self, worker: _Worker) -> None:
        """Give a fresh worker all that its predecessor knew, then let new commands through."""
        specs = list(worker.conferences.values())
        for spec in specs:
            done = await self._command(worker, Apply(request=self._next_request(), spec=spec))
            if done.error or done.legs:
                logger.error(
                    "media worker %d, conference %s: %s %s", worker.settings.index, spec.id, done.error, done.legs
                )
        worker.ready.set()
        if worker.generation > 0:
            for listener in self._restart_listeners:
                listener([spec.id for spec in specs])

    async def _serve(self, worker: _Worker, reader: asyncio.StreamReader) -> None:
        while True:
            match await read_message(reader):
                case Report(facts=facts):
                    for fact in facts:
                        for listener in self._fact_listeners:
                            listener(fact)
                case Done() as done:
                    future = worker.waiting.get(done.request)
                    if future is not None and not future.done():
                        future.set_result(done)
                case Pong():
                    worker.last_pong = asyncio.get_running_loop().time()
                case other:
                    raise LinkError(f"a worker does not say {other.kind}")

    async def _ping(self, worker: _Worker) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(PING_INTERVAL)
            if loop.time() - worker.last_pong > PONG_TIMEOUT:
                logger.error("media worker %d hangs; killing it", worker.settings.index)
                self._kill(worker)
                return
            with contextlib.suppress(LinkError):  # the reader sees the same end and acts on it
                worker.send(Ping())

    async def _reap(self, worker: _Worker) -> None:
        if worker.process is not None:
            self._kill(worker)
            await worker.process.wait()
            worker.process = None

    def _kill(self, worker: _Worker) -> None:
        if worker.process is not None and worker.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                worker.process.kill()
