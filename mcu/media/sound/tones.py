"""Short tones that tell of who comes and who goes; all hear them but who comes."""

from __future__ import annotations

from collections import deque
from functools import cache

import numpy as np

from mcu.media.sound.samples import RATE, TICK_SAMPLES, Sound, silence

LOW, HIGH = 659.3, 880.0
"""Hz, e'' and a'': a fourth up for who comes, down for who goes."""

NOTE = 0.13
"""Seconds of each."""

AMPLITUDE = 0.06

WAITING = 2
"""Tones that may wait; when a whole class comes in, two say it as well."""


@cache
def two_notes(first: float, second: float) -> Sound:
    """Both with soft edges, in whole ticks."""
    time = np.arange(round(NOTE * RATE)) / RATE
    fade = np.minimum(1.0, np.minimum(time, NOTE - time) / 0.02)
    notes = [AMPLITUDE * np.sin(2 * np.pi * pitch * time) * fade for pitch in (first, second)]
    sound = np.concatenate(notes).astype(np.float32)
    return np.concatenate((sound, silence(-sound.size % TICK_SAMPLES)))


class Tones:
    """Plays one after the other. Not thread-safe."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Sound, frozenset[str]]] = deque(maxlen=WAITING)
        self._at = 0

    def enter(self, legs: frozenset[str]) -> None:
        """These have come; they do not hear it."""
        self._waiting.append((two_notes(LOW, HIGH), legs))

    def leave(self) -> None:
        """Somebody has gone."""
        self._waiting.append((two_notes(HIGH, LOW), frozenset()))

    def pull(self) -> tuple[Sound, frozenset[str]] | None:
        """The next tick, and who does not hear it."""
        if not self._waiting:
            self._at = 0
            return None
        sound, deaf = self._waiting[0]
        part = sound[self._at : self._at + TICK_SAMPLES]
        self._at += TICK_SAMPLES
        if self._at >= sound.size:
            self._waiting.popleft()
            self._at = 0
        return part, deaf
