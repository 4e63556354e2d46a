"""How much had been sent of a stream when each of its packets left: what a receiver's report is held against. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass

MOST_PICTURES = 512
"""Remembered: some fifteen seconds, longer than receivers wait with a report."""


FULL_QUEUE = 0.1
"""Seconds by which the way there and back takes longer than at best."""

# Seconds by which the best is taken for longer, each second.
_FORGOTTEN = 0.005


@dataclass(frozen=True, slots=True)
class Progress:
    """Since the stream began: ``packets`` and ``octets`` that were sent of it, those sent again too, and how many of
    them ``came``. ``highest`` is the newest packet that the receiver knows of, with its roll-overs. The way there and
    back took ``at_most`` the seconds since that one left, and ``at_least`` those since the one after it did.
    """

    highest: int
    packets: int
    octets: int
    came: int
    at_least: float
    at_most: float


class SentProgress:
    """``sent`` after each picture; ``reported`` for each report block."""

    def __init__(self, first: int) -> None:
        self._sent: deque[tuple[int, int, int, float]] = deque([(first, 0, 0, float("-inf"))], maxlen=MOST_PICTURES)
        self._block: tuple[int, int] | None = None
        self._came = 0
        self.progress: Progress | None = None
        self.is_full = False
        """Whether packets waited in a queue when it was last heard of them."""
        self._shortest: tuple[float, float] | None = None

    def sent(self, following: int, packets: int, octets: int, now: float) -> None:
        """So much in all; ``following`` is the number of the next packet, with its roll-overs."""
        self._sent.append((following, packets, octets, now))

    def reported(self, highest_sequence: int, packets_lost: int, now: float) -> None:
        """A receiver told of the highest number that it has seen, and how many below it are missing (RFC 3550 section
        6.4.1). ``progress`` is None while that makes no sense."""
        newest = self._sent[-1][0] - 1
        behind = (newest - highest_sequence) & 0xFFFF
        highest = newest - behind
        before, self._block = self._block, (highest, packets_lost)
        if behind >= 0x8000 or highest < self._sent[0][0] - 1 or (before is not None and highest < before[0]):
            self.progress, self._block = None, None
            return
        if before is not None:
            # What is sent again comes twice, where both came: then less is missing than before.
            self._came += max(0, highest - before[0] - (packets_lost - before[1]))
        place = bisect_right(self._sent, highest + 1, key=lambda one: one[0])
        _, packets, octets, left = self._sent[place - 1]
        at_least = now - self._sent[place][3] if place < len(self._sent) else 0.0
        self.progress = Progress(highest, packets, octets, self._came, max(0.0, at_least), max(0.0, now - left))
        self._note_shortest(self.progress.at_most, now)
        self.is_full = self._shortest is not None and at_least > self._shortest[0] + FULL_QUEUE

    def _note_shortest(self, round_trip: float, now: float) -> None:
        """The best is forgotten by and by: ways change."""
        shortest, since = self._shortest or (round_trip, now)
        self._shortest = min(round_trip, shortest + (now - since) * _FORGOTTEN), now
