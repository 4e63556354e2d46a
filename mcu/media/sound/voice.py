"""Whether what is heard is a voice: so that a pump, a fan or a keyboard does not take the floor. Pure; ticks come in.

A voice has a pitch that moves, and lasts for more than a beep. Pumps and fans stand still; keys and chairs have no
pitch; hum and heart sounds lie below every pitch; alarms, whistles and who hums a note keep theirs, or change it by
steps.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from mcu.media.sound.samples import RATE, TICK_SAMPLES, Sound, mono, silence

THINNING = 6
"""Looked at with 8 kHz; every sixth sample alone would fold hiss into the band, so six are averaged."""

LOWEST_PITCH, HIGHEST_PITCH = 75.0, 420.0
"""Hz, from a deep man's to a child's."""

CUT = 180.0
"""Hz, below which pumps and mains hum are loudest; a voice's harmonics go on above."""

ABOVE_CUT = 0.15
"""Of a sound's energy so much must lie above; of a heart's hardly any does."""

PITCHED = 0.5
"""Of the energy that must repeat itself from period to period."""

STEADY_SECONDS, STEADY_DB = 1.0, 3.0
"""What stays within so many dB for so long is a machine: nobody speaks for so long without a syllable."""

LEAST_GLIDE, LARGEST_GLIDE = 0.006, 0.06
"""How far a pitch moves from tick to tick in speech, as a part of it. Less is a note held as well as one can; more is a
step from one note to another, or the pitch found an octave off."""

ENOUGH_GLIDES = 5
"""Of the ticks of the last second so many must glide. In speech 7 to 26 do, in noise too; of a note that is hummed two
at most, of an alarm with two notes three."""

FIRST_PEAK = 0.85
"""Every multiple of a period is one as well: the shortest counts that repeats the sound nearly as well as the best."""

LOOK_BACK = 50
ENOUGH = 10
"""Of the ticks of the last second so many must have a pitch: 0.2 s, more than a monitor's beep, less than a word."""

_RATE = RATE // THINNING
_SHORT = TICK_SAMPLES // THINNING
_SHORTEST_LAG, _LONGEST_LAG = round(_RATE / HIGHEST_PITCH), round(_RATE / LOWEST_PITCH)
_SIZE = 512
_CUT_BIN = round(CUT * _SIZE / _RATE)
_FADE = np.hanning(2 * _SHORT).astype(np.float32)
# A window's own autocorrelation bends that of the sound; divided out.
_CORRECTION = np.fft.irfft(np.abs(np.fft.rfft(_FADE, _SIZE)) ** 2)[: _LONGEST_LAG + 2]


def pitch(sound: Sound) -> tuple[float, float]:
    """Of 40 ms at 8 kHz, how much of the energy above CUT repeats itself at a voice's pitch, 0 to about 1; and the
    pitch in Hz, 0 where there is none.
    """
    spectrum = np.fft.rfft((sound - sound.mean()) * _FADE, _SIZE)
    power = spectrum.real**2 + spectrum.imag**2
    everything = float(power.sum())
    power[:_CUT_BIN] = 0
    if float(power.sum()) < ABOVE_CUT * everything:
        return 0.0, 0.0
    correlation = np.fft.irfft(power)[: _LONGEST_LAG + 2] / _CORRECTION
    whole = float(correlation[0])
    if whole <= 1e-12:
        return 0.0, 0.0
    strongest = float(correlation[_SHORTEST_LAG:-1].max())
    return strongest / whole, _RATE / _period(correlation, FIRST_PEAK * strongest)


def _period(correlation: NDArray[np.float64], enough: float) -> float:
    """Samples to the top of the first peak above ``enough``, by the parabola through the three highest."""
    lag = _SHORTEST_LAG + int(np.argmax(correlation[_SHORTEST_LAG:-1] >= enough))
    while lag < _LONGEST_LAG and correlation[lag + 1] > correlation[lag]:
        lag += 1
    before, here, after = (float(correlation[lag + step]) for step in (-1, 0, 1))
    bend = before - 2 * here + after
    return lag + max(-0.5, min(0.5, (before - after) / (2 * bend))) if bend < 0 else float(lag)


class VoiceDetector:
    """Follows one leg."""

    def __init__(self) -> None:
        self._before = np.zeros(_SHORT, np.float32)
        self._pitched: deque[bool] = deque(maxlen=LOOK_BACK)
        self._gliding: deque[bool] = deque(maxlen=LOOK_BACK)
        self._pitch = 0.0
        self._levels: deque[float] = deque(maxlen=round(STEADY_SECONDS * RATE / TICK_SAMPLES))
        self._silent_ticks = LOOK_BACK
        self.speaking = False

    def hear(self, sound: Sound | None, level: float) -> bool:
        """Take a tick (None is silence) with its level in dBFS; returns whether there is a voice now."""
        self._silent_ticks = self._silent_ticks + 1 if sound is None else 0
        if self._silent_ticks > LOOK_BACK:
            return False  # as it was: most legs of a large conference say nothing
        self._levels.append(level)
        if sound is None:
            self._before = silence(_SHORT)
            self._follow(0.0)
        else:
            thin = mono(sound).reshape(_SHORT, THINNING).mean(axis=1, dtype=np.float32)
            strength, found = pitch(np.concatenate((self._before, thin)))
            self._follow(found if strength > PITCHED else 0.0)
            self._before = thin
        enough = sum(self._pitched) >= ENOUGH and sum(self._gliding) >= ENOUGH_GLIDES
        self.speaking = enough and not self._steady
        return self.speaking

    def _follow(self, found: float) -> None:
        """Take this tick's pitch, 0 for none."""
        before, self._pitch = self._pitch, found
        self._pitched.append(found > 0)
        self._gliding.append(
            found > 0 and before > 0 and LEAST_GLIDE < abs(found / before - 1) < LARGEST_GLIDE,
        )

    @property
    def _steady(self) -> bool:
        levels = self._levels
        return len(levels) == levels.maxlen and max(levels) - min(levels) < STEADY_DB
