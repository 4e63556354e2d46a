"""Sample-rate conversion by whole factors between the mixer's 48 kHz and a codec's 8 or 16 kHz.

A polyphase windowed-sinc filter as one small matrix product per frame. Unlike a general resampler it gives exactly
``factor`` samples out per sample in (or the other way round), so the playout buffer's positions stay exact, and its
delay is fixed and known.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from mcu.media.sound.samples import Sound

TAPS = 24
"""Filter taps at the lower rate: flat to about 85 % of its Nyquist frequency, delay of 12 samples (1.5 ms at 8 kHz)."""

KAISER_BETA = 7.0
"""About 70 dB stop band."""


@cache
def _prototype(factor: int) -> Sound:
    length = TAPS * factor
    time = np.arange(length) - (length - 1) / 2
    taps = np.sinc(time / factor * 0.94) * np.kaiser(length, KAISER_BETA)
    normalised: Sound = (taps / taps.sum()).astype(np.float32)
    return normalised


class Upsampler:
    """``factor`` samples out for each one in. Keeps the filter's history between frames."""

    def __init__(self, factor: int) -> None:
        self._factor = factor
        # Column p holds the taps that make output phase p, in the order of the input window (oldest sample first).
        self._phases = np.ascontiguousarray((_prototype(factor) * factor).reshape(TAPS, factor)[::-1])
        self._history = np.zeros(TAPS - 1, np.float32)

    def convert(self, sound: Sound) -> Sound:
        """Convert a frame of any length."""
        joined = np.concatenate((self._history, sound), dtype=np.float32)
        self._history = joined[-(TAPS - 1) :]
        # What sliding_window_view would give, at a tenth of its price for so few samples.
        windows = np.ndarray((sound.size, TAPS), np.float32, joined, 0, (4, 4))
        result: Sound = (windows @ self._phases).reshape(-1)
        return result


class Downsampler:
    """One sample out for ``factor`` in. Frames must hold a multiple of ``factor`` samples."""

    def __init__(self, factor: int) -> None:
        self._factor = factor
        self._taps = np.ascontiguousarray(_prototype(factor)[::-1])
        self._history = np.zeros(TAPS * factor - factor, np.float32)

    def convert(self, sound: Sound) -> Sound:
        """Convert a frame; its length must be a multiple of the factor."""
        joined = np.concatenate((self._history, sound), dtype=np.float32)
        self._history = joined[-self._history.size :]
        factor = self._factor
        windows = np.ndarray((sound.size // factor, self._taps.size), np.float32, joined, 0, (4 * factor, 4))
        result: Sound = windows @ self._taps
        return result
