"""Groups of packets that left together, and by how much their distance grew on the way (draft section 5.2)."""

from __future__ import annotations

from dataclasses import dataclass

BURST = 0.005
"""Packets sent within so many seconds are one group: a pacer sends that often."""

LONGEST_BURST = 0.1
"""Packets that a network held up and let go at once are one group as well, unless they take longer than this."""


@dataclass(slots=True)
class _Group:
    first_sent: float
    last_sent: float
    first_arrival: float
    last_arrival: float


class GroupDistances:
    """``add`` takes packets in the order in which they were sent, and gives a distance when a group is complete."""

    def __init__(self) -> None:
        self._before: _Group | None = None
        self._current: _Group | None = None

    def add(self, sent: float, arrival: float) -> tuple[float, float] | None:
        """Seconds between the last two whole groups, at sending and at arrival; None while there are not two."""
        current = self._current
        if current is None:
            self._current = _Group(sent, sent, arrival, arrival)
            return None
        if sent < current.first_sent:
            return None  # told late; its group has been counted
        if self._belongs(current, sent, arrival):
            current.last_sent = max(current.last_sent, sent)
            current.last_arrival = max(current.last_arrival, arrival)
            return None
        found = self._distance(current)
        self._current = _Group(sent, sent, arrival, arrival)
        return found

    def _distance(self, current: _Group) -> tuple[float, float] | None:
        before, self._before = self._before, current
        if before is None:
            return None
        came = current.last_arrival - before.last_arrival
        return None if came < 0 else (current.last_sent - before.last_sent, came)

    @staticmethod
    def _belongs(group: _Group, sent: float, arrival: float) -> bool:
        if sent - group.first_sent <= BURST:
            return True
        later = arrival - group.last_arrival
        held_up = later < sent - group.last_sent and -LONGEST_BURST < later <= BURST
        return held_up and arrival - group.first_arrival < LONGEST_BURST
