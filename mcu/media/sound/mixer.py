"""The mixer: sum once, subtract self (N-1), limit softly. Pure: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mcu.media.sound.samples import Sound, silence

CEILING = 0.9
"""The limiter holds peaks at about -1 dBFS and leaves the rest to the soft knee above."""

ATTACK = 96
"""Samples (2 ms) in which the limiter closes; what overshoots meanwhile is bent by the knee, not cut."""

RELEASE = 1.04
"""Gain comes back by this factor per tick, some 17 dB a second: quick enough for speech, too slow to pump."""


class Mixture:
    """One tick's sum and its parts."""

    def __init__(self, parts: Mapping[str, Sound]) -> None:
        """``parts`` holds the sound of each audible leg, one tick each."""
        self._parts = parts
        self._sum = silence()
        for part in parts.values():
            self._sum += part

    @property
    def everyone(self) -> Sound:
        """The sum of all, as a listener who says nothing hears it."""
        return self._sum

    def without(self, leg: str) -> Sound:
        """What ``leg`` hears: everybody but itself."""
        own = self._parts.get(leg)
        if own is None:
            return self._sum
        # Subtraction leaves rounding noise where nothing should be; alone means silence.
        return self._sum - own if len(self._parts) > 1 else silence()


class Limiter:
    """Keeps a sum of voices below full scale. One per output, since it remembers its gain."""

    def __init__(self) -> None:
        self._gain = 1.0

    def limit(self, sound: Sound) -> Sound:
        """The same length, never beyond full scale."""
        peak = float(np.abs(sound).max(initial=0.0))
        wanted = min(1.0, CEILING / peak) if peak > 0 else 1.0
        gain = wanted if wanted < self._gain else min(wanted, self._gain * RELEASE)
        if gain == self._gain == 1.0:
            return sound if peak <= CEILING else _bend(sound)
        ramp = np.full(sound.size, gain, np.float32)
        steep = min(ATTACK if gain < self._gain else sound.size, sound.size)
        ramp[:steep] = np.linspace(self._gain, gain, steep, dtype=np.float32)
        self._gain = gain
        return _bend(sound * ramp)


def _bend(sound: Sound) -> Sound:
    """A knee from CEILING that reaches full scale only at infinity."""
    magnitude = np.abs(sound)
    room = np.float32(1 - CEILING)
    bent = CEILING + room * np.tanh((magnitude - CEILING) / room)
    return np.where(magnitude > CEILING, np.copysign(bent, sound), sound).astype(np.float32, copy=False)
