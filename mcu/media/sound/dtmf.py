"""Keys heard in the sound (ITU-T Q.23, Q.24), for legs that send no telephone events. Pure; ticks come in.

A bank of Goertzel filters, here as one matrix product per tick. What keeps speech from being taken for keys (talk-off):
nearly all energy must be in one row and one column frequency, those two about equally loud, each well above the other
frequencies of its group, little at their second harmonics, and all that over several ticks.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from mcu.media.sound.samples import RATE, TICK_SAMPLES, Sound

ROWS = (697.0, 770.0, 852.0, 941.0)
COLUMNS = (1209.0, 1336.0, 1477.0, 1633.0)
KEYS = ("123A", "456B", "789C", "*0#D")

# Softer than this nothing is a key: Q.24 asks for about -25 dBm, and codecs and volume controls may halve it twice.
LEAST_DBFS = -40.0

# Of a tick's energy in the two frequencies. Speech seldom has more than half there, and never for long.
PURITY = 0.8

# The column may be louder than the row by the first, and softer by the second; dB (Q.24 and its national variants).
TWIST, REVERSE_TWIST = 6.0, 9.0

# Over the next strongest frequency of the same group; dB. A neighbour gets -13 dB of a pure tone in a 20 ms window.
SELECTIVITY = 7.0

# Keys are pure tones; voiced sounds have strong harmonics. dB below the fundamental.
SECOND_HARMONIC = 15.0

# A row's second harmonic this near to the column's tone cannot be told from it in 20 ms; Hz.
_APART = 150.0

# Ticks in a row that must agree: a tone of 60 ms always has two whole ones, and no tone under 40 ms has.
CONFIRMING = 2

# Ticks without it after which the key has been let go; a packet lost in between must not make two presses of one.
RELEASING = 2

# Tones may be off by 1.5 % (Q.24); a filter this far off each way catches what the one in the middle loses.
_DETUNED = (0.988, 1.0, 1.012)


@cache
def _filters() -> NDArray[np.float32]:
    """Cosines, then sines, one column per filter: rows and columns three times each (detuned), then their harmonics."""
    tuned = np.outer(np.array(ROWS + COLUMNS), np.array(_DETUNED)).reshape(-1)
    frequencies = np.concatenate((tuned, 2 * np.array(ROWS + COLUMNS)))
    time = np.arange(TICK_SAMPLES) / RATE
    phases = 2 * np.pi * np.outer(time, frequencies)
    return np.ascontiguousarray(np.concatenate((np.cos(phases), np.sin(phases)), axis=1), np.float32)


def key_in(sound: Sound) -> str | None:
    """The key whose tones fill this tick, or None."""
    energy = float(np.dot(sound, sound)) / sound.size
    if sound.size != TICK_SAMPLES or energy < 10 ** (LEAST_DBFS / 10):
        return None
    # A sine of amplitude a has the power a²/2, and comes out of its filter with the magnitude a·n/2.
    cosines, sines = (sound @ _filters()).reshape(2, -1)
    powers = 2 * (cosines**2 + sines**2) / TICK_SAMPLES**2
    tuned = powers[:24].reshape(8, 3).max(axis=1)
    harmonics = powers[24:]
    row, column = int(np.argmax(tuned[:4])), int(np.argmax(tuned[4:]))
    low, high = float(tuned[row]), float(tuned[4 + column])
    if low + high < PURITY * energy or not -REVERSE_TWIST <= _decibels(high, low) <= TWIST:
        return None
    others = max(_others(tuned[:4], row) / low, _others(tuned[4:], column) / high)
    overtones = float(harmonics[4 + column]) / high
    if abs(2 * ROWS[row] - COLUMNS[column]) > _APART:
        overtones = max(overtones, float(harmonics[row]) / low)
    if others > 10 ** (-SELECTIVITY / 10) or overtones > 10 ** (-SECOND_HARMONIC / 10):
        return None
    return KEYS[row][column]


def _decibels(one: float, other: float) -> float:
    return float(10 * np.log10((one + 1e-12) / (other + 1e-12)))


def _others(group: NDArray[np.float32], chosen: int) -> float:
    return float(np.delete(group, chosen).max())


class DtmfDetector:
    """Listens to one leg tick by tick and reports each press once, as soon as it is sure."""

    def __init__(self) -> None:
        self._candidate: str | None = None
        self._agreeing = 0
        self._pressed: str | None = None
        self._missing = 0

    def hear(self, sound: Sound | None) -> str | None:
        """Take the next tick (None is silence); returns a key that is newly pressed."""
        key = None if sound is None else key_in(sound)
        self._agreeing = self._agreeing + 1 if key is not None and key == self._candidate else 1
        self._candidate = key
        if key is not None and key == self._pressed:
            self._missing = 0
            return None
        if self._pressed is not None:
            self._missing += 1
            if self._missing >= RELEASING:
                self._pressed = None
        if key is None or self._agreeing < CONFIRMING:
            return None
        self._pressed, self._missing = key, 0
        return key
