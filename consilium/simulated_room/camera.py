"""The camera of a simulated room: it turns as far-end camera control tells it, and remembers presets."""

from __future__ import annotations

from dataclasses import dataclass, field

from mcu.media.spec import CameraRequest

SPEED = 10.0
"""Degrees, or per cent of the zoom, a second."""


@dataclass(frozen=True)
class Aim:
    """Where a camera looks: degrees to the right and upwards, per cent of its zoom."""

    pan: float = 0.0
    tilt: float = 0.0
    zoom: float = 0.0


@dataclass
class VirtualCamera:
    """Moves for as long as it is told to. Time in seconds is passed in."""

    presets: dict[int, Aim] = field(default_factory=dict)
    heard: list[CameraRequest] = field(default_factory=list)
    _aim: Aim = Aim()
    _moving: CameraRequest | None = None
    _since: float = 0.0

    @property
    def is_moving(self) -> bool:
        return self._moving is not None

    def aim(self, now: float) -> Aim:
        """Where it looks."""
        move = self._moving
        if move is None:
            return self._aim
        way = SPEED * (now - self._since)
        aim = self._aim
        return Aim(aim.pan + move.pan * way, aim.tilt + move.tilt * way, aim.zoom + move.zoom * way)

    def obey(self, request: CameraRequest, now: float) -> None:
        """Do what is asked; a preset that was never stored leaves it where it is."""
        self.heard.append(request)
        self._aim, self._since = self.aim(now), now
        self._moving = request if request.action == "move" else None
        if request.action == "store_preset":
            self.presets[request.preset] = self._aim
        elif request.action == "activate_preset":
            self._aim = self.presets.get(request.preset, self._aim)
