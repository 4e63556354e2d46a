"""By how much the mix leaves later than the pictures that belong to it. Pure.

Pictures that are forwarded go out as they come; sound waits for the network and for the mix. Receivers are told, so
that they can hold pictures back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

# Playout buffers move slowly.
INTERVAL = 2.0
# Changes below this are not worth a word; beyond the other, clocks are not what they say. Seconds.
STEP, MOST = 0.025, 1.5


class SoundBehind:
    """``delay`` is how long somebody's sound takes from its capture, on its own clock, to the mix on ours; ``arrival``
    is the same to its arrival. None while that is not known.
    """

    def __init__(self, delay: Callable[[str, float], float | None], arrival: Callable[[str], float | None]) -> None:
        self._delay = delay
        self._arrival = arrival
        self._behind: dict[str, float] = {}
        self._next = 0.0

    def measure(self, people: Iterable[str], now: float) -> tuple[tuple[str, float], ...]:
        """Look at everybody when it is time. What has been found, in seconds; it changes in steps."""
        if now >= self._next:
            self._next = now + INTERVAL
            self._behind = {who: found for who in people if (found := self._measure(who, now))}
        return tuple(self._behind.items())

    def of(self, who: str | None) -> int:
        """Milliseconds; 0 while nothing is known."""
        return round(1000 * self._behind.get(who or "", 0.0))

    def _measure(self, who: str, now: float) -> float:
        mixed, arrived, before = self._delay(who, now), self._arrival(who), self._behind.get(who, 0.0)
        if mixed is None or arrived is None:
            return before
        behind = min(MOST, max(0.0, mixed - arrived))
        return before if abs(behind - before) < STEP else behind
