"""What decoded sound is inside the mixer: mono, 48 kHz, 32-bit float with full scale at ±1, in ticks of 20 ms."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]
"""Samples as a one-dimensional array. Stereo would add a dimension here and a channel count to the mixer."""

RATE = 48_000
TICK_SAMPLES = 960
TICK = TICK_SAMPLES / RATE
SILENCE_DBFS = -120.0
"""The level of digital silence; real levels below it are not told apart."""


def silence(samples: int = TICK_SAMPLES) -> Sound:
    """So many samples of silence."""
    return np.zeros(samples, np.float32)


def level_dbfs(sound: Sound) -> float:
    """RMS level in dB below full scale; a full-scale sine stands at -3 dB."""
    if not sound.size:
        return SILENCE_DBFS
    power = float(np.dot(sound, sound)) / sound.size
    return max(SILENCE_DBFS, 10 * math.log10(power)) if power > 1e-12 else SILENCE_DBFS
