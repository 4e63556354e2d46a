"""What a link carries, from pictures that are sent faster than on average: probing without padding.

A key frame leaves as a train of packets at the pacer's rate, well above that of the stream. Where it arrives as fast as
it left, the link carries that much; where it does not, it arrives as fast as the link carries it.
"""

from __future__ import annotations

LEAST_PACKETS, LEAST_OCTETS = 8, 8_000
"""A shorter train says more about the network's jitter than about its rate."""

LARGEST_GAP = 0.012
"""Between two packets of a train, seconds: pacers pause for less, and from picture to picture it is more."""

LEAST_SPAN = 0.015
"""A train that arrives within less was let go at once by something that had held it up."""

LONGEST_SPAN = 0.5

MOST_LOST = 0.2
"""The share of packets; where more are missing a queue has overflowed, or nothing can be told."""

_AS_FAST = 0.9
_KEPT_OF_LINK = 0.95


class Trains:
    """``add`` takes packets in the order in which they were sent, lost ones too, and gives a rate at a train's end."""

    def __init__(self) -> None:
        self._first: tuple[float, float] | None = None
        self._last = 0.0, 0.0
        self._packets = self._octets = self._lost = 0

    def add(self, sent: float, arrival: float | None, octets: int) -> float | None:
        """bit/s that the train which has just ended got through at; None while there is none, or it says nothing."""
        found = None
        if self._first is not None and not 0 <= sent - self._last[0] <= LARGEST_GAP:
            found = self.so_far()
            self._first = None
        if arrival is None:
            self._lost += 1
            if self._first is not None:
                self._last = sent, self._last[1]
            return found
        if self._first is None:
            self._first = sent, arrival
            self._packets = self._octets = self._lost = 0
        else:
            # The first one's octets left before the time is counted.
            self._packets += 1
            self._octets += octets
        self._last = sent, max(arrival, self._last[1] if self._packets else arrival)
        return found

    def so_far(self) -> float | None:
        """The same of a train that has not ended yet."""
        if self._first is None or self._packets < LEAST_PACKETS or self._octets < LEAST_OCTETS:
            return None
        if self._lost > self._packets * MOST_LOST:
            return None
        left, came = self._last[0] - self._first[0], self._last[1] - self._first[1]
        if not LEAST_SPAN <= came <= LONGEST_SPAN:
            return None
        through, tried = self._octets * 8 / came, self._octets * 8 / max(left, 0.001)
        return min(through, tried) if through >= _AS_FAST * tried else through * _KEPT_OF_LINK
