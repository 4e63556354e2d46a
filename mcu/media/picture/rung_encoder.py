"""One rung at work: a thread that encodes the newest canvas picture for all receivers of the rung."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import av

from mcu.media.codec.video_encoder import EncoderError, VideoEncoder
from mcu.media.picture.key_frames import KeyFrameGate
from mcu.media.picture.planes import Planes
from mcu.media.picture.state import Rung
from mcu.media.thread_priority import step_back
from mcu.media.units import CodedPicture

logger = logging.getLogger(__name__)

# An encoder that failed is opened again after so many seconds.
RETRY_SECONDS = 5.0

# How far one picture moves the measured time of encoding: it follows within a second, and not the odd key frame.
_GAIN = 1 / 8


GiveBack = Callable[[av.VideoFrame], None]


class RungEncoder:
    """Encodes for one rung. ``on_coded`` is called from its own thread, or from that of ``encode_here``.

    The canvas lends a frame, or copies its picture into one of two: while one is being encoded the other waits. A
    picture that still waits when the next one comes is replaced and counted in ``dropped``.
    """

    def __init__(
        self,
        rung: Rung,
        key_interval: float | None,
        on_coded: Callable[[Rung, CodedPicture], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.rung = rung
        self.dropped = 0
        self.encoded = 0
        self.seconds = float("inf")
        """How long a picture takes, smoothed; no end before the first one."""
        self._on_coded = on_coded
        self._clock = clock
        self._busy = threading.Lock()
        """Held by whichever thread encodes."""
        self._keys = KeyFrameGate(key_interval)
        self._wake = threading.Condition()
        canvas = rung.canvas
        self._free = [av.VideoFrame(canvas.width, canvas.height, "yuv420p") for _ in range(2)]
        self._waiting: tuple[av.VideoFrame, float, GiveBack] | None = None
        self._stopped = False
        self._encoder: VideoEncoder | None = None
        self._retry_at = float("-inf")
        self._thread = threading.Thread(target=self._run, name=f"encode-{rung.height}-{rung.codec}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; does not wait for it."""
        with self._wake:
            self._stopped = True
            self._wake.notify()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def join(self, timeout: float) -> None:
        self._thread.join(timeout)

    def request_key_frame(self, newcomer: bool = False) -> None:
        self._keys.request(newcomer)

    def restart(self) -> None:
        """Pictures come again after a pause, for receivers that have none of those before."""
        self._keys.restart()

    def set_key_interval(self, seconds: float | None) -> None:
        self._keys.interval = seconds

    def key_frame_due(self, time: float) -> bool:
        """Would a picture of instant ``time`` become a key frame?"""
        return self._keys.due(time)

    def submit(self, picture: Planes, time: float) -> None:
        """Take a copy of the canvas of instant ``time`` to encode it as soon as may be."""
        with self._wake:
            self._drop_waiting()
            frame = self._free.pop()
            Planes.of(frame).paste(picture)
            self._waiting = frame, time, self._free.append
            self._wake.notify()

    def borrow(self, frame: av.VideoFrame, time: float, give_back: GiveBack) -> None:
        """As ``submit``, without a copy: nobody writes into ``frame`` until it is given back, on any thread."""
        with self._wake:
            self._drop_waiting()
            self._waiting = frame, time, give_back
            self._wake.notify()

    def encode_here(self, frame: av.VideoFrame, time: float) -> bool:
        """Encode on the calling thread, at once; False when the encoder is busy: the picture has to be handed over.

        To wake another thread costs as much as a small tile, and what it then reads is no longer in its cache.
        """
        if not self._busy.acquire(blocking=False):
            return False
        try:
            with self._wake:
                if self._waiting is not None or self._stopped:
                    return False
            unit = self._encode(frame, time)
        finally:
            self._busy.release()
        self._tell(unit)
        return True

    def _drop_waiting(self) -> None:
        if self._waiting is not None:
            frame, _, give_back = self._waiting
            give_back(frame)
            self.dropped += 1

    def _run(self) -> None:
        step_back()
        while True:
            with self._wake:
                while self._waiting is None and not self._stopped:
                    self._wake.wait()
                if self._stopped:
                    if self._waiting is not None:
                        frame, _, give_back = self._waiting
                        give_back(frame)
                    return
            try:
                self.encode_waiting()
            except Exception:
                logger.exception("a coded picture was lost on its way out")

    def encode_waiting(self) -> None:
        """Encode the picture that waits, if there is one."""
        with self._busy:
            with self._wake:
                if self._waiting is None:
                    return
                (frame, time, give_back), self._waiting = self._waiting, None
            try:
                unit = self._encode(frame, time)
            finally:
                with self._wake:
                    give_back(frame)
        self._tell(unit)

    def _tell(self, unit: CodedPicture | None) -> None:
        if unit is not None and not self._stopped:
            self._on_coded(self.rung, unit)

    def _encode(self, frame: av.VideoFrame, time: float) -> CodedPicture | None:
        if self._encoder is None and time < self._retry_at:
            return None
        try:
            if self._encoder is None:
                self._encoder = VideoEncoder(self.rung)
                self._keys.request()
            began = self._clock()
            unit = self._encoder.encode(frame, time, self._keys.due(time))
            took = self._clock() - began
            self.seconds = took if self.encoded == 0 else self.seconds + (took - self.seconds) * _GAIN
        except EncoderError as error:
            logger.error("%s; trying again in %.0f s", error, RETRY_SECONDS)
            self._encoder, self._retry_at = None, time + RETRY_SECONDS
            return None
        self.encoded += 1
        if unit is not None and unit.keyframe:
            self._keys.made(time)
        return unit
