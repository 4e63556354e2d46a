"""Noise taken away: of each band of the spectrum as much is kept as stands out of the noise that is always there.

A Wiener filter with the a-priori estimate of Ephraim and Malah (1984) over noise that is followed by minimum statistics
(Martin 2001). It needs no model of speech, so it does no harm where there is none; what changes faster than a fan, it
leaves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mcu.media.sound.samples import TICK_SAMPLES, Sound, silence

HOP = TICK_SAMPLES // 2
"""10 ms, by which the output lags."""

FLOOR = 0.12
"""-18 dB: all of the noise taken away sounds like a broken line, and the rest covers what is taken away wrongly."""

MEMORY = 0.95
"""Of the a-priori estimate: less makes musical tones, more eats word beginnings."""

SMOOTHING = 0.85
"""Of power over time, for the noise alone."""

BIAS = 1.6
"""The least of a noisy power is below its mean by about this factor."""

PARTS, PART_HOPS = 6, 25
"""Noise is the least of the last 1.5 s, in parts of 250 ms."""

_WINDOW = np.sqrt(np.hanning(2 * HOP + 1)[:-1]).astype(np.float32)

Power = NDArray[np.float32]


class Denoiser:
    """One leg's. Ticks in, ticks out, 10 ms later; stereo gets the same filter on both sides."""

    delay = HOP / 48_000

    def __init__(self) -> None:
        self._before = silence(HOP)
        self._tail = silence(HOP)
        self._smoothed: Power | None = None
        self._minima: list[Power] = []
        self._least: Power
        self._noise: Power
        self._clean: Power
        self._hops = 0

    def clean(self, sound: Sound) -> Sound:
        """The next tick."""
        if sound.ndim != self._before.ndim:
            shape = (*sound.shape[:-1], HOP)
            self._before, self._tail = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        out = np.empty_like(sound)
        for start in range(0, TICK_SAMPLES, HOP):
            hop = sound[..., start : start + HOP]
            spectrum = np.fft.rfft(np.concatenate((self._before, hop), axis=-1) * _WINDOW)
            self._before = hop
            made = np.fft.irfft(spectrum * self._gain(spectrum)).astype(np.float32) * _WINDOW
            out[..., start : start + HOP] = made[..., :HOP] + self._tail
            self._tail = made[..., HOP:]
        return out

    def _gain(self, spectrum: NDArray[np.complex128]) -> Power:
        heard = spectrum if spectrum.ndim == 1 else spectrum[0] + spectrum[1]
        power: Power = (heard.real**2 + heard.imag**2 + 1e-9).astype(np.float32)
        self._follow(power)
        after = power / self._noise
        estimate = MEMORY * self._clean / self._noise + (1 - MEMORY) * np.maximum(after - 1, 0)
        gain: Power = np.maximum(estimate / (1 + estimate), FLOOR)
        self._clean = gain * gain * power
        return gain

    def _follow(self, power: Power) -> None:
        if self._smoothed is None:
            self._smoothed = power
            self._least = power
            self._noise = power * BIAS
            self._clean = power * 0
        self._smoothed = SMOOTHING * self._smoothed + (1 - SMOOTHING) * power
        self._least = np.minimum(self._least, self._smoothed)
        self._hops += 1
        if self._hops % PART_HOPS == 0:
            self._minima = [*self._minima, self._least][-PARTS:]
            self._least = self._smoothed
        noise = BIAS * np.minimum.reduce([self._least, *self._minima])
        self._noise = noise if self._minima else np.minimum(self._noise, noise)
