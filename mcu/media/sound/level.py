"""Voices brought to the same loudness, slowly, as a hand on a control would. Pure; ticks come in."""

from __future__ import annotations

import numpy as np

from mcu.media.sound.samples import TICK, Sound, level_dbfs

TARGET_DBFS = -24.0
"""Of speech while it sounds; peaks are some 15 dB above."""

MOST_UP, MOST_DOWN = 18.0, -15.0
"""dB. More would lift the noise of an empty room."""

UP, DOWN = 4.0, 12.0
"""dB a second: louder in the course of a sentence, softer at once when somebody shouts."""

DEAD_ZONE = 2.0
"""dB around the target that are let be."""

SMOOTHING = 0.05
"""Weight of the newest voiced tick: 0.4 s of speech."""


class Leveller:
    """One leg's gain. It moves only while there is a voice, so that pauses and machines are not pulled up."""

    def __init__(self) -> None:
        self.gain = 0.0
        self._level: float | None = None

    def even(self, sound: Sound, voiced: bool) -> Sound:
        """The next tick, louder or softer."""
        before = self.gain
        if voiced:
            heard = level_dbfs(sound)
            self._level = heard if self._level is None else self._level + SMOOTHING * (heard - self._level)
            self.gain = self._next(TARGET_DBFS - self._level)
        if self.gain == before:
            return sound if before == 0.0 else sound * np.float32(10 ** (before / 20))
        ramp = np.linspace(10 ** (before / 20), 10 ** (self.gain / 20), sound.shape[-1], dtype=np.float32)
        evened: Sound = sound * ramp
        return evened

    def _next(self, missing: float) -> float:
        wanted = min(MOST_UP, max(MOST_DOWN, missing))
        step = wanted - self.gain
        if abs(step) < DEAD_ZONE:
            return self.gain
        return self.gain + min(UP * TICK, max(-DOWN * TICK, step))


class Fader:
    """A gain that somebody has set; a change is a ramp over one tick."""

    def __init__(self) -> None:
        self._factor = 1.0

    def set(self, sound: Sound, gain: float) -> Sound:
        """The tick with ``gain`` in dB."""
        before, self._factor = self._factor, 10 ** (gain / 20)
        if before == self._factor:
            return sound if before == 1.0 else sound * np.float32(before)
        changed: Sound = sound * np.linspace(before, self._factor, sound.shape[-1], dtype=np.float32)
        return changed
