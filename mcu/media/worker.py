"""A media worker process: ``python -m mcu.media.worker SOCKET``. Started and fed by ``mcu.media.pool``."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from pathlib import Path

import uvloop

from mcu.media import garbage
from mcu.media.calibration import calibrate
from mcu.media.conference_media import ConferenceMedia
from mcu.media.facts import Fact
from mcu.media.leg import MediaLeg
from mcu.media.leg_transport import BrowserAccess
from mcu.media.link import (
    Apply,
    ControlCamera,
    Done,
    LinkError,
    Message,
    Ping,
    Pong,
    Remove,
    Report,
    RequestKeyFrame,
    SendDigits,
    ShowTiles,
    Start,
    frame,
    read_message,
)
from mcu.media.rtp.clock import on_grid
from mcu.media.thread_priority import come_first
from mcu.media.ticker import Ticker
from mcu.media.transport.browser_port import BrowserPort
from mcu.media.transport.browser_streams import BrowserStreams
from mcu.media.transport.dtls import load_certificate
from mcu.media.warm_up import warm_up
from mcu.media.workload import Workload

logger = logging.getLogger(__name__)

STATISTICS_INTERVAL = 2.0
# Whether the machine keeps up is asked this often: a second of stumbling pictures is long enough.
REVIEW_INTERVAL = 1.0
# Both with what conferences look at: one wake for all.
GRID = 0.25
# Facts go up in batches; this is the longest that one waits.
REPORT_DELAY = 0.02


class Worker:
    """Serves one link until it ends; then closes all conferences, so that recordings are whole."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, start: Start) -> None:
        self._reader = reader
        self._writer = writer
        self._start = start
        self._conferences: dict[str, ConferenceMedia] = {}
        self._facts: list[Fact] = []
        self._workload = Workload()
        self._ticker = Ticker(self._run_timers, asyncio.get_running_loop().call_later)
        self._next_statistics = self._next_review = time.monotonic() + STATISTICS_INTERVAL
        self._browser_port = BrowserPort(time.monotonic)
        self._browser_streams = BrowserStreams(self._browser_port, time.monotonic)
        settings = start.settings
        certificate = load_certificate(Path(settings.certificate_file), Path(settings.private_key_file))
        self._browsers = BrowserAccess(self._browser_port, certificate)

    async def run(self) -> None:
        """Open the browser port, say that we are ready, and do as told."""
        settings = self._start.settings
        try:
            kind, number = "UDP", settings.browser_port
            await self._browser_port.open(settings.browser_host, number)
            if settings.browser_tcp_port:
                kind, number = "TCP", settings.browser_tcp_port
                await self._browser_streams.open(settings.browser_host, number)
        except OSError as error:
            self._send(Done(request=0, error=f"{kind} port {number} for browsers: {error.strerror}"))
            await self._writer.drain()
            return
        # Before there is work, which would be disturbed by it and disturb it.
        capacity = await asyncio.to_thread(calibrate) if self._start.calibrate else None
        self._send(Pong(capacity=capacity))
        self._ticker.wake(self._next_statistics)
        try:
            # Each command is a task, so that closing a recording on a slow disk does not keep a ping waiting; a
            # conference sees to the order of its own commands.
            async with asyncio.TaskGroup() as commands:
                with contextlib.suppress(LinkError):  # that is how we are told to stop
                    while True:
                        commands.create_task(self._handle(await read_message(self._reader)))
        finally:
            self._ticker.stop()
            for conference in self._conferences.values():
                await conference.close()
            self._browser_streams.close()
            self._browser_port.close()

    async def _handle(self, message: Message) -> None:
        match message:
            case Apply(request=request, spec=spec):
                try:
                    failed = await self._conference(spec.id).apply(spec)
                    self._send(Done(request=request, legs=failed))
                except Exception as error:  # one conference's fault must not take the others along
                    logger.exception("conference %s", spec.id)
                    self._send(Done(request=request, error=f"{type(error).__name__}: {error}"))
            case Remove(request=request, conference=conference_id):
                conference = self._conferences.pop(conference_id, None)
                if conference is not None:
                    await conference.close()
                self._send(Done(request=request))
            case RequestKeyFrame(conference=conference_id, leg=leg_id):
                if conference_id in self._conferences:
                    self._conferences[conference_id].request_key_frame(leg_id)
            case SendDigits(conference=conference_id, leg=leg_id, digits=digits):
                if conference_id in self._conferences:
                    self._conferences[conference_id].send_digits(leg_id, digits)
            case ControlCamera(conference=conference_id, leg=leg_id, request=camera_request):
                if conference_id in self._conferences:
                    self._conferences[conference_id].control_camera(leg_id, camera_request)
            case ShowTiles(conference=conference_id, leg=leg_id, tiles=tiles):
                if conference_id in self._conferences:
                    self._conferences[conference_id].show_tiles(leg_id, tiles)
            case Ping():
                self._send(Pong())
            case other:
                logger.error("a worker is not told %s", other.kind)

    def _conference(self, conference_id: str) -> ConferenceMedia:
        conference = self._conferences.get(conference_id)
        if conference is None:
            conference = self._conferences[conference_id] = ConferenceMedia(
                conference_id,
                Path(self._start.settings.font_file),
                self._browsers,
                self._report,
                self._take_leg,
                on_due=self._ticker.wake,
            )
        return conference

    def _take_leg(self, leg_id: str) -> MediaLeg | None:
        """A leg that another conference has and the description of this one names: it has moved."""
        for conference in self._conferences.values():
            if (leg := conference.give_up_leg(leg_id)) is not None:
                return leg
        return None

    def _report(self, fact: Fact) -> None:
        if not self._facts:
            asyncio.get_running_loop().call_later(REPORT_DELAY, self._send_report)
        self._facts.append(fact)

    def _send_report(self) -> None:
        facts, self._facts = tuple(self._facts), []
        if facts:
            self._send(Report(facts=facts))

    def _send(self, message: Message) -> None:
        if not self._writer.is_closing():
            self._writer.write(frame(message))

    def _run_timers(self, now: float) -> float:
        """Do what is due; when to be called again."""
        conferences = tuple(self._conferences.values())
        for conference in conferences:
            if conference.next_deadline() <= now:
                conference.handle_timer(now)
        if now >= self._next_review:
            self._next_review = on_grid(now + REVIEW_INTERVAL, GRID)
            self._workload.review(self._conferences)
        if now >= self._next_statistics:
            self._next_statistics = on_grid(now + STATISTICS_INTERVAL, GRID)
            for conference in conferences:
                for fact in conference.statistics(now):
                    self._report(fact)
        due = min((conference.next_deadline() for conference in conferences), default=float("inf"))
        return min(due, self._next_review, self._next_statistics)


async def _main(path: str) -> None:
    reader, writer = await asyncio.open_unix_connection(path)
    # A spare waits for long until it is needed, then everything is to be there.
    await asyncio.to_thread(warm_up)
    garbage.settle()
    try:
        message = await read_message(reader)
    except LinkError:
        return  # not needed
    if not isinstance(message, Start):
        raise LinkError("a worker's first message is its start")
    logging.basicConfig(
        level=message.settings.log_level,
        force=True,
        format=f"%(asctime)s %(levelname)s media[{message.settings.index}] %(name)s: %(message)s",
    )
    for chatty in ("libav", "aioice", "aiortc", "PIL"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    loop = asyncio.get_running_loop()
    if (os.cpu_count() or 1) > 1:
        # Packets come before pictures; one thread among several processors cannot take the machine from others.
        come_first()
    # The control process closes the link to stop us; a signal to the group must not cut recordings short.
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, writer.close)
    await Worker(reader, writer, message).run()
    with contextlib.suppress(OSError):
        writer.close()
        await writer.wait_closed()


def main() -> None:
    """Entry point of the process."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m mcu.media.worker SOCKET")
    uvloop.run(_main(sys.argv[1]))


if __name__ == "__main__":
    main()
