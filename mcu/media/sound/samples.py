"""What decoded sound is inside the mixer: 48 kHz, 32-bit float with full scale at ±1, in ticks of 20 ms.

Mono is an array of one dimension, stereo one of two: left and right, planar. Time is always the last dimension.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]
"""Samples in time: of shape (n,) when mono, (2, n) when stereo."""

RATE = 48_000
TICK_SAMPLES = 960
TICK = TICK_SAMPLES / RATE
SILENCE_DBFS = -120.0
"""The level of digital silence; real levels below it are not told apart."""


def silence(samples: int = TICK_SAMPLES) -> Sound:
    """So many samples of silence."""
    return np.zeros(samples, np.float32)


def mono(sound: Sound) -> Sound:
    """Both channels as one."""
    if sound.ndim == 1:
        return sound
    mixed: Sound = (sound[0] + sound[1]) * np.float32(0.5)
    return mixed


def stereo(sound: Sound) -> Sound:
    """Two channels, the same on both where there was one."""
    return sound if sound.ndim == 2 else np.stack((sound, sound))


def with_channels(sound: Sound, channels: int) -> Sound:
    """The sound in so many channels, 1 or 2, whichever it came in."""
    return mono(sound) if channels == 1 else stereo(sound)


def join(*parts: Sound) -> Sound:
    """One after the other; stereo as soon as one of them is."""
    if any(part.ndim == 2 for part in parts):
        return np.concatenate([stereo(part) for part in parts], axis=1)
    return np.concatenate(parts)


def level_dbfs(sound: Sound) -> float:
    """RMS level in dB below full scale; a full-scale sine stands at -3 dB."""
    if not sound.size:
        return SILENCE_DBFS
    flat = sound.reshape(-1)
    power = float(np.dot(flat, flat)) / sound.size
    return max(SILENCE_DBFS, 10 * math.log10(power)) if power > 1e-12 else SILENCE_DBFS
