"""When to try how much more a network carries, by packets that are sent faster than the stream for a moment.

An estimate that nothing tests does not grow, and a ladder's next step costs a key frame, which everybody sees when it
was too much. A few packets that say nothing new, sent at twice the estimate, are a train (``trains.py``) that says it
within a tenth of a second. Pure: time is passed in.
"""

from __future__ import annotations

OCTETS = 13_000
"""Of a probe: a train must be longer than the network's jitter, and this is no queue to speak of where it fails."""

FACTOR = 2.0
"""Times the estimate."""

LEAST_RATE = 400_000
"""bit/s of the estimate; below, packets are so far apart that they are no train."""

AFTER_FALL = 1.0
"""Seconds in which a queue empties before anything is tried."""

AGAIN, FIRST_PAUSE, LONGEST_PAUSE = 0.4, 1.0, 8.0
"""Seconds from a probe to the next: where it found more, and otherwise, twice as long each time."""

# The estimate has grown by as much when a probe found more.
_FOUND = 1.2


class Probing:
    """``due`` is asked with each feedback."""

    def __init__(self) -> None:
        self._tried = float("-inf")
        self._tried_at = 0.0
        self._pause = FIRST_PAUSE

    def due(self, rate: float | None, fell: float, is_calm: bool, now: float) -> float | None:
        """The rate of a probe that is to be sent now, bit/s. ``rate`` is the estimate, None while nothing binds, and
        ``fell`` when it last did; ``is_calm``: nothing waits in queues."""
        if rate is None or rate < LEAST_RATE or not is_calm or now - fell < AFTER_FALL:
            return None
        if fell > self._tried:
            self._pause = FIRST_PAUSE
        elif rate > _FOUND * self._tried_at:
            self._pause = AGAIN
        if now - self._tried < self._pause:
            return None
        self._pause = FIRST_PAUSE if self._pause == AGAIN else min(2 * self._pause, LONGEST_PAUSE)
        self._tried, self._tried_at = now, rate
        return FACTOR * rate
