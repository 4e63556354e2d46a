"""The control side of media workers: starts them, tells them the desired state, replaces those that die.

A conference lives in one worker. The pool keeps the latest description of each; a worker that exits, closes its link or
stops answering is replaced by a fresh process that is told the same descriptions, so calls go on without signalling.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from mcu.media.facts import Capacity, Fact, LegConnected, LegFailed, NumbersReached
from mcu.media.leg_continuity import LegContinuity
from mcu.media.link import Apply, ControlCamera, LinkError, Remove, RequestKeyFrame, SendDigits, ShowTiles
from mcu.media.secured_legs import Worker
from mcu.media.spare_workers import START_TIMEOUT, SpareWorkers
from mcu.media.spec import CameraRequest, ConferenceSpec, Tiles, WorkerSettings
from mcu.media.worker_process import WorkerProcess
from mcu.ports import MediaError

logger = logging.getLogger(__name__)

# Pause before the next try when workers die right after their start, so that a broken installation does not spin.
RESTART_PAUSE = 1.0
STABLE_AFTER = 10.0

_Told = TypeVar("_Told")


class _Place:
    """Where one worker process after the other stands, and the conferences that live there.

    ``settled``: the first process is ready, or failed; then ``failure`` says why.
    """

    def __init__(self, settings: WorkerSettings, calibrate: bool) -> None:
        self.settings = settings
        self.process = WorkerProcess(settings, 0, calibrate=calibrate)
        self.generation = 0
        self.ready = asyncio.Event()
        self.settled = asyncio.Event()
        self.failure: str | None = None
        self.quick_ends = 0
        self.gone_at = 0.0
        self.conferences: dict[str, ConferenceSpec] = {}

    @property
    def worker(self) -> Worker:
        return self.settings.index, self.generation


class WorkerPool:
    """Implements ``mcu.ports.MediaControl`` over worker processes."""

    def __init__(self, settings: Sequence[WorkerSettings], *, calibrate: bool = False, spares: int = 0) -> None:
        """``calibrate``: let the first worker measure, once, what the machine can do; see ``capacity``.

        ``spares``: so many processes wait, started, to take the place of one that dies.
        """
        if not settings:
            raise ValueError("at least one media worker is needed")
        # One measures for all: they share the machine.
        self._places = [_Place(item, calibrate and not index) for index, item in enumerate(settings)]
        self.capacity: Capacity | None = None
        """What was measured; None before ``start`` has returned, and where nothing was to be measured."""
        self._fact_listeners: list[Callable[[Fact], None]] = []
        self._restart_listeners: list[Callable[[Sequence[str]], None]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self._sockets: tempfile.TemporaryDirectory[str] | None = None
        self.restarts = 0
        self._continuity = LegContinuity(lambda: secrets.randbits(64))
        self._spares = SpareWorkers(spares)

    # MediaControl

    async def apply(self, spec: ConferenceSpec) -> None:
        """See ``MediaControl``. If the worker dies meanwhile, its successor is told, and this waits for it."""
        place = self._place_of(spec.id)
        await self._take_from_others(spec, place)
        known = place.conferences.get(spec.id)
        if known is None or known.revision < spec.revision:
            place.conferences[spec.id] = spec
            self._forget_legs()
        while True:
            if self._stopping:
                raise MediaError("the server is stopping")
            try:
                await asyncio.wait_for(place.ready.wait(), START_TIMEOUT)
                latest = place.conferences.get(spec.id)
                if latest is None:
                    raise MediaError("the conference has ended")
                done = await place.process.command(self._description(place, latest))
                break
            except TimeoutError:
                raise MediaError("no media worker answers") from None
            except LinkError:
                continue  # its successor will be ready soon
        if done.error or done.legs:
            raise MediaError(done.error or "a leg could not be opened", done.legs)

    async def _take_from_others(self, spec: ConferenceSpec, place: _Place) -> None:
        """A leg is in one conference only: the one described last. In one worker it moves there as it is."""
        legs = {leg.id for leg in spec.legs}
        for other in self._places:
            for known in tuple(other.conferences.values()):
                if known.id == spec.id or legs.isdisjoint(leg.id for leg in known.legs):
                    continue
                left = tuple(leg for leg in known.legs if leg.id not in legs)
                other.conferences[known.id] = reduced = known.model_copy(update={"legs": left})
                if other is not place and other.ready.is_set():
                    with contextlib.suppress(LinkError, TimeoutError):  # then it has not got the leg either
                        await other.process.command(self._description(other, reduced))

    def _description(self, place: _Place, spec: ConferenceSpec) -> Apply:
        """What the present worker of a place is told; it must then be sent."""
        return Apply(request=0, spec=self._continuity.told_to(place.worker, spec))

    async def remove(self, conference_id: str) -> None:
        """See ``MediaControl``."""
        for place in self._places:
            if place.conferences.pop(conference_id, None) is None:
                continue
            self._forget_legs()
            if place.ready.is_set():
                try:
                    await place.process.command(Remove(request=0, conference=conference_id))
                except (LinkError, TimeoutError) as error:
                    logger.warning("removing conference %s: %s", conference_id, error or "no answer")

    def request_key_frame(self, conference_id: str, leg_id: str) -> None:
        """See ``MediaControl``."""
        self._say(RequestKeyFrame(conference=conference_id, leg=leg_id))

    def send_digits(self, conference_id: str, leg_id: str, digits: str) -> None:
        """See ``MediaControl``."""
        self._say(SendDigits(conference=conference_id, leg=leg_id, digits=digits))

    def control_camera(self, conference_id: str, leg_id: str, request: CameraRequest) -> None:
        """See ``MediaControl``."""
        self._say(ControlCamera(conference=conference_id, leg=leg_id, request=request))

    def show_tiles(self, conference_id: str, leg_id: str, tiles: Tiles) -> None:
        """How large the leg shows what comes in its slots."""
        self._say(ShowTiles(conference=conference_id, leg=leg_id, tiles=tiles))

    def _say(self, message: RequestKeyFrame | SendDigits | ControlCamera | ShowTiles) -> None:
        """Say something that is of the moment: a worker that is just being replaced does not hear of it."""
        with contextlib.suppress(LinkError):
            self._place_of(message.conference).process.send(message)

    def browser_port(self, conference_id: str) -> int:
        """See ``MediaControl``."""
        return self._place_of(conference_id).settings.browser_port

    def browser_tcp_port(self, conference_id: str) -> int:
        """See ``MediaControl``."""
        return self._place_of(conference_id).settings.browser_tcp_port

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
        sockets = Path(self._sockets.name)
        for place in self._places:
            self._tasks.append(asyncio.create_task(self._supervise(place, sockets)))
        for place in self._places:
            await place.settled.wait()
        failures = [f"media worker {place.settings.index}: {place.failure}" for place in self._places if place.failure]
        if failures:
            await self.stop()
            raise MediaError("; ".join(failures))
        self._spares.start(sockets)
        self.capacity = self._places[0].process.capacity

    async def stop(self) -> None:
        """Stop all workers; recordings are closed first."""
        self._stopping = True
        for place in self._places:
            place.ready.clear()
        await asyncio.gather(self._spares.stop(), *(place.process.stop() for place in self._places))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._sockets is not None:
            self._sockets.cleanup()

    def process_ids(self) -> list[int]:
        """The operating system's ids of the running workers."""
        return [pid for place in self._places if (pid := place.process.pid) is not None]

    def _place_of(self, conference_id: str) -> _Place:
        for place in self._places:
            if conference_id in place.conferences:
                return place
        return min(self._places, key=lambda place: (len(place.conferences), place.settings.index))

    async def _supervise(self, place: _Place, sockets: Path) -> None:
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            reason = "ended"
            try:
                await self._run_once(place, sockets)
            except (OSError, LinkError, TimeoutError) as error:
                reason = str(error) or type(error).__name__
            place.ready.clear()
            if self._stopping:
                return
            logger.error("media worker %d: %s", place.settings.index, reason)
            await place.process.kill()
            if not place.settled.is_set():
                # A server that cannot have its workers does not start at all: the administrator is looking on.
                place.failure = reason
                place.settled.set()
                return
            self.restarts += 1
            logger.error("media worker %d is gone; starting its successor", place.settings.index)
            place.gone_at = loop.time()
            place.quick_ends = place.quick_ends + 1 if loop.time() - started < STABLE_AFTER else 0
            if place.quick_ends > 1:
                await asyncio.sleep(RESTART_PAUSE)
            place.generation += 1
            place.process = WorkerProcess(place.settings, place.generation)

    async def _run_once(self, place: _Place, sockets: Path) -> None:
        """Start one process, feed it the desired state, and serve its link until it ends."""
        await place.process.start(sockets, await self._spares.take() if place.generation else None)
        feeding = asyncio.create_task(self._feed(place))
        try:
            async for fact in place.process.reports():
                if isinstance(fact, NumbersReached):
                    self._continuity.reached(fact, place.worker)
                    continue
                if isinstance(fact, LegConnected) and fact.conference in place.conferences:
                    self._continuity.connected(fact, place.conferences[fact.conference], place.worker)
                self._tell(fact)
        finally:
            feeding.cancel()
            place.process.drop_link()
            await asyncio.gather(feeding, return_exceptions=True)

    async def _feed(self, place: _Place) -> None:
        """Give a fresh worker all that its predecessor knew, then let new commands through."""
        conference_ids = list(place.conferences)
        for conference_id in conference_ids:
            await self._feed_conference(place, conference_id)
        place.ready.set()
        place.settled.set()
        if place.generation > 0:
            self._spares.calls_are_back()
            took = (asyncio.get_running_loop().time() - place.gone_at) * 1000
            logger.info(
                "media worker %d: the successor has %d conferences after %.0f ms",
                place.settings.index,
                len(conference_ids),
                took,
            )
            for listener in self._restart_listeners:
                _call(listener, [each for each in conference_ids if each in place.conferences])

    async def _feed_conference(self, place: _Place, conference_id: str) -> None:
        spec = place.conferences.get(conference_id)
        if spec is None:  # ended since
            return
        try:
            done = await place.process.command(self._description(place, spec))
        except TimeoutError:
            # The others must not wait for it: what is applied next tells this one's state anew.
            logger.error("media worker %d, conference %s: no answer", place.settings.index, conference_id)
            return
        if conference_id not in place.conferences:
            with contextlib.suppress(TimeoutError):
                await place.process.command(Remove(request=0, conference=conference_id))
            return
        if done.error:
            logger.error("media worker %d, conference %s: %s", place.settings.index, conference_id, done.error)
        for leg, reason in done.legs.items():
            # Nobody waits for this answer, so whoever owns the call learns of it as of any later failure.
            self._tell(LegFailed(conference=conference_id, leg=leg, reason=reason))

    def _forget_legs(self) -> None:
        """Only what still has legs is remembered."""
        specs = (spec for place in self._places for spec in place.conferences.values())
        self._continuity.keep({leg.id for spec in specs for leg in spec.legs})

    def _tell(self, fact: Fact) -> None:
        for listener in self._fact_listeners:
            _call(listener, fact)


def _call(listener: Callable[[_Told], None], told: _Told) -> None:
    """One listener's fault must neither cost the others their fact nor the worker its link."""
    try:
        listener(told)
    except Exception:
        logger.exception("a listener failed on %s", type(told).__name__)
