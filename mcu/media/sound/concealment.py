"""Sound in place of what was lost: the last pitch period repeated and faded out (as in ITU-T G.711 appendix I).

A codec that conceals by itself does it better; then only the end of it is decided here.
"""

from __future__ import annotations

import numpy as np

from mcu.media.sound.samples import TICK_SAMPLES, Sound, join, silence
from mcu.media.sound.stretch import FADE, LONGEST_LAG, best_lag, crossfade

HOLD = 480
"""10 ms at full level, after which the fade begins."""

FADE_OUT = 2880
"""60 ms after the loss there is silence: repeated any longer, a period turns into a buzz."""

CODEC_HOLD = 2880
CODEC_FADE_OUT = 5760
"""A codec's own concealment knows more of the voice, and may go on for twice as long."""

_HISTORY = 2 * TICK_SAMPLES


def _envelope(start: int, samples: int, hold: int, end: int) -> Sound:
    position = np.arange(start, start + samples, dtype=np.float32)
    return np.clip((end - position) / (end - hold), 0, 1)


class Concealer:
    """Remembers the last 40 ms that were played; makes up what is missing and joins what follows to it."""

    def __init__(self) -> None:
        self._history = silence(_HISTORY)
        self._period: Sound | None = None
        self._by_codec = False
        self._made_up = 0
        self._played = False

    @property
    def _end(self) -> int:
        return CODEC_FADE_OUT if self._by_codec else FADE_OUT

    @property
    def _concealing(self) -> bool:
        return self._by_codec or self._period is not None

    @property
    def faded_out(self) -> bool:
        """Whether concealment has come to its end: from now on there is only silence."""
        return self._concealing and self._made_up >= self._end

    @property
    def sounding(self) -> bool:
        """Whether there is anything to fade out: something was played, and its fade is not over."""
        return self._played and not self.faded_out

    def remember(self, sound: Sound) -> None:
        """Real sound was played."""
        if sound.shape[-1] >= _HISTORY:
            self._history = sound[..., -_HISTORY:]
        else:
            self._history = join(self._history[..., sound.shape[-1] :], sound)
        self._begin_anew()

    def remember_silence(self) -> None:
        """Nothing was played that could be heard."""
        self._history = _SILENCE
        self._begin_anew()

    def fall_silent(self) -> None:
        """Concealment is over at once; what comes next is faded in."""
        self._history = self._period = _SILENCE
        self._by_codec = False
        self._made_up = FADE_OUT

    def _begin_anew(self) -> None:
        self._period = None
        self._by_codec = False
        self._made_up = 0
        self._played = True

    def conceal(self, samples: int) -> Sound:
        """So many samples in place of missing ones."""
        if self.faded_out:
            return silence(samples)
        result = self._continue(samples)
        self._made_up += samples
        return result

    def take_made_up(self, sound: Sound) -> Sound:
        """What the codec made up, faded where it has gone on for long."""
        samples = sound.shape[-1]
        self._by_codec = True
        faded: Sound = sound * _envelope(self._made_up, samples, CODEC_HOLD, CODEC_FADE_OUT)
        self._made_up += samples
        self._history = join(self._history[..., samples:], faded)[..., -_HISTORY:]
        return faded

    @property
    def by_codec(self) -> bool:
        """Whether the codec may make up more: it has begun to, or nothing has been made up yet."""
        return self._period is None and not self.faded_out

    def resume(self, sound: Sound) -> Sound:
        """Real sound after concealment, joined to it softly."""
        fade = min(FADE, sound.shape[-1])
        if self._by_codec:
            # The codec joins by itself; what we had faded must come up again without a click.
            gain = float(_envelope(self._made_up, 1, CODEC_HOLD, CODEC_FADE_OUT)[0])
            if gain == 1.0:
                return sound
            ramp = np.linspace(gain, 1, fade, dtype=np.float32)
            return join(sound[..., :fade] * ramp, sound[..., fade:])
        if self._period is None:
            return sound
        joint = crossfade(self._continue(fade), sound[..., :fade])
        return join(joint, sound[..., fade:])

    def interrupt(self, unplayed: int) -> None:
        """What was remembered breaks off, the last so many samples unplayed: what follows will be joined softly."""
        unplayed = min(unplayed, _HISTORY)
        self._history = join(silence(unplayed), self._history[..., : _HISTORY - unplayed])
        self._by_codec = False
        if self.sounding and self._period is None:
            self.conceal(0)

    def _continue(self, samples: int) -> Sound:
        if self._period is None:
            # Searched backwards in time: the end of what was played against what came before it.
            lag = best_lag(self._history[..., ::-1], LONGEST_LAG)
            self._period = self._history[..., -lag:]
        length = self._period.shape[-1]
        positions = (self._made_up + np.arange(samples)) % length
        result: Sound = self._period[..., positions] * _envelope(self._made_up, samples, HOLD, FADE_OUT)
        return result


_SILENCE = silence(_HISTORY)
