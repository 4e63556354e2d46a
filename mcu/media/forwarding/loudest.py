"""Whose voices go to those who hear them as they are: the loudest, by what packets tell (RFC 6464). Pure.

Who is heard stays until somebody else is clearly louder: a change is heard, and silence needs none.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

VOICES = 3
"""So many are heard at a time: where more speak at once nobody understands anybody."""

# dB below full scale; what is quieter is breath, or the room.
AUDIBLE = 55
# By so many dB somebody has to be louder to be heard in place of another.
LEAD = 6.0
# dB a second by which a voice is forgotten: the gaps between words are no silence.
FALL = 40.0
# Whoever came a moment ago stays for so long, seconds.
STAY = 0.3


@dataclass(slots=True)
class _Voice:
    loudness: float
    at: float
    since: float


class Loudest:
    """Remembers how loud everybody is."""

    def __init__(self) -> None:
        self._voices: dict[str, _Voice] = {}
        self._heard: list[str] = []
        self._next: str | None = None

    def heard(self, who: str, level: int, now: float) -> bool:
        """A packet of somebody came, so many dB below full scale; True when others are the loudest from now on."""
        voice = self._voices.setdefault(who, _Voice(-127.0, now, now))
        voice.loudness, voice.at = max(float(-level), self._loudness(who, now)), now
        if who in self._heard:
            return False
        if len(self._heard) < VOICES:
            return self._take(who, now)
        weakest = min(self._heard, key=lambda one: self._loudness(one, now))
        if now - self._voices[weakest].since >= STAY and self._is_louder(who, weakest, now):
            self._heard.remove(weakest)
            return self._take(who, now)
        if self._next is None or (who != self._next and self._is_louder(who, self._next, now)):
            self._next = who
            return True
        return False

    def keep(self, people: Collection[str]) -> bool:
        """Forget all others; True when one of them was heard."""
        self._voices = {who: voice for who, voice in self._voices.items() if who in people}
        before = list(self._heard), self._next
        self._heard = [who for who in self._heard if who in people]
        self._next = self._next if self._next in people else None
        return before != (self._heard, self._next)

    def to(self, listener: str) -> tuple[str, ...]:
        """The loudest besides the listener."""
        if listener in self._heard and self._next is not None:
            return (*(who for who in self._heard if who != listener), self._next)
        return tuple(who for who in self._heard if who != listener)

    def is_silent(self, who: str, now: float) -> bool:
        """Whether nothing is heard of somebody now."""
        return who not in self._voices or self._loudness(who, now) < -AUDIBLE

    def _take(self, who: str, now: float) -> bool:
        self._heard.append(who)
        self._voices[who].since = now
        if self._next == who:
            self._next = None
        return True

    def _is_louder(self, who: str, other: str, now: float) -> bool:
        mine = self._loudness(who, now)
        return mine >= -AUDIBLE and mine >= self._loudness(other, now) + LEAD

    def _loudness(self, who: str, now: float) -> float:
        voice = self._voices[who]
        return max(-127.0, voice.loudness - FALL * max(0.0, now - voice.at))
