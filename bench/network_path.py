"""One direction of a bad network, simulated: loss, delay, jitter, disorder, duplicates and a narrow link. Pure.

The same seed, the same datagrams at the same times and the same conditions give the same result. Time is in seconds
and passed in. A datagram passes the narrow link first (it queues, or is dropped where the queue is full), then it may
be lost, then it travels.
"""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")

# IPv4 and UDP headers, which take their part of a link's rate.
OVERHEAD_BYTES = 28

# Datagrams on their way at once; what is beyond is dropped, so that a forgotten path does not eat the memory.
MAX_UNDER_WAY = 20_000

# How often a path with jitter changes its delay, in seconds.
JITTER_HOLD = 0.25


@dataclass(frozen=True)
class Conditions:
    """What a network does. The default is a perfect one.

    ``loss`` is the share of datagrams lost on the whole; with ``burst`` above 1 they are lost in runs of this mean
    length (Gilbert-Elliott with a good state that loses nothing and a bad one that loses all). ``delay`` is the same
    for all, in seconds. With ``jitter`` up to so many seconds come on top, anew four times a second; order is kept, so
    datagrams bunch, as behind a queue that fills and empties. With ``scatter`` each comes up to so many seconds later
    by itself, overtaken by others. ``reorder`` is the share that is held back by ``reorder_delay`` and overtaken,
    ``duplicate`` the share that comes twice. ``rate`` in bit/s is that of the narrowest link, which queues ``queue``
    seconds and drops what comes beyond.
    """

    loss: float = 0.0
    burst: float = 1.0
    delay: float = 0.0
    jitter: float = 0.0
    scatter: float = 0.0
    reorder: float = 0.0
    reorder_delay: float = 0.03
    duplicate: float = 0.0
    rate: float | None = None
    queue: float = 0.3

    def __post_init__(self) -> None:
        for name in ("loss", "reorder", "duplicate"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a share, from 0 to 1")
        if min(self.delay, self.jitter, self.scatter, self.reorder_delay, self.queue) < 0:
            raise ValueError("times are not negative")
        if self.burst < 1 or (self.rate is not None and self.rate <= 0):
            raise ValueError("burst is at least 1, and rate positive")
        if self.burst > 1 and self.loss >= 1:
            raise ValueError("bursts need some time without loss")


class NetworkPath(Generic[Item]):
    """Datagrams in by ``push``, out by ``pop_due``, each with an ``Item`` that says where it goes."""

    def __init__(self, conditions: Conditions, seed: int) -> None:
        self._conditions = conditions
        self._random = random.Random(seed)
        self._under_way: list[tuple[float, int, bytes, Item]] = []
        self._number = 0
        self._losing = False
        self._link_free = 0.0
        self._wobble = 0.0
        self._wobble_until = float("-inf")
        self._last_in_order = 0.0
        self.passed = 0
        self.lost = 0
        self.overflowed = 0

    @property
    def conditions(self) -> Conditions:
        """What the network does now."""
        return self._conditions

    def change(self, conditions: Conditions, now: float) -> None:
        """From now on it is another network; what is under way arrives as it would have."""
        if conditions.rate is None or self._conditions.rate is None:
            self._link_free = now
        else:
            # What queues goes on at the new rate.
            self._link_free = now + max(0.0, self._link_free - now) * self._conditions.rate / conditions.rate
        self._conditions = conditions
        self._losing = False
        self._wobble_until = float("-inf")

    def push(self, data: bytes, item: Item, now: float) -> None:
        """Send a datagram."""
        conditions = self._conditions
        left = now
        if conditions.rate is not None:
            if self._link_free - now > conditions.queue:
                self.overflowed += 1
                return
            self._link_free = max(now, self._link_free) + (len(data) + OVERHEAD_BYTES) * 8 / conditions.rate
            left = self._link_free
        if self._is_lost():
            self.lost += 1
            return
        self._travel(data, item, left, now)
        if conditions.duplicate and self._random.random() < conditions.duplicate:
            self._travel(data, item, left, now)

    def _is_lost(self) -> bool:
        conditions = self._conditions
        if not conditions.loss:
            return False
        if conditions.burst <= 1:
            return self._random.random() < conditions.loss
        # The mean stay in the bad state is ``burst`` datagrams; the way into it makes the share right.
        leave = 1 / conditions.burst
        enter = conditions.loss * leave / (1 - conditions.loss)
        self._losing = self._random.random() < (1 - leave if self._losing else enter)
        return self._losing

    def _travel(self, data: bytes, item: Item, left: float, now: float) -> None:
        conditions = self._conditions
        if len(self._under_way) >= MAX_UNDER_WAY:
            self.overflowed += 1
            return
        arrival = left + conditions.delay + self._jitter(now)
        if conditions.reorder and self._random.random() < conditions.reorder:
            arrival += conditions.reorder_delay
        else:
            arrival = self._last_in_order = max(arrival, self._last_in_order)
        if conditions.scatter:
            arrival += self._random.random() * conditions.scatter
        self._number += 1
        heapq.heappush(self._under_way, (arrival, self._number, data, item))

    def _jitter(self, now: float) -> float:
        if not self._conditions.jitter:
            return 0.0
        if now >= self._wobble_until:
            self._wobble = self._random.random() * self._conditions.jitter
            self._wobble_until = now + JITTER_HOLD
        return self._wobble

    def next_deadline(self) -> float | None:
        """When the next datagram arrives."""
        return self._under_way[0][0] if self._under_way else None

    def pop_due(self, now: float) -> list[tuple[bytes, Item]]:
        """What has arrived by now, in order of arrival."""
        due: list[tuple[bytes, Item]] = []
        while self._under_way and self._under_way[0][0] <= now:
            _, _, data, item = heapq.heappop(self._under_way)
            due.append((data, item))
        self.passed += len(due)
        return due
