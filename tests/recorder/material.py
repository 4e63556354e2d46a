"""Real coded material for recorder tests: H.264 as the worker's encoder makes it, AAC, made by PyAV on the spot."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np

from recorder.formats import AudioFormat


@dataclass(frozen=True)
class TimedUnit:
    data: bytes
    time: float
    key: bool = True


def pictures(
    times: list[float], width: int = 320, height: int = 180, key_every: int = 30, flashes: tuple[float, ...] = ()
) -> list[TimedUnit]:
    """One Annex B access unit for each time. Brightness tells which picture it is; white at and just after a flash."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base = Fraction(1, 90_000)
    encoder.framerate = Fraction(30)
    encoder.options = {
        "preset": "superfast",
        "tune": "zerolatency",
        "x264-params": f"keyint={key_every}:min-keyint={key_every}:scenecut=0:repeat-headers=1:annexb=1:threads=1",
    }
    units = []
    rng = np.random.default_rng(1)
    texture = rng.integers(0, 40, (height, width), dtype=np.uint8)
    for number, time in enumerate(times):
        luma = texture + np.uint8(16 + number % 60)
        if any(flash - 1e-6 <= time < flash + 0.15 for flash in flashes):
            luma = np.full((height, width), 235, np.uint8)
        frame = av.VideoFrame.from_ndarray(
            np.vstack([luma, np.full((height // 2, width), 128, np.uint8)]), format="yuv420p"
        )
        frame.pts = number * 3000
        units += [TimedUnit(bytes(packet), time, packet.is_keyframe) for packet in encoder.encode(frame)]
    return units


def sound(start: float, seconds: float, beeps: tuple[float, ...] = ()) -> tuple[AudioFormat, list[TimedUnit]]:
    """AAC access units from ``start`` on, silent but for 150 ms of 1 kHz at each beep, priming subtracted."""
    encoder = av.CodecContext.create("aac", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "mono", "fltp"
    encoder.bit_rate = 64_000
    encoder.time_base = Fraction(1, 48_000)
    encoder.open()
    total = int(seconds * 48_000)
    instants = start + np.arange(total) / 48_000
    wave = np.zeros(total, np.float32)
    for beep in beeps:
        inside = (instants >= beep) & (instants < beep + 0.15)
        wave[inside] = 0.5 * np.sin(2 * np.pi * 1000 * (instants[inside] - beep))
    units = []
    for position in range(0, total - 1023, 1024):
        frame = av.AudioFrame.from_ndarray(wave[None, position : position + 1024], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, position, Fraction(1, 48_000)
        for packet in encoder.encode(frame):
            assert packet.pts is not None
            units.append(TimedUnit(bytes(packet), start + packet.pts / 48_000))
    return AudioFormat(48_000, 1, bytes(encoder.extradata or b"")), units


def in_order(*streams: list[TimedUnit]) -> list[tuple[int, TimedUnit]]:
    """Units of several streams (numbered) in order of time, as they reach a writer."""
    tagged = [(number, unit) for number, stream in enumerate(streams) for unit in stream]
    return sorted(tagged, key=lambda item: item[1].time)


def irregular_times(start: float, count: int, seed: int = 7) -> list[float]:
    """Instants of a canvas at 30 per second that is sometimes a few milliseconds late."""
    rng = np.random.default_rng(seed)
    return [start + number / 30 + float(late) for number, late in enumerate(rng.uniform(0, 0.006, count))]
