"""Spoken prompts: sound files that are mixed in, once, one after the other."""

from __future__ import annotations

import logging
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mcu.media.sound.samples import RATE, TICK_SAMPLES, Sound, silence

logger = logging.getLogger(__name__)

MAXIMUM_SECONDS = 60
"""Of all files of one announcement together; more is not an announcement."""

PAUSE = 0.25
"""Seconds between two files."""


class Announcer:
    """Plays one announcement; a new one takes the place of what is still being said. Not thread-safe."""

    def __init__(self) -> None:
        self._left = silence(0)

    def say(self, sound: Sound) -> None:
        """Begin with the next tick; an empty sound is silence at once."""
        self._left = sound

    def pull(self) -> Sound | None:
        """The next tick of it, or None when there is nothing to say."""
        if not self._left.size:
            return None
        part, self._left = self._left[:TICK_SAMPLES], self._left[TICK_SAMPLES:]
        if part.size == TICK_SAMPLES:
            return part
        return np.concatenate([part, silence(TICK_SAMPLES - part.size)])


def load_announcement(files: Sequence[str]) -> Sound:
    """All files as one sound, cut at MAXIMUM_SECONDS. A file that cannot be read is a short tone instead."""
    parts: list[Sound] = []
    for name in files:
        try:
            parts.append(_read(Path(name)))
        except (OSError, EOFError, wave.Error) as error:
            logger.warning("prompt %s cannot be played: %s", Path(name).name, error)
            parts.append(_tone())
        parts.append(silence(round(PAUSE * RATE)))
    return np.concatenate(parts)[: MAXIMUM_SECONDS * RATE] if parts else silence(0)


def _read(path: Path) -> Sound:
    """A WAV file of 16 bits: mixed down to mono and brought to 48 kHz."""
    with wave.open(str(path), "rb") as file:
        channels, rate = file.getnchannels(), file.getframerate()
        if file.getsampwidth() != 2 or not 8000 <= rate <= RATE:
            raise wave.Error("only 16 bits at 8 to 48 kHz")
        data = file.readframes(min(file.getnframes(), MAXIMUM_SECONDS * rate))
    samples = np.frombuffer(data[: len(data) - len(data) % (2 * channels)], "<i2").astype(np.float32) / 32768
    mono: Sound = samples.reshape(-1, channels).mean(axis=1, dtype=np.float32)
    if rate == RATE or not mono.size:
        return mono
    wanted = np.arange(round(mono.size * RATE / rate)) * (rate / RATE)
    resampled: Sound = np.interp(wanted, np.arange(mono.size), mono).astype(np.float32)
    return resampled


def _tone() -> Sound:
    """Instead of words: somebody shall press something."""
    time = np.arange(round(0.3 * RATE)) / RATE
    fade = np.minimum(1.0, np.minimum(time, 0.3 - time) / 0.01)
    tone: Sound = (0.1 * np.sin(2 * np.pi * 880.0 * time) * fade).astype(np.float32)
    return tone
