"""A picture pipeline with its threads, and all that comes out of it. Tests wait for what comes, never for time."""

from __future__ import annotations

import queue
import time

from layouts.geometry import Rect
from mcu.media.codec.colour_matrix import usual_matrix
from mcu.media.codec.video_decoder import VideoDecoder
from mcu.media.picture.pipeline import PicturePipeline, PictureSource, PictureState, Rung
from mcu.media.picture.planes import Planes
from mcu.media.picture.scaler import Scaler
from mcu.media.units import CodedPicture
from tests.media.picture.material import FONT, difference

RUNG = Rung(320, 180, 30, 1_000_000)
SMALL = Rung(160, 90, 15, 200_000, "VP8")
PATIENCE = 10.0

# On its way a picture changes its colour matrix up to three times, losing a step or two each time.
ROUNDING = 9


class Room:
    """A pipeline and all that comes out of it."""

    def __init__(self) -> None:
        self.coded: dict[Rung, queue.Queue[CodedPicture]] = {RUNG: queue.Queue(), SMALL: queue.Queue()}
        self.wanted: queue.Queue[str] = queue.Queue()
        self._decoders = {rung: VideoDecoder(rung.codec) for rung in self.coded}
        self.pipeline = PicturePipeline(
            "conference", FONT, on_coded=lambda r, u: self.coded[r].put(u), on_key_frame_wanted=self.wanted.put
        )
        self._scaler = Scaler()

    def add(self, rung: Rung) -> None:
        """One more rung whose pictures are wanted."""
        self.coded[rung] = queue.Queue()
        self._decoders[rung] = VideoDecoder(rung.codec)

    def apply(self, *sources: PictureSource, rungs: frozenset[Rung] = frozenset({RUNG}), layout: str = "auto") -> None:
        self.pipeline.apply(PictureState(layout, sources, rungs))

    def next_unit(self, rung: Rung = RUNG) -> CodedPicture:
        return self.coded[rung].get(timeout=PATIENCE)

    def decoded(self, unit: CodedPicture, rung: Rung) -> Planes | None:
        """The picture of a unit of ``rung``; None where it cannot be decoded yet."""
        frame = self._decoders[rung].decode(unit.data)
        if frame is None:
            return None
        picture = self._scaler.scale(frame, (rung.width, rung.height), usual_matrix(rung.codec, rung.height))
        assert picture is not None
        return picture

    def until(self, wanted: Planes, tile: Rect, rung: Rung = RUNG) -> Planes:
        """The first composite whose tile looks like ``wanted``, leaving out the corner of the label."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            picture = self.decoded(self.next_unit(rung), rung)
            if picture is None:
                continue
            top = Rect(0, 0, tile.width, tile.height // 4 * 2)
            if difference(picture.window(tile).window(top), wanted.window(top)) < ROUNDING:
                return picture
        raise AssertionError("the picture never came")
