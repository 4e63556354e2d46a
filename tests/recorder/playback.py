"""What a player would show and sound of bytes on disk: decodes with PyAV and finds flashes and beeps."""

from __future__ import annotations

import io
import subprocess
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np


@dataclass(frozen=True)
class Decoded:
    """Times in seconds of every picture and of where the sound begins and ends; brightness; the sound's samples."""

    pictures: list[float]
    brightness: list[float]
    sound: np.ndarray
    sound_start: float

    @property
    def sound_end(self) -> float:
        return self.sound_start + len(self.sound) / 48_000

    def flashes(self) -> list[float]:
        """When the picture turns white."""
        white = [level > 200 for level in self.brightness]
        return [t for i, t in enumerate(self.pictures) if white[i] and not (i and white[i - 1])]

    def beeps(self) -> list[float]:
        """When the sound sets in after silence."""
        loud = np.abs(self.sound) > 0.1
        starts = [i for i in np.flatnonzero(loud) if not loud[max(0, i - 4800) : i].any()]
        return [self.sound_start + i / 48_000 for i in starts]


def decode(data: bytes) -> Decoded:
    """Decode everything; raises av's errors for anything broken."""
    times, levels, pieces, ends = [], [], [], []
    start: float | None = None
    with av.open(io.BytesIO(data), "r", format="mp4") as container:
        for stream in container.streams:
            stream.codec_context.options = {"err_detect": "explode"}
        for frame in container.decode():
            assert frame.time is not None
            if isinstance(frame, av.VideoFrame):
                times.append(frame.time)
                levels.append(float(frame.to_ndarray(format="gray").mean()))
            else:
                if start is None:
                    start = frame.time
                gap = frame.time - ends[-1] if ends else 0.0
                pieces.append(np.zeros(max(0, round(gap * 48_000)), np.float32))
                pieces.append(frame.to_ndarray()[0])
                ends.append(frame.time + frame.samples / 48_000)
    return Decoded(times, levels, np.concatenate(pieces) if pieces else np.zeros(0, np.float32), start or 0.0)


def decode_file(path: Path) -> Decoded:
    return decode(path.read_bytes())


def complaints(path: Path, *options: str) -> str:
    """What ffmpeg, a player of its own, finds wrong while decoding all of it; empty when nothing."""
    done = subprocess.run(
        ["ffmpeg", "-v", "warning", "-xerror", *options, "-i", str(path), "-map", "0", "-f", "null", "-"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stderr + ("" if done.returncode == 0 else f"exit {done.returncode}")
