"""The mixes of one tick as listeners get them: kept from going beyond full scale, each made when first asked for."""

from __future__ import annotations

from mcu.media.sound.mixer import Limiter, Mixture
from mcu.media.sound.samples import TICK_SAMPLES, Sound, silence, stereo

EVERYONE = ("everyone", "")
NOTHING = ("nothing", "")
Source = tuple[str, str]
"""Which mix a listener gets: EVERYONE, NOTHING, ("without", leg), or ("rest", leg) of what is not forwarded."""


class LimitedMixes:
    """``limiters`` are those in use, for the next tick: how far one is bent back goes on smoothly."""

    def __init__(
        self, mixture: Mixture, limiters: dict[tuple[Source, int], Limiter], forwarded: frozenset[str] = frozenset()
    ) -> None:
        self._mixture = mixture
        self._forwarded = forwarded
        self._before = limiters
        self._made: dict[tuple[Source, int], Sound] = {}
        self.limiters: dict[tuple[Source, int], Limiter] = {}

    def get(self, source: Source, channels: int = 1) -> Sound:
        made = self._made.get((source, channels))
        if made is None:
            made = self._made[source, channels] = self._make(source, channels)
        return made

    def _make(self, source: Source, channels: int) -> Sound:
        if source == NOTHING:
            return silence(TICK_SAMPLES) if channels == 1 else stereo(silence(TICK_SAMPLES))
        limiter = self.limiters[source, channels] = self._before.get((source, channels)) or Limiter()
        kind, leg = source
        if kind == "rest":
            return limiter.limit(self._mixture.rest(self._forwarded, leg, channels))
        whole = source == EVERYONE
        return limiter.limit(self._mixture.everyone(channels) if whole else self._mixture.without(source[1], channels))
