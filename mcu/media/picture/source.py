"""One participant's picture: a thread that decodes what comes in and scales it to the tiles it is shown in.

Between this thread and the canvases there is one slot that always holds the newest picture. Nothing waits in it: a
canvas takes what is there, and a picture that no canvas took in time is replaced.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import av

from layouts.geometry import Cover, Rect, cover, fit
from mcu.media.codec.video_decoder import VideoDecoder
from mcu.media.picture.planes import Planes, Size, same_picture
from mcu.media.picture.scaler import Scaler, scale_all
from mcu.media.picture.state import VideoCodec
from mcu.media.thread_priority import step_back
from mcu.media.units import CodedPicture

logger = logging.getLogger(__name__)

# Whoever is further behind, in seconds, will not catch up by decoding what is old.
QUEUE_SECONDS = 0.5
# What a network has held up comes at once, and is worth decoding: two seconds of pictures at 60 per second.
QUEUE_LIMIT = 128

# How far one picture moves the measured latency: it follows within two seconds, and not the odd key frame.
_LATENCY_GAIN = 1 / 32

# A coded picture that changes nothing is this small at most, in bytes: slides that stand still are sent so, 30 times a
# second. Larger ones are not worth a look whether they changed anything.
NOTHING_NEW = 400

# Which part of a tile a picture fills is reckoned in fractions, which takes time; so many answers are remembered.
_KEPT_TARGETS = 512

# A key frame is asked for no more often than this while the stream needs one; the packet layer has limits of its own.
ASK_INTERVAL = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class SourcePicture:
    """The newest picture of a source. ``scaled`` maps the size of a tile to the picture that fits it or fills it.

    ``serial`` grows with every picture; ``arrived`` is in seconds on the monotonic clock.
    """

    serial: int
    arrived: float
    scaled: Mapping[Size, Planes]


class PictureSourceWorker:
    """Decodes one stream. ``push`` may be called from any thread and returns at once; ``newest`` is the slot.

    ``on_key_frame_wanted`` is called from the worker's own thread.
    """

    def __init__(
        self, source_id: str, codec: VideoCodec, clock: Callable[[], float], on_key_frame_wanted: Callable[[str], None]
    ) -> None:
        self.id = source_id
        self.codec = codec
        self.newest: SourcePicture | None = None
        self.decoded = 0
        """Pictures decoded since the start."""
        self.dropped = 0
        """Units thrown away unread because decoding was too slow."""
        self.latency = 0.0
        """Seconds from a picture's ``time`` until it is there for the canvases, smoothed."""
        self._clock = clock
        self._on_key_frame_wanted = on_key_frame_wanted
        self._asked = float("-inf")
        self._wake = threading.Condition()
        # All below up to the decoder is guarded by the condition.
        self._units: deque[CodedPicture] = deque()
        self._sizes: frozenset[Size] = frozenset()
        self._crop = False
        self._gap = False
        self._stopped = False
        # From here on it belongs to the worker's thread.
        self._decoder = VideoDecoder(codec)
        self._shown: frozenset[Size] = frozenset()
        self._scalers: dict[Size, Scaler] = {}
        self._cropping = False
        self._frame: av.VideoFrame | None = None
        self._changed = False
        self._arrived = 0.0
        self._serial = 0
        self._thread = threading.Thread(target=self._run, name=f"picture-{source_id}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; does not wait for it."""
        with self._wake:
            self._stopped = True
            self._units.clear()
            self._wake.notify()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def join(self, timeout: float) -> None:
        self._thread.join(timeout)

    def show(self, sizes: frozenset[Size], crop: bool = False) -> None:
        """The tiles the picture is wanted for, to fit into them or with ``crop`` to fill them.

        With none, nothing is decoded until there are some again.
        """
        with self._wake:
            if sizes == self._sizes and crop == self._crop:
                return
            self._crop = crop
            if not sizes:
                self._units.clear()
                self._gap = True
            self._sizes = sizes
            self._wake.notify()

    @property
    def largest(self) -> Size | None:
        """The largest tile that the picture is wanted for; None while it is wanted for none."""
        return max(self._sizes, key=lambda size: size[0] * size[1], default=None)

    def push(self, unit: CodedPicture) -> None:
        """Take in the next unit of the stream, in order."""
        with self._wake:
            if not self._sizes or self._stopped:
                return
            units = self._units
            if units and (len(units) >= QUEUE_LIMIT or self._clock() - units[0].time > QUEUE_SECONDS):
                self.dropped += len(self._units)
                self._units.clear()
                self._gap = True
            self._units.append(unit)
            self._wake.notify()

    def _run(self) -> None:
        step_back()
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._stopped or self._has_work())
                if self._stopped:
                    return
            try:
                self.work()
            except Exception:
                # Whatever this one stream does to its decoder, the others and the thread go on.
                logger.exception("source %s: picture lost", self.id)
                self._decoder = VideoDecoder(self.codec)

    def _has_work(self) -> bool:
        return bool(self._units) or self._gap or self._sizes != self._shown or self._crop != self._cropping

    def work(self) -> None:
        """Decode all that has come in and put the last picture into the slot. Called by the worker's thread."""
        with self._wake:
            units, sizes, crop, gap = list(self._units), self._sizes, self._crop, self._gap
            self._units.clear()
            self._gap = False
        if gap:
            self._decoder.missed()
        fresh = False
        for unit in units:
            fresh = self._decode(unit) or fresh
        resized = sizes != self._shown or crop != self._cropping
        if resized:
            self._shown, self._cropping = sizes, crop
            if not sizes:
                self._frame = self.newest = None
        if resized or (fresh and self._changed):
            self._publish()
        elif fresh and self.newest is not None:
            # Canvases know by the planes that there is nothing to paint, and by the time that the source lives.
            self.newest = SourcePicture(self._serial, self._arrived, self.newest.scaled)
        if fresh:
            self.latency += (self._clock() - self._arrived - self.latency) * _LATENCY_GAIN
        if sizes and self._decoder.key_frame_wanted:
            self._ask()

    def _decode(self, unit: CodedPicture) -> bool:
        if unit.codec is not None and unit.codec != self._decoder.codec:
            # A room may change among the codecs agreed on whenever it likes.
            self._decoder = VideoDecoder(unit.codec)
        frame = self._decoder.decode(unit.data, unit.damaged)
        if frame is None:
            return False
        self.decoded += 1
        before = self._frame
        if before is None or len(unit.data) > NOTHING_NEW or not same_picture(before, frame):
            self._changed = True
        self._frame, self._arrived = frame, unit.time
        self._serial += 1
        return True

    def _publish(self) -> None:
        frame = self._frame
        if frame is None:
            return
        width, height = float(frame.width * self._decoder.pixel_aspect), frame.height
        targets = {size: _target(width, height, size, self._cropping) for size in self._shown}
        # Tiles of different size may well have pictures of the same.
        wanted = {(target.width, target.height) for target in targets.values()}
        self._scalers = {size: self._scalers.get(size) or Scaler() for size in wanted}
        made = scale_all(self._scalers, frame, self._decoder.matrix_of(frame))
        scaled = {
            size: made[target.width, target.height].window(target.part)
            for size, target in targets.items()
            if (target.width, target.height) in made
        }
        if scaled:
            self.newest = SourcePicture(self._serial, self._arrived, scaled)
            self._changed = False

    def _ask(self) -> None:
        now = self._clock()
        if now - self._asked >= ASK_INTERVAL:
            self._asked = now
            self._on_key_frame_wanted(self.id)


@lru_cache(maxsize=_KEPT_TARGETS)
def _target(width: float, height: int, size: Size, crop: bool) -> Cover:
    tile = Rect(0, 0, *size)
    if crop:
        return cover(width, height, tile)
    fitted = fit(width, height, tile)
    return Cover(*fitted.size, Rect(0, 0, *fitted.size))
