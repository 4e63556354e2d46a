"""Time as the conference sees it, so that tests can turn it forward."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def utc_now() -> datetime:
    """The wall clock, always in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Clock:
    """``monotonic`` gives seconds for deadlines; ``wall`` the date and time, in UTC, that people and files see."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], datetime] = utc_now
