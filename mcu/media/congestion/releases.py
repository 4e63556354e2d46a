"""Packets that a network had held up and lets go at once: what delayed them was no queue of a link that is too narrow.

A narrow link lets packets out as fast as it carries them, never faster. Radio, and a receiver that has other work, hold
some back for a moment and then hand over all of them. Who takes that for a queue sends less and less for nothing. Pure.
"""

from __future__ import annotations

LEAST_SENT, LEAST_OCTETS = 0.03, 2_000
"""Seconds over which what comes together was sent, and octets: a picture is sent at once and comes so."""

FASTER = 2.0
"""Times what is sent, at least; and so much shorter than it took to send it."""

_LEAST_GAP = 0.001


class Releases:
    """``add`` takes packets in the order in which they were sent."""

    def __init__(self) -> None:
        self._first: tuple[float, float] | None = None
        self._last = 0.0
        self._octets = 0

    def add(self, sent: float, arrival: float, octets: int, usual: float) -> float | None:
        """The rate, bit/s, of what was let go with this packet after it had been held up; ``usual`` is what is sent."""
        gap = max(_LEAST_GAP, octets * 8 / (FASTER * usual)) if usual > 0 else _LEAST_GAP
        first = self._first
        if first is None or sent < first[0] or not 0 <= arrival - self._last <= gap:
            self._first, self._last, self._octets = (sent, arrival), arrival, 0
            return None
        self._last = arrival
        self._octets += octets
        took, came = sent - first[0], arrival - first[1]
        if took < LEAST_SENT or self._octets < LEAST_OCTETS or came * FASTER > took:
            return None
        return self._octets * 8 / max(came, _LEAST_GAP)
