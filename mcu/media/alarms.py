"""Who is to be woken when: the few that are due are found without looking at all others. Pure."""

from __future__ import annotations

import heapq


class Alarms:
    """One time for each name; times in seconds are passed in."""

    def __init__(self) -> None:
        self._wanted: dict[str, float] = {}
        # A name that wants to be woken later than it did keeps its place in the heap, and is put off when it comes up.
        self._queued: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []

    def set(self, name: str, when: float) -> None:
        """Wake this one then, and not when it was to be woken before."""
        self._wanted[name] = when
        if when < self._queued.get(name, float("inf")):
            self._queue(name, when)

    def discard(self, name: str) -> None:
        """This one is not to be woken any more."""
        self._wanted.pop(name, None)

    def next(self) -> float:
        """When to ask for ``due`` again; infinity while nobody is to be woken."""
        while self._heap:
            when, name = self._heap[0]
            if self._queued.get(name) == when and self._wanted.get(name) == when:
                return when
            heapq.heappop(self._heap)
            self._put_off(when, name)
        return float("inf")

    def due(self, now: float) -> list[str]:
        """Those whose time has come, in order; each is woken once."""
        found = []
        while self.next() <= now:
            _, name = heapq.heappop(self._heap)
            del self._queued[name], self._wanted[name]
            found.append(name)
        return found

    def _put_off(self, when: float, name: str) -> None:
        if self._queued.get(name) == when:
            del self._queued[name]
            wanted = self._wanted.get(name)
            if wanted is not None:
                self._queue(name, wanted)

    def _queue(self, name: str, when: float) -> None:
        if when < float("inf"):
            self._queued[name] = when
            heapq.heappush(self._heap, (when, name))
