"""What a participant of ``bench.loss`` sees and hears, and how good it is: freezes, likeness, speech, lip sync."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import av
import numpy as np
import numpy.typing as npt
from av.video.codeccontext import VideoCodecContext

from bench.speech import quality
from bench.time_code import read_code
from layouts.automatic import layout_named
from layouts.geometry import Rect
from mcu.media.codec.audio_decoder import make_decoder
from mcu.media.sound.playout import PlayoutBuffer
from mcu.media.sound.samples import RATE, TICK, Sound, silence
from mcu.media.spec import CodecSpec
from mcu.media.units import CodedPicture, CodedSound

Plane = npt.NDArray[np.float32]

COMPARED = (320, 180)
"""A picture is compared this large, whatever rung it came in: what a viewer sees is scaled to the screen."""

# Every so many pictures of the clip are compared.
COMPARE_EVERY = 3
# Blocks of the likeness (SSIM), pixels.
_BLOCK = 8

# Of one call: a minute.
MAX_UNITS = 2000

# Mean difference of the brightness, from 0 to 255, at which a picture is another one: coding alone makes less.
MOTION = 1.0

FREEZE_BEYOND = 0.15
"""Over the interval between pictures: what stands longer is frozen, as browsers count it (webrtc-stats)."""


@dataclass(frozen=True)
class Seen:
    """A picture of the observed participant that is another than the one before.

    Its number in the clip (None: it cannot be read), when it came, its RTP timestamp, and how like the one of the clean
    run it is (None: not compared).
    """

    number: int | None
    at: float
    timestamp: int
    likeness: float | None


class Viewer:
    """Keeps what comes and decodes it after the call: nothing is to hold up the relay and the rooms meanwhile.

    ``tile`` is the place of the observed participant. With ``reference`` pictures are compared; without, they are kept
    in ``pictures`` to be one.
    """

    def __init__(
        self, tile: int, tiles: int, reference: Mapping[int, Plane] | None, size: tuple[int, int] = COMPARED
    ) -> None:
        self._tile, self._tiles, self._size = tile, tiles, size
        self._reference = reference
        self._units: list[CodedPicture] = []
        self._before: Plane | None = None
        self.seen: list[Seen] = []
        self.received: list[tuple[float, int]] = []
        """Arrival and bytes of each coded picture."""
        self.pictures: dict[int, Plane] = {}

    def push(self, unit: CodedPicture) -> None:
        """Take a picture as received."""
        if len(self._units) < MAX_UNITS:
            self._units.append(unit)
        self.received.append((unit.time, len(unit.data)))

    def look(self) -> None:
        """Decode all that came."""
        decoder = VideoCodecContext.create("h264", "r")
        decoder.thread_count = 1
        for unit in self._units:
            try:
                frames = decoder.decode(av.Packet(unit.data))
            except av.error.FFmpegError:
                continue
            for frame in frames:
                self._look(frame.to_ndarray()[: frame.height].astype(np.uint8, copy=False), unit)
        self._units.clear()

    def _look(self, luma: npt.NDArray[np.uint8], unit: CodedPicture) -> None:
        height, width = luma.shape
        tile = layout_named("auto", self._tiles).tiles(width, height)[self._tile]
        plane = compared(luma, tile, self._size)
        before, self._before = self._before, plane
        if unit.timestamp is None or (before is not None and float(np.abs(plane - before).mean()) < MOTION):
            return
        number = read_code(luma, tile)
        likeness = None
        if number is not None and number % COMPARE_EVERY == 0:
            if self._reference is None:
                self.pictures[number] = plane
            elif number in self._reference:
                likeness = similarity(self._reference[number], plane)
        self.seen.append(Seen(number, unit.time, unit.timestamp, likeness))


def compared(luma: npt.NDArray[np.uint8], tile: Rect, size: tuple[int, int] = COMPARED) -> Plane:
    """A tile of a picture, in the size in which pictures are compared."""
    part = np.ascontiguousarray(luma[tile.y : tile.y + tile.height, tile.x : tile.x + tile.width])
    frame = av.VideoFrame.from_ndarray(part, format="gray")
    scaled = frame.reformat(width=size[0], height=size[1], interpolation="AREA")
    return scaled.to_ndarray().astype(np.float32)


def similarity(one: Plane, other: Plane) -> float:
    """SSIM of two pictures of the same size, mean over blocks of 8 by 8; 1 when they are equal."""
    height, width = one.shape
    blocks = [
        plane[: height - height % _BLOCK, : width - width % _BLOCK]
        .reshape(height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK)
        .transpose(0, 2, 1, 3)
        .reshape(-1, _BLOCK * _BLOCK)
        for plane in (one, other)
    ]
    mean_one, mean_other = (part.mean(1) for part in blocks)
    variance_one, variance_other = (part.var(1) for part in blocks)
    covariance = (blocks[0] * blocks[1]).mean(1) - mean_one * mean_other
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    found = ((2 * mean_one * mean_other + c1) * (2 * covariance + c2)) / (
        (mean_one**2 + mean_other**2 + c1) * (variance_one + variance_other + c2)
    )
    return float(found.mean())


def shown_at(seen: Sequence[Seen], buffer: float, clock_rate: int = 90_000) -> list[float]:
    """When each picture is shown by a player that keeps ``buffer`` seconds in hand: in step with the timestamps, or as
    soon as it comes when it comes too late.
    """
    if not seen:
        return []
    earliest = min(one.at - one.timestamp / clock_rate for one in seen)
    shown: list[float] = []
    for one in seen:
        due = max(one.at, one.timestamp / clock_rate + earliest + buffer)
        shown.append(max(due, shown[-1]) if shown else due)
    return shown


def freeze_ratio(shown: Sequence[float], start: float, end: float, interval: float) -> float:
    """The share of the time from ``start`` to ``end`` in which a picture stood still for too long."""
    instants = [start, *(at for at in shown if start < at < end), end]
    limit = max(3 * interval, interval + FREEZE_BEYOND)
    gaps = (later - before for before, later in itertools.pairwise(instants))
    return round(sum(gap for gap in gaps if gap > limit) / (end - start), 4)


def played(units: Sequence[CodedSound], codecs: tuple[CodecSpec, ...], start: float, end: float) -> Sound:
    """What somebody hears from ``start`` to ``end`` through our own playout buffer, of frames as they arrived."""
    buffer = PlayoutBuffer(codecs)
    waiting = sorted((unit for unit in units), key=lambda unit: unit.time)
    position, parts = 0, []
    now = waiting[0].time if waiting else start
    while now < end:
        while position < len(waiting) and waiting[position].time <= now:
            buffer.insert(waiting[position])
            position += 1
        sound = buffer.pull(now)
        if now >= start:
            part = silence() if sound is None else sound
            parts.append(part if part.ndim == 1 else part.mean(0))
        now += TICK
    return np.concatenate(parts) if parts else silence(0)


def in_sequence(units: Sequence[CodedSound], codec: CodecSpec) -> tuple[Sound, float]:
    """All that came over a clean network, decoded, and the timestamp of its first sample."""
    decoder = make_decoder(codec)
    ordered = sorted((unit for unit in units if unit.timestamp is not None), key=lambda unit: unit.timestamp or 0)
    decoded = [decoder.decode(unit.data) for unit in ordered]
    parts = [sound if sound.ndim == 1 else sound.mean(0) for sound in decoded]
    return np.concatenate(parts) if parts else silence(0), float((ordered[0].timestamp or 0) if ordered else 0)


def graded(sentence: Sound, heard: Sound) -> float | None:
    """PESQ of something that was said again and again."""
    if heard.size < RATE:
        return None
    start = phase(sentence, heard)
    reference = np.take(sentence, np.arange(start, start + heard.size), mode="wrap")
    return quality(reference, heard, wide=True)


def phase(sentence: Sound, heard: Sound) -> int:
    """The sample of the sentence, which is said again and again, that ``heard`` begins with."""
    folded = np.zeros(sentence.size, np.float32)
    for at in range(0, heard.size, sentence.size):
        part = heard[at : at + sentence.size]
        folded[: part.size] += part
    correlation = np.fft.irfft(np.fft.rfft(folded) * np.conj(np.fft.rfft(sentence)), sentence.size)
    # Heard from sample s of the sentence is the sentence turned back by s.
    return int(-np.argmax(correlation)) % sentence.size
