"""When the next picture of a canvas is due."""

from __future__ import annotations

from dataclasses import dataclass

# The golden section: however many parts of an interval it is gone round by, no two come close to each other.
_STEP = 0.382


def phase(number: int, frame_rate: int) -> float:
    """How many seconds after the others the clock with this number is to begin.

    Canvases that all begin at once would want the processors in the same instants, and leave them idle in between.
    """
    return number * _STEP % 1 / frame_rate


@dataclass(frozen=True, slots=True)
class Tick:
    """A picture is due. ``time`` is the instant it shows (s, monotonic); ``missed`` pictures before it were skipped."""

    time: float
    missed: int


class FrameClock:
    """Instants at an even rate on the monotonic clock.

    Instants are counted from an origin, so rounding never adds up. A tick that comes late is still made, and the ones
    after it follow at once until the clock has caught up, but never more than CATCH_UP of them: what lies further back
    is given up and counted.
    """

    # One picture late is jitter that a receiver evens out; bursts of more only add to the load that caused them.
    CATCH_UP = 1

    def __init__(self, frame_rate: int, now: float) -> None:
        self._rate = frame_rate
        self._origin = now
        self._next = 0

    @property
    def deadline(self) -> float:
        """The instant of the next picture."""
        return self._origin + self._next / self._rate

    def tick(self, now: float) -> Tick | None:
        """The picture due at ``now``, or None when it is too early."""
        if now < self.deadline:
            return None
        behind = int((now - self.deadline) * self._rate)
        missed = max(0, behind - self.CATCH_UP)
        self._next += missed
        tick = Tick(self.deadline, missed)
        self._next += 1
        return tick
