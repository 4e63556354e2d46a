"""One canvas at work: a thread that composes a picture at each tick of its clock and hands it to the encoders."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from layouts.geometry import Rect
from mcu.media.picture.artist import Artist
from mcu.media.picture.canvas import Canvas
from mcu.media.picture.decoration import Decorator
from mcu.media.picture.frame_clock import FrameClock
from mcu.media.picture.page import Page
from mcu.media.picture.rung_encoder import RungEncoder
from mcu.media.picture.source import SourcePicture
from mcu.media.picture.state import CanvasFormat, ContentPlace, PictureSource, PictureState, View
from mcu.media.picture.tiles import TileContents
from mcu.media.spec import DecorationSpec
from mcu.media.thread_priority import step_back

logger = logging.getLogger(__name__)

# A canvas that has not changed for so long has been refined by the encoders as far as it is worth.
SETTLED_AFTER = 1.0

# From then on it is sent so many times a second: enough to keep receivers and recordings going.
SETTLED_RATE = 5

# A picture that is encoded in less than this share of its time is encoded on the canvas's own thread: the rest is ample
# for composing the next one.
ENCODED_HERE = 0.5


@dataclass(frozen=True, slots=True)
class Scene:
    """Who is where: ``seats`` belong to ``tiles`` one for one. ``speaker`` is the index of the tile to frame.

    ``notice`` is a line of text over the first tile. ``page`` is shown instead of all that. ``decoration`` is drawn
    over all of it, with the sign of a recording when ``recorded``.
    """

    tiles: tuple[Rect, ...]
    seats: tuple[PictureSource | None, ...]
    speaker: int | None = None
    notice: str = ""
    page: Page | None = None
    decoration: DecorationSpec = field(default_factory=DecorationSpec)
    recorded: bool = False


def decorated(scene: Scene, state: PictureState, view: View) -> Scene:
    """``scene`` with the decoration that the conference wants in ``view``.

    Slides shown alone keep their corners and edges: of all decoration they get the watermark only. A page of text is
    for one caller and gets none.
    """
    if scene.page is not None:
        return scene
    decoration = state.decoration
    if view.content in (ContentPlace.ALONE, ContentPlace.SWAPPED):
        decoration = DecorationSpec(signs=False, watermark=decoration.watermark)
    return replace(scene, decoration=decoration, recorded=state.recorded)


class CanvasWorker:
    """Composes one canvas and feeds the encoders of its rungs.

    ``scene`` and ``encoders`` are replaced as a whole from other threads. ``newest`` looks up a source's picture.
    ``clock`` is monotonic, ``wall`` the time of day in seconds since 1970. The first picture is due after ``delay``.
    """

    def __init__(
        self,
        form: CanvasFormat,
        artist: Artist,
        scene: Scene,
        newest: Callable[[str], SourcePicture | None],
        clock: Callable[[], float],
        wall: Callable[[], float] = time.time,
        delay: float = 0.0,
    ) -> None:
        self.format = form
        self.scene = scene
        self.encoders: tuple[RungEncoder, ...] = ()
        self.composed = 0
        self.missed = 0
        self.divisor = 1
        """Of so many pictures one is made: what gives way when the machine is short of CPU."""
        self._due = 0
        self._canvas = Canvas(form.width, form.height, artist)
        self._decorator = Decorator(artist, (form.width, form.height), form.frame_rate, wall)
        self._contents = TileContents(newest)
        self._clock = clock
        self._frames = FrameClock(form.frame_rate, clock() + delay)
        self._changed_at = self._sent_at = float("-inf")
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"canvas-{form.height}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; does not wait for it."""
        self._stopped.set()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def join(self, timeout: float) -> None:
        self._thread.join(timeout)

    def _run(self) -> None:
        step_back()
        while not self._stopped.wait(max(0.0, self._frames.deadline - self._clock())):
            try:
                self.tick(self._clock())
            except Exception:
                logger.exception("canvas %s: picture lost", self.format)

    def tick(self, now: float) -> None:
        """Compose and hand over the picture that is due at ``now``, if one is."""
        tick = self._frames.tick(now)
        if tick is None:
            return
        skipped = self._due + tick.missed
        self.missed += skipped // self.divisor - self._due // self.divisor
        self._due = skipped + 1
        if self._due % self.divisor:
            return
        self.composed += 1
        if self._compose(now, tick.time):
            self._changed_at = tick.time
        # Half a picture's time of tolerance, so that rounding does not turn every fifth of a second into a little more.
        sent_lately = tick.time - self._sent_at < 1 / SETTLED_RATE - 0.5 / self.format.frame_rate
        sparing = sent_lately and tick.time - self._changed_at > SETTLED_AFTER
        self._hand_over([one for one in self.encoders if not sparing or one.key_frame_due(tick.time)], tick.time)
        if not sparing:
            self._sent_at = tick.time

    def _hand_over(self, encoders: Sequence[RungEncoder], time: float) -> None:
        """To the last one as it is, to the others as copies: an encoder writes its time into a frame."""
        for encoder in encoders[:-1]:
            encoder.submit(self._canvas.picture, time)
        for encoder in encoders[-1:]:
            if encoder.seconds < ENCODED_HERE / self.format.frame_rate and encoder.encode_here(
                self._canvas.frame, time
            ):
                return
            picture = self._canvas.picture
            frame = self._canvas.lend()
            if frame is None:
                encoder.submit(picture, time)
            else:
                encoder.borrow(frame, time, self._canvas.give_back)

    def _compose(self, now: float, instant: float) -> bool:
        """Paint what is to be seen at ``instant`` of the canvas's clock from what has come until ``now``."""
        scene = self.scene
        if scene.page is not None:
            return self._canvas.paint_page(scene.page)
        self._contents.next_round()
        crop = scene.decoration.fill == "crop"
        contents = [
            self._contents.of(source, tile.size, now, notice="" if index else scene.notice, crop=crop)
            for index, (tile, source) in enumerate(zip(scene.tiles, scene.seats, strict=True))
        ]
        decoration = self._decorator.decoration(scene.decoration, scene.recorded, instant)
        return self._canvas.paint(scene.tiles, contents, scene.speaker, decoration)
