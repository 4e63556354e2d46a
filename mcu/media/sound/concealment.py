"""Sound in place of what was lost: the last pitch period repeated and faded out (as in ITU-T G.711 appendix I)."""

from __future__ import annotations

import numpy as np

from mcu.media.sound.samples import TICK_SAMPLES, Sound, silence
from mcu.media.sound.stretch import FADE, LONGEST_LAG, best_lag, crossfade

HOLD = 480
"""10 ms at full level, after which the fade begins."""

FADE_OUT = 2880
"""60 ms after the loss there is silence: repeated any longer, a period turns into a buzz."""

_HISTORY = 2 * TICK_SAMPLES


def _envelope(start: int, samples: int) -> Sound:
    position = np.arange(start, start + samples, dtype=np.float32)
    return np.clip((FADE_OUT - position) / (FADE_OUT - HOLD), 0, 1)


class Concealer:
    """Remembers the last 40 ms that were played; makes up what is missing and joins what follows to it."""

    def __init__(self) -> None:
        self._history = silence(_HISTORY)
        self._period: Sound | None = None
        self._made_up = 0
        self._played = False

    @property
    def faded_out(self) -> bool:
        """Whether concealment has come to its end: from now on there is only silence."""
        return self._period is not None and self._made_up >= FADE_OUT

    @property
    def sounding(self) -> bool:
        """Whether there is anything to fade out: something was played, and its fade is not over."""
        return self._played and not self.faded_out

    def remember(self, sound: Sound) -> None:
        """Real sound was played."""
        self._history = np.concatenate((self._history[sound.size :], sound))[-_HISTORY:]
        self._period = None
        self._made_up = 0
        self._played = True

    def conceal(self, samples: int) -> Sound:
        """So many samples in place of missing ones."""
        if self.faded_out:
            return silence(samples)
        result = self._continue(samples)
        self._made_up += samples
        return result

    def resume(self, sound: Sound) -> Sound:
        """Real sound after concealment, joined to it softly."""
        if self._period is None:
            return sound
        fade = min(FADE, sound.size)
        joint = crossfade(self._continue(fade), sound[:fade])
        return np.concatenate((joint, sound[fade:]))

    def interrupt(self, unplayed: int) -> None:
        """What was remembered breaks off, the last so many samples unplayed: what follows will be joined softly."""
        unplayed = min(unplayed, _HISTORY)
        self._history = np.concatenate((silence(unplayed), self._history[: _HISTORY - unplayed]))
        if self.sounding and self._period is None:
            self.conceal(0)

    def _continue(self, samples: int) -> Sound:
        if self._period is None:
            # Searched backwards in time: the end of what was played against what came before it.
            lag = best_lag(self._history[::-1], LONGEST_LAG)
            self._period = self._history[-lag:]
        start = self._made_up % self._period.size
        repeated = np.resize(np.roll(self._period, -start), samples)
        result: Sound = repeated * _envelope(self._made_up, samples)
        return result
