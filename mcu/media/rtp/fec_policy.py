"""How many repair packets go out beside a picture (forward error correction), by what its receiver reports. Pure.

Whoever can ask for what it lost needs them only where asking takes too long: requests cost no more than what is lost,
but each round of them costs a round trip, and where much is lost they are lost as well. Who knows RTP only has nothing
else. They take their part of the call's rate, which the encoder gives up.
"""

from __future__ import annotations

import math
from collections import deque

HOLD = 20.0
"""Seconds for which the worst report counts: loss comes back, and repair packets begin to help only after a report."""

STEP = 0.125
"""Shares are multiples of this: the rate of a picture is not changed for less."""

MOST_REPORTS = 64
"""Reports remembered: three a second, which is more often than receivers report."""

MOST = 1.0
"""Repair packets for each packet, at most: then half of the rate is left for the picture."""

MOST_BESIDE_REPEATS = 0.5
"""The same for who can ask again: what is still lost then, is asked for."""

FULL_QUEUE = 0.1
"""Seconds by which the round trip is longer than at best: what is lost then did not fit, and repair packets would not
either."""

_PLAIN_BASE, _PLAIN_SLOPE, _PLAIN_THRESHOLD = 0.2, 4.0, 0.004
_REPEATS_BASE, _REPEATS_SLOPE = 0.1, 2.0

# A round of asking takes the round trip and a bit; pictures that are late by more than these are seen to be.
_SHORT_ROUND_TRIP, _LONG_ROUND_TRIP = 0.1, 0.2
# From which loss on repair packets are worth their rate, by the round trip.
_SHORT_THRESHOLD, _MEDIUM_THRESHOLD, _LONG_THRESHOLD = 0.08, 0.03, 0.01


class RepairPolicy:
    """``share`` is how many repair packets go out for each packet of the stream. Time in seconds."""

    def __init__(self, repeats: bool) -> None:
        """``repeats``: the peer asks for what it has lost (NACK)."""
        self._repeats = repeats
        self._reports: deque[tuple[float, float]] = deque(maxlen=MOST_REPORTS)
        self._shortest = 0.0
        self.share = 0.0

    def reported(self, fraction_lost: float, round_trip: float, now: float) -> None:
        """The peer told what share of the packets it has lost; ``round_trip`` is 0 while it is not known."""
        if round_trip:
            self._shortest = min(self._shortest or round_trip, round_trip)
        is_full = round_trip > self._shortest + FULL_QUEUE
        self._reports.append((now, 0.0 if is_full else fraction_lost))
        while self._reports[0][0] < now - HOLD:
            self._reports.popleft()
        wanted = self._wanted(max(lost for _, lost in self._reports), round_trip)
        self.share = math.ceil(wanted / STEP) * STEP

    def _wanted(self, lost: float, round_trip: float) -> float:
        if not self._repeats:
            return min(MOST, _PLAIN_BASE + _PLAIN_SLOPE * lost) if lost >= _PLAIN_THRESHOLD else 0.0
        if round_trip < _SHORT_ROUND_TRIP:
            threshold = _SHORT_THRESHOLD
        else:
            threshold = _MEDIUM_THRESHOLD if round_trip < _LONG_ROUND_TRIP else _LONG_THRESHOLD
        return min(MOST_BESIDE_REPEATS, _REPEATS_BASE + _REPEATS_SLOPE * lost) if lost >= threshold else 0.0
