"""Looks at and listens to what a simulated room receives: time codes, flashes and beeps, with the instants of each."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from bench.time_code import BEEP_FREQUENCY, Luma, flash_is_on, read_code
from layouts.automatic import layout_named
from mcu.media.codec.audio_decoder import SoundDecodeError, SoundDecoder, make_decoder
from mcu.media.sound.samples import RATE, mono
from mcu.media.spec import CodecSpec
from mcu.media.units import CodedPicture, CodedSound

# A beep is on where the tone's level within this window rises above a tenth of full scale.
_WINDOW = RATE // 1000 * 2
_THRESHOLD = 0.1


class PictureObserver:
    """Decodes on a thread of its own, as a room does. ``tile`` is the place of the observed participant.

    ``codes`` collects (number, instant at which the picture was decoded); ``flashes`` the RTP timestamps at which a
    flash begins, together with the arrival instants.
    """

    def __init__(self, tile: int, tiles: int) -> None:
        self._tile, self._tiles = tile, tiles
        self._units: queue.Queue[CodedPicture | None] = queue.Queue(300)
        self._flash = True
        self.codes: list[tuple[int, float]] = []
        self.flashes: list[tuple[int, float]] = []
        self.pictures = 0
        self.size = (0, 0)
        self._thread = threading.Thread(target=self._run, name="observer", daemon=True)
        self._thread.start()

    def push(self, unit: CodedPicture) -> None:
        """Take a picture as received; called on the event loop."""
        self._units.put_nowait(unit)

    def close(self) -> None:
        """Decode what is left and end the thread."""
        self._units.put(None)
        self._thread.join()

    def _run(self) -> None:
        decoder = VideoCodecContext.create("h264", "r")
        decoder.thread_count = 1
        while (unit := self._units.get()) is not None:
            for frame in decoder.decode(av.Packet(unit.data)):
                now = time.monotonic()
                self.pictures += 1
                self.size = frame.width, frame.height
                self._look(frame.to_ndarray()[: frame.height].astype(np.uint8, copy=False), unit, now)

    def _look(self, luma: Luma, unit: CodedPicture, now: float) -> None:
        height, width = luma.shape
        tile = layout_named("auto", self._tiles).tiles(width, height)[self._tile]
        number = read_code(luma, tile)
        if number is not None:
            self.codes.append((number, now))
        flash = flash_is_on(luma, tile)
        if flash and not self._flash and unit.timestamp is not None:
            self.flashes.append((unit.timestamp, unit.time))
        self._flash = flash


class SoundObserver:
    """Finds the beginnings of beeps: ``beeps`` collects (RTP timestamp at the onset, arrival of its frame)."""

    def __init__(self, codecs: tuple[CodecSpec, ...]) -> None:
        self._codecs = {codec.payload_type: codec for codec in codecs}
        self._decoders: dict[int, SoundDecoder] = {}
        self._quiet = False
        self.beeps: list[tuple[float, float]] = []

    def push(self, unit: CodedSound) -> None:
        """Take a sound frame as received."""
        codec = self._codecs.get(unit.payload_type)
        if codec is None or unit.timestamp is None:
            return
        decoder = self._decoders.setdefault(unit.payload_type, make_decoder(codec))
        try:
            samples = mono(decoder.decode(unit.data))
        except SoundDecodeError:
            return
        loud = _loud_windows(samples)
        for window, is_loud in enumerate(loud):
            if is_loud and self._quiet:
                self.beeps.append((unit.timestamp + window * _WINDOW * codec.clock_rate / RATE, unit.time))
            self._quiet = not is_loud


def _loud_windows(samples: np.ndarray) -> list[bool]:
    count = len(samples) // _WINDOW
    blocks = samples[: count * _WINDOW].reshape(count, _WINDOW)
    tone = np.exp(-2j * np.pi * BEEP_FREQUENCY * np.arange(_WINDOW) / RATE)
    return [bool(level > _THRESHOLD) for level in np.abs(blocks @ tone) * 2 / _WINDOW]


def pair_offsets(
    flashes: list[tuple[float, float]], beeps: list[tuple[float, float]], at: Callable[[tuple[float, float]], float]
) -> list[float]:
    """For each flash the seconds by which the nearest beep comes later; those without a partner are left out."""
    offsets = []
    for flash in flashes:
        distances = [at(beep) - at(flash) for beep in beeps]
        nearest = min(distances, key=abs, default=None)
        if nearest is not None and abs(nearest) < 0.4:
            offsets.append(nearest)
    return offsets
