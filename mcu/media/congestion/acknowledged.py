"""How much gets through: the rate of what a receiver has told to have come."""

from __future__ import annotations

from collections import deque

WINDOW = 0.5
"""Seconds: some pictures, so that one large one does not count for all."""

LEAST_SPAN = 0.15
"""Over less than this nothing is measured; after a pause it begins again, for a pause is the sender's doing."""

PAUSE = 0.25


class AcknowledgedRate:
    """``rate`` in bit/s; None before there is enough."""

    def __init__(self) -> None:
        self.rate: float | None = None
        self._came: deque[tuple[float, int]] = deque()
        self._octets = 0

    def add(self, octets: int, at: float) -> None:
        """So many octets have come ``at`` this instant of the receiver's clock."""
        came = self._came
        if came and not -PAUSE < at - came[-1][0] < PAUSE:
            came.clear()
            self._octets = 0
        at = max(at, came[-1][0]) if came else at
        came.append((at, octets))
        self._octets += octets
        while came[0][0] < at - WINDOW:
            self._octets -= came.popleft()[1]
        span = at - came[0][0]
        if span >= LEAST_SPAN:
            # The first one came at the beginning of the span: its octets were on the way before.
            self.rate = (self._octets - came[0][1]) * 8 / span
