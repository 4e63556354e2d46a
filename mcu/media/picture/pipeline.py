"""The picture of one conference: from received access units to coded composites.

Each source, canvas and rung has a thread of its own; they meet in slots that hold the newest picture. The heavy work
(decoding, scaling, copying, encoding) is done in libraries without the interpreter's lock.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from layouts.automatic import AUTOMATIC, layout_named
from layouts.catalogue import Layout, grid
from layouts.seats import seats
from layouts.sharing import beside_content
from mcu.media.picture.artist import Artist
from mcu.media.picture.canvas_worker import CanvasWorker, Scene, decorated
from mcu.media.picture.planes import Size
from mcu.media.picture.rung_encoder import RungEncoder
from mcu.media.picture.source import PictureSourceWorker, SourcePicture
from mcu.media.picture.state import (
    COMMON_VIEW,
    CanvasFormat,
    ContentPlace,
    PictureSource,
    PictureState,
    PictureStatistics,
    Rung,
)
from mcu.media.units import CodedPicture

__all__ = ["PicturePipeline", "PictureSource", "PictureState", "PictureStatistics", "Rung"]

logger = logging.getLogger(__name__)

# How long stop() waits for each thread; the longest step of any is the encoding of one picture.
_STOP_SECONDS = 2.0


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
    ) -> None:
        self._conference_id = conference_id
        self._font_file = font_file
        self._clock = clock
        self._on_coded = on_coded
        self._on_key_frame_wanted = on_key_frame_wanted
        Artist(font_file)
        self._lock = threading.Lock()
        self._running = False
        self._state = PictureState()
        self._speaker: str | None = None
        self._promoted: str | None = None
        self._sources: dict[str, PictureSourceWorker] = {}
        self._canvases: dict[CanvasFormat, CanvasWorker] = {}
        self._encoders: dict[Rung, RungEncoder] = {}
        self._leaving: list[Worker] = []
        self._dropped_before = 0
        self._measured_at = clock()
        self._measured: dict[object, int] = {}

    def start(self) -> None:
        with self._lock:
            self._running = True
            self._make_so()

    def stop(self) -> None:
        """End all threads; no callback comes after this returns."""
        with self._lock:
            self._running = False
            self._make_so()
            leaving = list(self._leaving)
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
        if worker is not None:
            worker.push(unit)

    def request_key_frame(self, rung: Rung) -> None:
        """A receiver of ``rung`` cannot decode; requests are merged."""
        encoder = self._encoders.get(rung)
        if encoder is not None:
            encoder.request_key_frame()

    def speaker(self, source_id: str | None) -> None:
        """Who speaks now: gets a frame, and a tile where there are fewer tiles than people."""
        with self._lock:
            self._speaker = source_id
            self._promoted = source_id or self._promoted
            self._set_scenes()

    def latency(self, source_id: str) -> float | None:
        """Seconds from a source's unit to its picture on the canvases, smoothed; None while it is not decoded."""
        worker = self._sources.get(source_id)
        return worker.latency if worker is not None and worker.newest is not None else None

    def statistics(self) -> PictureStatistics:
        with self._lock:
            now = self._clock()
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

    def _dropped_now(self) -> int:
        missed = sum(canvas.missed for canvas in self._canvases.values())
        return missed + sum(encoder.dropped for encoder in self._encoders.values())

    # The rest is called with the lock held.

    def _make_so(self) -> None:
        state = self._state if self._running else PictureState()
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
        for source_id, codec in wanted.items():
            if source_id not in self._sources:
                worker = PictureSourceWorker(source_id, codec, self._clock, self._on_key_frame_wanted)
                self._sources[source_id] = worker
                worker.start()

    def _set_encoders(self, state: PictureState) -> None:
        for rung in self._encoders.keys() - state.rungs:
            encoder = self._encoders.pop(rung)
            self._retire(encoder)
            self._dropped_before += encoder.dropped
        for rung in state.rungs - self._encoders.keys():
            self._encoders[rung] = RungEncoder(rung, state.key_interval, self._on_coded)
            self._encoders[rung].start()
        for encoder in self._encoders.values():
            encoder.set_key_interval(state.key_interval)

    def _set_scenes(self) -> None:
        """Canvases for the rungs there are, who sits where in each, and the sizes each source is wanted in."""
        formats = {rung.canvas for rung in self._encoders}
        for form in self._canvases.keys() - formats:
            canvas = self._canvases.pop(form)
            self._retire(canvas)
            self._dropped_before += canvas.missed
        sizes: dict[str, set[Size]] = {}
        for form in formats:
            scene = decorated(self._scene(form), self._state, form.view)
            for tile, source in zip(scene.tiles, scene.seats, strict=True):
                if source is not None and source.has_picture:
                    sizes.setdefault(source.id, set()).add(tile.size)
            self._set_canvas(form, scene)
        for source_id, worker in self._sources.items():
            slides = self._state.content is not None and source_id == self._state.content.id
            crop = self._state.decoration.fill == "crop" and not slides  # slides are always shown whole
            worker.show(frozenset(sizes.get(source_id, ())), crop)

    def _set_canvas(self, form: CanvasFormat, scene: Scene) -> None:
        encoders = tuple(encoder for rung, encoder in self._encoders.items() if rung.canvas == form)
        canvas = self._canvases.get(form)
        if canvas is not None:
            canvas.scene, canvas.encoders = scene, encoders
            return
        canvas = CanvasWorker(form, Artist(self._font_file), scene, self._newest, self._clock)
        canvas.encoders = encoders
        self._canvases[form] = canvas
        canvas.start()

    def _scene(self, form: CanvasFormat) -> Scene:
        if self._state.page is not None:
            return Scene((), (), page=self._state.page)
        people = {source.id: source for source in sorted(self._state.sources, key=lambda source: source.order)}
        view, notice, content = form.view, self._state.notices.get(form.view, ""), self._state.content
        if view.content is ContentPlace.ALONE:
            # Nothing is written over slides.
            alone = None if content is None else replace(content, name="")
            return Scene(grid(1).tiles(form.width, form.height), (alone,))
        shared = () if content is None or view.content is ContentPlace.OUTSIDE else (content,)
        chosen = replace(view, content=COMMON_VIEW.content)
        watched = people.get((chosen.watched if chosen != COMMON_VIEW else self._state.watched) or "")
        if watched is not None:
            layout = beside_content(1) if shared else grid(1)
            return Scene(layout.tiles(form.width, form.height), (*shared, watched), notice=notice)
        layout = beside_content(len(people)) if shared else self._layout(view.layout or self._state.layout, len(people))
        tiles = layout.tiles(form.width, form.height)
        seated = seats(len(tiles) - len(shared), tuple(people), self._promoted)
        seat = seated.index(self._speaker) if self._speaker in people and self._speaker in seated else None
        speaker = None if seat is None else seat + len(shared)
        faces = tuple(people[one] if one is not None else None for one in seated)
        return Scene(tiles, (*shared, *faces), speaker, notice)

    def _layout(self, name: str, count: int) -> Layout:
        try:
            return layout_named(name, count)
        except KeyError:
            logger.warning("conference %s: no layout %r; automatic instead", self._conference_id, name)
            return layout_named(AUTOMATIC, count)

    def _newest(self, source_id: str) -> SourcePicture | None:
        worker = self._sources.get(source_id)
        return worker.newest if worker is not None else None
