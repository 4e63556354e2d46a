"""The mixer: sum once, subtract self (N-1), limit softly. Pure: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from mcu.media.sound.samples import TICK_SAMPLES, Sound, mono

CEILING = 0.9
"""The limiter holds peaks at about -1 dBFS and leaves the rest to the soft knee above."""

ATTACK = 96
"""Samples (2 ms) in which the limiter closes; what overshoots meanwhile is bent by the knee, not cut."""

RELEASE = 1.04
"""Gain comes back by this factor per tick, some 17 dB a second: quick enough for speech, too slow to pump."""


class Mixture:
    """One tick's sum and its parts, in mono and, where somebody asks for it and sends it, in stereo."""

    def __init__(self, parts: Mapping[str, Sound], unheard: Mapping[str, frozenset[str]] | None = None) -> None:
        """``parts`` holds the sound of each audible source, one tick each, mono or stereo; ``unheard`` the legs that
        shall not hear a source, besides the leg itself.
        """
        self._parts = parts
        self._unheard = unheard or {}
        self._sums: dict[int, Sound] = {}

    @property
    def is_stereo(self) -> bool:
        """Whether there is anything in it that differs between left and right."""
        return any(part.ndim == 2 for part in self._parts.values())

    def everyone(self, channels: int = 1) -> Sound:
        """The sum of all, as a listener who says nothing hears it."""
        found = self._sums.get(channels)
        if found is None:
            found = np.zeros(TICK_SAMPLES if channels == 1 else (2, TICK_SAMPLES), np.float32)
            for part in self._parts.values():
                found += mono(part) if channels == 1 else part  # one channel goes to both sides
            self._sums[channels] = found
        return found

    def without(self, leg: str, channels: int = 1) -> Sound:
        """What ``leg`` hears: everybody but itself."""
        own = [
            part
            for source, part in self._parts.items()
            if source == leg or leg in self._unheard.get(source, frozenset())
        ]
        whole = self.everyone(channels)
        if not own:
            return whole
        # Subtraction leaves rounding noise where nothing should be; alone means silence.
        if len(own) == len(self._parts):
            return np.zeros_like(whole)
        rest = whole.copy()
        for part in own:
            rest -= mono(part) if channels == 1 else part
        return rest

    def rest(self, left_out: Collection[str], leg: str, channels: int = 1) -> Sound:
        """What ``leg`` hears of all but these."""
        whole = np.zeros(TICK_SAMPLES if channels == 1 else (2, TICK_SAMPLES), np.float32)
        for source, part in self._parts.items():
            if source not in left_out and source != leg and leg not in self._unheard.get(source, frozenset()):
                whole += mono(part) if channels == 1 else part
        return whole


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
        length = sound.shape[-1]
        ramp = np.full(length, gain, np.float32)
        steep = min(ATTACK if gain < self._gain else length, length)
        ramp[:steep] = np.linspace(self._gain, gain, steep, dtype=np.float32)
        self._gain = gain
        return _bend(sound * ramp)


def _bend(sound: Sound) -> Sound:
    """A knee from CEILING that reaches full scale only at infinity."""
    magnitude = np.abs(sound)
    room = np.float32(1 - CEILING)
    bent = CEILING + room * np.tanh((magnitude - CEILING) / room)
    return np.where(magnitude > CEILING, np.copysign(bent, sound), sound).astype(np.float32, copy=False)
