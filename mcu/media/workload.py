"""The work of all conferences of a worker, and what of it gives way when the machine is short of CPU."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Protocol

from mcu.media.fairness import CanvasLoad, Fairness
from mcu.media.picture.state import CanvasFormat

logger = logging.getLogger(__name__)

_Canvas = tuple[str, CanvasFormat]
"""A canvas of a conference."""


class Conference(Protocol):
    """What is asked of a conference; ``ConferenceMedia`` is one."""

    def late_ticks(self) -> int: ...

    def loads(self) -> dict[CanvasFormat, CanvasLoad]: ...

    def pace(self, form: CanvasFormat, divisor: int) -> None: ...


class Workload:
    """Asks conferences once a second how they keep up, and paces their canvases."""

    def __init__(self) -> None:
        self._fairness: Fairness[_Canvas] = Fairness()
        self._late: dict[str, int] = {}
        self._slowed = 0

    def review(self, conferences: Mapping[str, Conference]) -> None:
        """Look at all of them, and make some slower or faster."""
        loads: dict[_Canvas, CanvasLoad] = {}
        late: dict[str, int] = {}
        for conference_id, conference in conferences.items():
            late[conference_id] = conference.late_ticks()
            loads |= {(conference_id, form): load for form, load in conference.loads().items()}
        new = sum(count - self._late.get(conference_id, 0) for conference_id, count in late.items())
        self._late = late
        divisors = self._fairness.review(loads, max(0, new))
        for (conference_id, form), divisor in divisors.items():
            conferences[conference_id].pace(form, divisor)
        self._tell(sum(divisor > 1 for divisor in divisors.values()), len(divisors), new)

    def _tell(self, slowed: int, canvases: int, late: int) -> None:
        if slowed == self._slowed:
            return
        self._slowed = slowed
        if slowed:
            logger.warning(
                "short of CPU: %d of %d canvases make fewer pictures a second (%d sound ticks late in the last second)",
                slowed,
                canvases,
                late,
            )
        else:
            logger.info("all canvases make all their pictures again")
