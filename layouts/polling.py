"""A round: everybody is seen in turn, so many at a time."""

from __future__ import annotations

from collections.abc import Sequence


class PollingRound:
    """Whose turn it is. Those who have waited longest come next; who leaves is replaced at once."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._shown: list[str] = []
        self._waiting: list[str] = []
        self.deadline: float | None = None
        """When the next are due; None while there is room for all."""

    @property
    def next(self) -> tuple[str, ...]:
        """Who is due then."""
        return () if self.deadline is None else tuple((self._waiting + self._shown)[: len(self._shown)])

    def turn(self, people: Sequence[str], places: int, now: float) -> tuple[str, ...]:
        """Who of ``people`` is seen at ``now``: ``places`` of them, or all. Newcomers wait for their turn."""
        present = set(people)
        shown = [who for who in self._shown if who in present]
        waiting = [who for who in self._waiting if who in present]
        known = {*shown, *waiting}
        waiting += [who for who in people if who not in known]
        if len(people) <= places or places <= 0:
            self.deadline = None
            places = max(0, places)
        elif self.deadline is None:
            self.deadline = now + self._interval
        elif now >= self.deadline:
            waiting, shown = waiting + shown, []
            # After a standstill the round goes on from here, and does not race to catch up.
            on_time = self.deadline + self._interval
            self.deadline = on_time if on_time > now else now + self._interval
        queue = shown + waiting
        self._shown, self._waiting = queue[:places], queue[places:]
        return tuple(self._shown)
