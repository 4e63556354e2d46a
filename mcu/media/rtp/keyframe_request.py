"""When to ask the peer for a key frame: at once, not too often, and again until one comes."""

from __future__ import annotations

# Two requests closer than this would be answered by one key frame anyway.
MIN_INTERVAL = 0.3
# The first repetition; a peer that never answers is asked ever more slowly, up to MAX_INTERVAL.
FIRST_REPEAT = 0.5
MAX_INTERVAL = 2.0
# Asked in vain for longer than this, signalling may try.
OVERDUE = 1.0


class KeyFrameRequester:
    """A machine of two states, content and wanting, without a view of RTCP."""

    __slots__ = ("_interval", "_last", "_overdue", "_wanted_since", "repeats")

    def __init__(self) -> None:
        self._wanted_since: float | None = None
        self._last = float("-inf")
        self._interval = FIRST_REPEAT
        self._overdue = False
        self.repeats = 0

    @property
    def wanting(self) -> bool:
        """A key frame was asked for and has not come."""
        return self._wanted_since is not None

    def want(self, now: float) -> None:
        """A key frame is needed."""
        if self._wanted_since is None:
            self._wanted_since = now
            self._interval = FIRST_REPEAT
            self._overdue = False
            self.repeats = 0

    def lost(self) -> None:
        """A key frame came, but not whole: ask for the next one as soon as the rate limit allows."""
        self._interval = MIN_INTERVAL

    def received(self) -> None:
        """A key frame came."""
        self._wanted_since = None

    def next_deadline(self) -> float | None:
        """When the next request is due."""
        if self._wanted_since is None:
            return None
        interval = MIN_INTERVAL if self._last < self._wanted_since else self._interval
        return max(self._wanted_since, self._last + interval)

    def due(self, now: float) -> bool:
        """Whether to send a request now; the answer yes counts as sending it."""
        deadline = self.next_deadline()
        if deadline is None or now < deadline:
            return False
        assert self._wanted_since is not None
        if self._last >= self._wanted_since:
            self.repeats += 1
            self._interval = min(self._interval * 1.5, MAX_INTERVAL)
        self._last = now
        return True

    def overdue(self, now: float) -> bool:
        """True once per want, when it has lasted too long."""
        if self._wanted_since is None or self._overdue or now - self._wanted_since < OVERDUE:
            return False
        self._overdue = True
        return True
