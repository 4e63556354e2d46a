"""Encoders that nobody needs just now: kept for a moment, since those who left them often come back. Pure.

A receiver whose network wavers, or who tries one layout after another, would else open and close encoders all the
time. A spare one is given no pictures, so it costs memory alone.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from mcu.media.picture.state import Rung

# So long after it was needed last an encoder is given up; seconds.
LINGER = 5.0

# An encoder of 1080p holds some 30 MB.
MOST = 4

Encoder = TypeVar("Encoder")


class SpareEncoders(Generic[Encoder]):
    """By rung; times in seconds on the monotonic clock."""

    def __init__(self) -> None:
        self._spare: dict[Rung, tuple[Encoder, float]] = {}

    def put(self, rung: Rung, encoder: Encoder, now: float) -> None:
        """Nobody needs this one from now on."""
        self._spare[rung] = encoder, now

    def take(self, rung: Rung) -> Encoder | None:
        """The encoder of this rung, if there is still one."""
        found = self._spare.pop(rung, None)
        return None if found is None else found[0]

    def give_up(self, now: float) -> list[Encoder]:
        """Those that have not been needed for too long, or are too many, the oldest first; they are to be ended."""
        late = [rung for rung, (_, since) in self._spare.items() if now - since >= LINGER]
        late += [rung for rung in self._spare if rung not in late][: max(0, len(self._spare) - len(late) - MOST)]
        return [self._spare.pop(rung)[0] for rung in late]

    def give_up_all(self) -> list[Encoder]:
        """All of them: there is nothing to come back to."""
        return self.give_up(float("inf"))
