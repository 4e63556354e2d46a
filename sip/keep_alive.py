"""When to ping a connection and when to give it up, and when to try again after a failure. Time comes in."""

from __future__ import annotations

from collections.abc import Hashable
from enum import Enum, auto

# RFC 5626 §4.4.1: a pong that takes longer will not come.
PONG_TIME = 10.0
# A connection that we opened and that only pings keep open. Calls on it go on: the next request opens another.
MAX_IDLE = 3600.0
# RFC 5626 §4.5 spaces tries out, and has them doubled; here from a second up to half a minute.
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 32.0
MAX_REMEMBERED = 4096


class Pulse(Enum):
    """What to do about a connection now."""

    NOTHING = auto()
    PING = auto()
    DEAD = auto()
    """Close it: the peer has answered pings, and does not any more."""
    IDLE = auto()
    """Close it: nobody needs it."""


class KeepAlive:
    """One connection that we opened. ``interval``: seconds of silence before a ping."""

    def __init__(self, interval: float, now: float) -> None:
        self._interval = interval
        self._heard = self._used = now
        self._pinged: float | None = None
        self._answers = False

    def heard(self, now: float) -> None:
        """Bytes came."""
        if self._pinged is not None:
            self._answers = True
        self._heard, self._pinged = now, None

    def used(self, now: float) -> None:
        """More than a ping or its answer was sent or came."""
        self._used = now

    def check(self, now: float) -> Pulse:
        """What to do now; PING counts as sent. Peers that never answer pings are pinged all the same, for their NAT."""
        if self._pinged is not None and self._answers and now - self._pinged >= PONG_TIME:
            return Pulse.DEAD
        if now - self._used >= MAX_IDLE:
            return Pulse.IDLE
        if now - max(self._heard, self._pinged or 0.0) >= self._interval:
            self._pinged = now
            return Pulse.PING
        return Pulse.NOTHING


class Pauses:
    """How long to leave a place alone that could not be reached: each failure doubles the pause."""

    def __init__(self) -> None:
        self._failed: dict[Hashable, tuple[float, float]] = {}

    def may_try(self, place: Hashable, now: float) -> bool:
        """Whether the pause is over."""
        return self._failed.get(place, (0.0, 0.0))[1] <= now

    def failed(self, place: Hashable, now: float) -> None:
        """Could not be reached."""
        if len(self._failed) >= MAX_REMEMBERED:
            self._failed.clear()
        last = self._failed.get(place, (0.0, 0.0))[0]
        pause = min(2 * last or FIRST_PAUSE, LONGEST_PAUSE)
        self._failed[place] = pause, now + pause

    def reached(self, place: Hashable) -> None:
        """It works again."""
        self._failed.pop(place, None)
