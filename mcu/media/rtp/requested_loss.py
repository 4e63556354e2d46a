"""What share of its packets a peer loses, by what it asks to have sent again (generic NACK). Pure.

Requests come a round trip after a loss, reports seconds later; and reports do not count as lost what came when it was
sent again.
"""

from __future__ import annotations

from collections.abc import Sequence

WINDOW = 1.0
"""Seconds that are judged together, and without a request after which what came before is forgotten."""

LEAST_PACKETS = 40
"""Sent meanwhile; of fewer nothing can be told."""


class RequestedLoss:
    """Of one stream sent. Time is in seconds."""

    __slots__ = ("_began", "_first", "_fresh", "_last", "_newest")

    def __init__(self, sequence: int) -> None:
        """``sequence`` is the number of the first packet, with its roll-overs."""
        self._newest = sequence - 1
        self._began = self._last = float("-inf")
        self._first = sequence
        self._fresh = 0

    def requested(self, numbers: Sequence[int], sequence: int, now: float) -> float | None:
        """The peer asked for these packets (16 bits) while ``sequence`` was the next to be sent.

        Gives the share that it loses, None while that is not known. What it asks for once more does not count again.
        """
        if now - self._last > WINDOW:
            self._began, self._first, self._fresh = now, sequence, 0
        self._last = now
        for number in numbers:
            extended = sequence - ((sequence - number) & 0xFFFF)
            if extended > self._newest:
                self._newest = extended
                self._fresh += 1
        sent = sequence - self._first
        if sent < LEAST_PACKETS:
            return None
        share = min(1.0, self._fresh / sent)
        if now - self._began >= WINDOW:
            self._began, self._first, self._fresh = now, sequence, 0
        return share
