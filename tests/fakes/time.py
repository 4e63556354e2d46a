"""A clock that stands still until a test turns it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mcu.conference.clock import Clock


class FakeTime:
    """Monotonic and wall time that move together."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.start = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds

    def wall(self) -> datetime:
        return self.start + timedelta(seconds=self.seconds - 1000.0)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds

    @property
    def clock(self) -> Clock:
        return Clock(self.monotonic, self.wall)
