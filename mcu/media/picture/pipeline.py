"""The picture of one conference: from received access units to coded composites.

Each source, canvas and rung has a thread of its own; they meet in slots that hold the newest picture. The heavy work
(decoding, scaling, copying, encoding) is done in libraries without the interpreter's lock.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from mcu.media.picture.artist import Artist
from mcu.media.picture.canvas_worker import CanvasWorker, Scene
from mcu.media.picture.changes import SceneChanges
from mcu.media.picture.frame_clock import phase
from mcu.media.picture.planes import Size
from mcu.media.picture.rung_encoder import RungEncoder
from mcu.media.picture.scenes import Scenes
from mcu.media.picture.source import PictureSourceWorker, SourcePicture
from mcu.media.picture.spare_encoders import SpareEncoders
from mcu.media.picture.state import (
    COMMON_VIEW,
    CanvasFormat,
    PictureSource,
    PictureState,
    PictureStatistics,
    Rung,
    View,
)
from mcu.media.picture.tiles import GONE_AFTER
from mcu.media.thread_priority import step_back
from mcu.media.units import CodedPicture

__all__ = ["PicturePipeline", "PictureSource", "PictureState", "PictureStatistics", "Rung"]

logger = logging.getLogger(__name__)

# How long stop() waits for each thread; the longest step of any is the encoding of one picture.
_STOP_SECONDS = 2.0

# A source that sends has sent within this many seconds, whatever its frame rate.
_SENDS_WITHIN = 0.5


class Worker(Protocol):
    """A thread of the pipeline. ``stop`` asks it to end, ``join`` waits for that."""

    @property
    def alive(self) -> bool: ...

    def stop(self) -> None: ...

    def join(self, timeout: float) -> None: ...


class PicturePipeline:
    """Makes a ``PictureState`` so. All methods may be called from any thread, and none waits for pictures but ``stop``.

    ``on_coded`` and ``on_key_frame_wanted`` are called from the pipeline's threads. Raises OSError when the font cannot
    be read.
    """

    def __init__(
        self,
        conference_id: str,
        font_file: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        on_coded: Callable[[Rung, CodedPicture], None],
        on_key_frame_wanted: Callable[[str], None],
        on_leads: Callable[[Mapping[View, str]], None] = lambda leads: None,
    ) -> None:
        """``on_leads`` tells, by view, who has got the large tile for its voice."""
        self._conference_id = conference_id
        self._font_file = font_file
        self._clock = clock
        self._on_coded = on_coded
        self._on_key_frame_wanted = on_key_frame_wanted
        self._on_leads = on_leads
        self._leads: Mapping[View, str] = {}
        Artist(font_file)
        self._lock = threading.Lock()
        self._wake = threading.Condition(self._lock)
        self._running = False
        self._state = PictureState()
        self._scenes = Scenes(conference_id, self._sends)
        self._changes = SceneChanges()
        self._expected: list[tuple[str, Size]] = []
        self._scenes_due: float | None = None
        self._look_at: float | None = None
        self._directing: threading.Thread | None = None
        self._heard: dict[str, float] = {}
        self._hides_silent = False
        self._sources: dict[str, PictureSourceWorker] = {}
        self._canvases: dict[CanvasFormat, CanvasWorker] = {}
        self._canvases_made = 0
        self._encoders: dict[Rung, RungEncoder] = {}
        self._spare: SpareEncoders[RungEncoder] = SpareEncoders()
        self._leaving: list[Worker] = []
        self._dropped_before = 0
        self._measured_at = clock()
        self._measured: dict[object, int] = {}

    def start(self) -> None:
        with self._lock:
            self._running = True
            self._make_so()
            self._directing = threading.Thread(target=self._direct, name="picture-scenes", daemon=True)
            self._directing.start()

    def stop(self) -> None:
        """End all threads; no callback comes after this returns."""
        with self._lock:
            self._running = False
            self._make_so()
            leaving = list(self._leaving)
        if self._directing is not None:
            self._directing.join(_STOP_SECONDS)
        for worker in leaving:
            worker.join(_STOP_SECONDS)
            if worker.alive:
                logger.error("conference %s: a thread of the picture does not end", self._conference_id)

    def apply(self, state: PictureState) -> None:
        """Change to ``state``; what is equal to before goes on undisturbed."""
        with self._lock:
            self._state = state
            self._make_so()

    def push(self, source_id: str, unit: CodedPicture) -> None:
        """Take in a received unit; units for unknown or unseen sources are ignored."""
        worker = self._sources.get(source_id)
        if worker is None:
            return
        before = self._heard.get(source_id, float("-inf"))
        self._heard[source_id] = now = self._clock()
        worker.push(unit)
        if self._hides_silent and now - before >= GONE_AFTER:
            with self._lock:
                self._set_scenes()

    def request_key_frame(self, rung: Rung, newcomer: bool = False) -> None:
        """A receiver of ``rung`` cannot decode, perhaps because it has only just come; requests are merged."""
        encoder = self._encoders.get(rung)
        if encoder is not None:
            encoder.request_key_frame(newcomer)

    def speaker(self, source_id: str | None) -> None:
        """Who speaks now: gets a frame, and a tile as the rules of seating say."""
        with self._lock:
            self._scenes.speaks(source_id, self._clock())
            self._set_scenes()

    def latency(self, source_id: str) -> float | None:
        """Seconds from a source's unit to its picture on the canvases, smoothed; None while it is not decoded."""
        worker = self._sources.get(source_id)
        return worker.latency if worker is not None and worker.newest is not None else None

    def largest_tile(self, source_id: str) -> tuple[int, int] | None:
        """Width and height of the largest tile that a source is shown in; None while it is shown in none."""
        worker = self._sources.get(source_id)
        return None if worker is None else worker.largest

    def statistics(self) -> PictureStatistics:
        with self._lock:
            now = self._clock()
            for spare in self._spare.give_up(now):
                self._retire(spare)
            seconds = max(now - self._measured_at, 1e-3)
            counts: dict[object, int] = {worker: worker.decoded for worker in self._sources.values()}
            counts |= {canvas: canvas.composed for canvas in self._canvases.values()}
            rates = {key: (count - self._measured.get(key, 0)) / seconds for key, count in counts.items()}
            self._measured, self._measured_at = counts, now
            largest = max(self._canvases.values(), key=lambda canvas: canvas.format.width, default=None)
            return PictureStatistics(
                composite_fps=rates[largest] if largest else 0.0,
                dropped=self._dropped_before + self._dropped_now(),
                encoders=len(self._encoders),
                decode_fps={source_id: rates[worker] for source_id, worker in self._sources.items()},
            )

    def canvases(self) -> dict[CanvasFormat, tuple[int, int]]:
        """For each canvas the pictures made so far, and those that were due and are not there."""
        with self._lock:
            missed = {form: canvas.missed for form, canvas in self._canvases.items()}
            for rung, encoder in self._encoders.items():
                if rung.canvas in missed:
                    missed[rung.canvas] += encoder.dropped
            return {form: (canvas.composed, missed[form]) for form, canvas in self._canvases.items()}

    def pace(self, form: CanvasFormat, divisor: int) -> None:
        """Make one of so many pictures of a canvas only, until told otherwise."""
        with self._lock:
            canvas = self._canvases.get(form)
            if canvas is not None:
                canvas.divisor = divisor

    def _dropped_now(self) -> int:
        missed = sum(canvas.missed for canvas in self._canvases.values())
        return missed + sum(encoder.dropped for encoder in self._encoders.values())

    def _direct(self) -> None:
        """On a thread of its own: scenes change when a round is due, and when the pictures for a change are there."""
        step_back()
        with self._lock:
            while self._running:
                now = self._clock()
                due = min((one for one in (self._scenes_due, self._look_at) if one is not None), default=None)
                if due is None or now < due:
                    self._wake.wait(None if due is None else due - now)
                    continue
                try:
                    if self._scenes_due is not None and now >= self._scenes_due:
                        self._set_scenes()
                    else:
                        self._proceed(now)
                except Exception:
                    logger.exception("conference %s: scenes stay as they are", self._conference_id)
                    self._scenes_due, self._look_at = now + 1.0, None

    # The rest is called with the lock held.

    def _make_so(self) -> None:
        state = self._state if self._running else PictureState()
        self._scenes.apply(state)
        self._set_sources(state)
        self._set_encoders(state)
        self._set_scenes()

    def _retire(self, worker: Worker) -> None:
        """Let a thread end in its own time; ``stop`` waits for those that have not."""
        worker.stop()
        self._leaving = [other for other in self._leaving if other.alive] + [worker]

    def _set_sources(self, state: PictureState) -> None:
        content = () if state.content is None else (state.content,)
        wanted = {source.id: source.codec for source in (*state.sources, *content) if source.codec is not None}
        for source_id, worker in list(self._sources.items()):
            if wanted.get(source_id) != worker.codec:
                self._retire(self._sources.pop(source_id))
                self._heard.pop(source_id, None)
        for source_id, codec in wanted.items():
            if source_id not in self._sources:
                worker = PictureSourceWorker(source_id, codec, self._clock, self._on_key_frame_wanted)
                self._sources[source_id] = worker
                worker.start()

    def _set_encoders(self, state: PictureState) -> None:
        now = self._clock()
        for rung in self._encoders.keys() - state.rungs:
            encoder = self._encoders.pop(rung)
            self._dropped_before += encoder.dropped
            self._spare.put(rung, encoder, now)
        for rung in state.rungs - self._encoders.keys():
            spare = self._spare.take(rung)
            if spare is not None:
                self._dropped_before -= spare.dropped
                spare.restart()
                self._encoders[rung] = spare
            else:
                self._encoders[rung] = RungEncoder(rung, state.key_interval, self._on_coded)
                self._encoders[rung].start()
        for encoder in self._spare.give_up(now) if self._running else self._spare.give_up_all():
            self._retire(encoder)
        for encoder in self._encoders.values():
            encoder.set_key_interval(state.key_interval)

    def _set_scenes(self) -> None:
        """Canvases for the rungs there are, and who is to sit where in each."""
        now = self._clock()
        formats = {rung.canvas for rung in self._encoders}
        for form in self._canvases.keys() - formats:
            canvas = self._canvases.pop(form)
            self._retire(canvas)
            self._dropped_before += canvas.missed
        self._scenes.keep({form.view for form in formats})
        # The picture that all see comes first: new views begin in its order.
        ordered = sorted(formats, key=lambda form: form.view != COMMON_VIEW)
        self._changes.want({form: self._scenes.scene(form, now) for form in ordered}, now)
        leads = self._scenes.leads()
        if leads != self._leads:
            self._leads = leads
            self._on_leads(leads)
        self._expected = [picture for form in ordered for picture in self._scenes.expected(form, now)]
        self._hides_silent = self._scenes.hides_silent()
        deadlines = [self._scenes.next_deadline(now)]
        if self._hides_silent:
            deadlines += [heard + GONE_AFTER for heard in self._heard.values() if heard + GONE_AFTER > now]
        self._scenes_due = min((one for one in deadlines if one is not None), default=None)
        self._proceed(now)

    def _proceed(self, now: float) -> None:
        """Let canvases go on to the scenes whose pictures are there; sources are told the sizes they are wanted in."""
        shown = self._changes.proceed(lambda source_id, size: self._awaited(source_id, size, now), now)
        for form, scene in shown.items():
            self._set_canvas(form, scene)
        sizes: dict[str, set[Size]] = {}
        for source_id, size in (*self._changes.pictures(now), *self._expected):
            sizes.setdefault(source_id, set()).add(size)
        for source_id, worker in self._sources.items():
            slides = self._state.content is not None and source_id == self._state.content.id
            crop = self._state.decoration.fill == "crop" and not slides  # slides are always shown whole
            worker.show(frozenset(sizes.get(source_id, ())), crop)
        self._look_at = self._changes.next_deadline(now)
        self._wake.notify()

    def _set_canvas(self, form: CanvasFormat, scene: Scene) -> None:
        encoders = tuple(encoder for rung, encoder in self._encoders.items() if rung.canvas == form)
        canvas = self._canvases.get(form)
        if canvas is not None:
            canvas.scene, canvas.encoders = scene, encoders
            return
        delay = phase(self._canvases_made, form.frame_rate)
        self._canvases_made += 1
        canvas = CanvasWorker(form, Artist(self._font_file), scene, self._newest, self._clock, delay=delay)
        canvas.encoders = encoders
        self._canvases[form] = canvas
        canvas.start()

    def _awaited(self, source_id: str, size: Size, now: float) -> bool:
        """Whether a picture of this size will come soon: the source is decoded, or about to be."""
        worker = self._sources.get(source_id)
        if worker is None:
            return False
        if worker.newest is not None:
            return size not in worker.newest.scaled
        return now - self._heard.get(source_id, float("-inf")) < _SENDS_WITHIN

    def _sends(self, source_id: str) -> bool:
        return self._clock() - self._heard.get(source_id, float("-inf")) < GONE_AFTER

    def _newest(self, source_id: str) -> SourcePicture | None:
        worker = self._sources.get(source_id)
        return worker.newest if worker is not None else None
