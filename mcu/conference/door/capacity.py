"""Ports handed out by need (MCU-13): what is used, what a change would take, and how a call is lowered to fit. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from mcu.media.spec import ConferenceSpec, LegSpec, VideoSpec
from mcu.ports import PortMeter

FULL_SIZE = (1920, 1080)

# A call that does not fit is offered smaller pictures, in this order, before it is refused.
LOWER_SIZES = ((1280, 720), (640, 360))

# Sums of parts of ports differ in their last digits.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class PortsInUse:
    """Ports of 1080p30. ``total`` None: nobody knows, and nothing is refused."""

    total: float | None
    used: float

    @property
    def free(self) -> float | None:
        """What is left; never below zero, though a machine set too low may be overdrawn."""
        return None if self.total is None else max(0.0, self.total - self.used)


class PortBook:
    """Who has how many ports. Without a meter everything fits."""

    def __init__(self, meter: PortMeter | None = None) -> None:
        self._meter = meter
        self._used: dict[str, float] = {}

    @property
    def state(self) -> PortsInUse:
        """All ports of the installation."""
        total = None if self._meter is None else self._meter.total()
        return PortsInUse(total, sum(self._used.values()))

    def used_by(self, conference_id: str) -> float:
        """The ports of one conference."""
        return self._used.get(conference_id, 0.0)

    def enter(self, spec: ConferenceSpec) -> None:
        """This is what a conference is from now on."""
        if self._meter is not None:
            self._used[spec.id] = self._meter.cost(spec)

    def forget(self, conference_id: str) -> None:
        """A conference has ended."""
        self._used.pop(conference_id, None)

    def largest_source(self, *, first: bool) -> tuple[int, int] | None:
        """What somebody who comes now should send at most, so that it can be decoded too; None: whatever it likes.

        Who comes ``first`` into a conference needs a picture composed and encoded as well; all others share that one.
        """
        free = self.state.free
        if self._meter is None or free is None:
            return None
        for size, port in zip((FULL_SIZE, *LOWER_SIZES), (1.0, 0.5), strict=False):
            if self._meter.source(*size) + (port if first else 0.0) <= free + _ROUNDING:
                return None if size == FULL_SIZE else size
        return LOWER_SIZES[-1]

    def fits(self, spec: ConferenceSpec) -> bool:
        """Whether a conference may become so. What takes no more ports than before always may."""
        total = self.state.total
        if self._meter is None or total is None:
            return True
        more = self._meter.cost(spec) - self.used_by(spec.id)
        return more <= _ROUNDING or self.state.used + more <= total + _ROUNDING


def within(leg: LegSpec, largest: tuple[int, int] | None) -> LegSpec:
    """The leg with no picture to it larger than this, width and height; None: as it came."""
    if largest is None:
        return leg
    return leg.model_copy(update={"video": _at_most(leg.video, *largest), "content": _at_most(leg.content, *largest)})


def _at_most(video: VideoSpec | None, width: int, height: int) -> VideoSpec | None:
    if video is None or video.max_width * video.max_height <= width * height:
        return video
    return video.model_copy(update={"max_width": width, "max_height": height})
