"""Who is audible, and who speaks: by level, among those with a voice, with hold times. Pure; time is passed in."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mcu.media.sound.samples import SILENCE_DBFS, Sound, level_dbfs

OPEN_DBFS = -62.0
"""A leg louder than this is mixed. Low, since quiet heart sounds are what some rooms are there to send."""

GATE_HOLD = 0.4
"""Seconds for which a leg stays in the mix after it fell below that level, so that word endings are kept."""

OPENING = 240
"""Samples (5 ms) of the ramp with which a leg comes into the mix."""

SPEECH_DBFS = -48.0
"""Softer than this nobody counts as speaking."""

SMOOTHING = 0.15
"""Weight of the newest tick in the smoothed level: about 130 ms, more than a syllable's pause."""

TAKE_OVER_DB = 4.0
TAKE_OVER_SECONDS = 0.4
"""Someone must be this much louder than the present speaker for this long; a cough is not a speech."""

SPEAKER_HOLD = 3.0
"""Seconds of silence after which nobody is the speaker."""


class Gate:
    """Whether a leg is audible. Opens within 5 ms, to keep the attack of a word, and closes over a tick: no clicks."""

    def __init__(self) -> None:
        self.level = SILENCE_DBFS
        self._open_until = 0.0
        self._was_open = False

    def passing(self, sound: Sound | None, now: float) -> Sound | None:
        """What of this tick goes into the mix, or None for nothing. ``sound`` is None in a pause of the sender."""
        if sound is None:  # faded out already
            self.level, self._was_open = SILENCE_DBFS, False
            return None
        self.level = level_dbfs(sound)
        if self.level > OPEN_DBFS:
            self._open_until = now + GATE_HOLD
        is_open = now < self._open_until
        was_open, self._was_open = self._was_open, is_open
        if is_open and was_open:
            return sound
        if not is_open and not was_open:
            return None
        return _opening(sound) if is_open else _closing(sound)

    def asleep(self, now: float) -> bool:
        """Whether it is closed, so that what is below its threshold is of no interest."""
        return not self._was_open and now >= self._open_until

    def always(self, sound: Sound | None) -> Sound | None:
        """Let everything pass, but say how loud it is."""
        self.level = SILENCE_DBFS if sound is None else level_dbfs(sound)
        self._was_open = sound is not None
        return sound

    def shut(self, sound: Sound | None) -> Sound | None:
        """Close over this tick, however loud it is: the microphone has been muted."""
        was_open, self._was_open, self._open_until = self._was_open, False, 0.0
        if sound is None or not was_open:
            return None
        return _closing(sound)


def _opening(sound: Sound) -> Sound:
    result = sound.copy()
    result[..., :OPENING] *= np.linspace(0, 1, OPENING, dtype=np.float32)
    return result


def _closing(sound: Sound) -> Sound:
    result: Sound = sound * np.linspace(1, 0, sound.shape[-1], dtype=np.float32)
    return result


class SpeakerDetector:
    """Follows the smoothed levels of all legs and names the speaker."""

    def __init__(self) -> None:
        self.speaker: str | None = None
        self._levels: dict[str, float] = {}
        self._challenger: str | None = None
        self._challenged_at = 0.0
        self._heard_at = 0.0

    def update(self, levels: Mapping[str, float], now: float) -> bool:
        """Take one tick's levels in dBFS of the legs that may speak, SILENCE_DBFS for one without a voice.

        True when the speaker changed.
        """
        before = self.speaker
        self._levels = {
            leg: (1 - SMOOTHING) * self._levels.get(leg, SILENCE_DBFS) + SMOOTHING * max(level, OPEN_DBFS)
            for leg, level in levels.items()
        }
        if self.speaker not in self._levels:
            self.speaker = None
        loudest = max(self._levels, key=self._levels.__getitem__, default=None)
        if loudest is None or loudest == self.speaker or self._levels[loudest] < SPEECH_DBFS:
            self._challenger = None
        else:
            self._challenge(loudest, now)
        if self.speaker is not None and self._levels[self.speaker] >= SPEECH_DBFS:
            self._heard_at = now
        elif now - self._heard_at > SPEAKER_HOLD:
            self.speaker = None
        return self.speaker != before

    def _challenge(self, leg: str, now: float) -> None:
        """A leg is the loudest but not the speaker: let it take over when that lasts."""
        margin = self._levels[leg] - (self._levels[self.speaker] if self.speaker is not None else SILENCE_DBFS)
        if margin < TAKE_OVER_DB:
            self._challenger = None
            return
        if leg != self._challenger:
            self._challenger, self._challenged_at = leg, now
        if now - self._challenged_at >= TAKE_OVER_SECONDS - 1e-6:
            self.speaker, self._challenger, self._heard_at = leg, None, now
