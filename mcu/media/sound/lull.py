"""The moments between words, in which the delay of sound can be changed unheard. Pure."""

from __future__ import annotations

from mcu.media.sound.samples import TICK_SAMPLES, Sound, join, level_dbfs

SOFTER = 20.0
"""By so many dB softer than what was said is a lull: a breath, or the closed lips before a p."""

SILENT_DBFS = -50.0
"""Below this it is one whatever was said."""

_FORGET = 0.1
"""dB by which what was said counts for less with each tick: somebody who spoke up may go on softly."""


class Lull:
    """Of one leg."""

    def __init__(self) -> None:
        self._loud = SILENT_DBFS

    def hear(self, sound: Sound) -> bool:
        """Whether the tick that is to be played next is in a lull."""
        level = level_dbfs(sound)
        self._loud = max(level, self._loud - _FORGET)
        return level < max(SILENT_DBFS, self._loud - SOFTER)


def tick_before(sound: Sound) -> Sound:
    """A tick to be put before the tick ``sound``, made of its first half: that forwards and then backwards.

    It begins and ends with what ``sound`` begins with, so there is no click at either joint.
    """
    half = sound[..., : TICK_SAMPLES // 2]
    return join(half, half[..., ::-1])
