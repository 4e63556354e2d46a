"""Sounds that are voices and such that are none, made by rule."""

from __future__ import annotations

import numpy as np

from mcu.media.sound.samples import RATE, Sound


def _time(seconds: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.arange(round(seconds * RATE)) / RATE


def voice(seconds: float, pitch: float, amplitude: float) -> Sound:
    """Harmonics that glide as in speech, some per cent in a tenth of a second, and come in syllables, four a second."""
    time = _time(seconds)
    phase = 2 * np.pi * np.cumsum(pitch * (1 + 0.08 * np.sin(2 * np.pi * 1.7 * time))) / RATE
    count = int(3000 // pitch)
    wave = sum(np.sin(number * phase) / number**0.7 for number in range(1, count))
    syllables = np.clip(0.2 + np.sin(2 * np.pi * 4 * time), 0, None)
    made: Sound = (amplitude * wave / np.abs(wave).max() * syllables).astype(np.float32)
    return made


def hum(seconds: float, pitch: float, amplitude: float, seed: int = 3) -> Sound:
    """Somebody who hums a note, as steadily as one can: it wavers by a third of a per cent, and by a dB."""
    time = _time(seconds)
    chance = np.random.default_rng(seed)
    knots = np.arange(0, seconds + 0.2, 0.02)
    smooth = np.ones(5) / 5**0.5
    wavering, loudness = (np.convolve(chance.standard_normal(knots.size), smooth, "same") for _ in range(2))
    phase = 2 * np.pi * np.cumsum(pitch * (1 + 0.003 * np.interp(time, knots, wavering))) / RATE
    wave = sum(np.sin(number * phase) / number**1.5 for number in range(1, 8))
    level = amplitude * 10 ** (np.interp(time, knots, loudness) / 20)
    made: Sound = (level * wave / np.abs(wave).max()).astype(np.float32)
    return made


def hiss(seconds: float, amplitude: float, seed: int = 1) -> Sound:
    """A fan, or an open microphone; ``amplitude`` is its RMS."""
    made: Sound = (amplitude * np.random.default_rng(seed).standard_normal(round(seconds * RATE))).astype(np.float32)
    return made


def pump(seconds: float) -> Sound:
    """Mains hum with strokes."""
    time = _time(seconds)
    hum = 0.06 * np.sin(2 * np.pi * 50 * time) + 0.04 * np.sin(2 * np.pi * 100 * time)
    strokes = 0.3 + (np.sin(2 * np.pi * 1.3 * time) > 0.6)
    made: Sound = (hum + hiss(seconds, 0.03) * strokes).astype(np.float32)
    return made


def keyboard(seconds: float) -> Sound:
    """Keys struck four to ten times a second."""
    chance = np.random.default_rng(2)
    made = np.zeros(round(seconds * RATE), np.float32)
    at, length = 0, RATE // 20
    while (at := at + round(chance.uniform(0.1, 0.25) * RATE)) + length < made.size:
        decay = np.exp(-np.arange(length) / 350)
        made[at : at + length] += (0.5 * chance.standard_normal(length) * decay).astype(np.float32)
    return made
