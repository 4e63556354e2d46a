"""A room's camera that can be moved, stored and found again: what stands behind the far end in tests."""

from __future__ import annotations

from dataclasses import dataclass, field

from mcu.media.camera.session import CameraAsked, CameraSession
from mcu.media.spec import CameraRequest

SPEED = 10.0
"""Degrees, or per cent of the zoom, a second."""


@dataclass
class VirtualCamera:
    """Moves as long as it is told to. ``now`` goes on with ``pass_``."""

    pan: float = 0.0
    tilt: float = 0.0
    zoom: float = 0.0
    presets: dict[int, tuple[float, float, float]] = field(default_factory=dict)
    moving: CameraRequest | None = None
    heard: list[CameraRequest] = field(default_factory=list)

    def obey(self, request: CameraRequest) -> None:
        self.heard.append(request)
        self.moving = request if request.action == "move" else None
        if request.action == "store_preset":
            self.presets[request.preset] = (self.pan, self.tilt, self.zoom)
        if request.action == "activate_preset" and request.preset in self.presets:
            self.pan, self.tilt, self.zoom = self.presets[request.preset]

    def pass_(self, seconds: float) -> None:
        if self.moving is not None:
            self.pan += self.moving.pan * SPEED * seconds
            self.tilt += self.moving.tilt * SPEED * seconds
            self.zoom += self.moving.zoom * SPEED * seconds

    def attend(self, session: CameraSession) -> None:
        """Obey what came in by the room's side of a session."""
        for event in session.events():
            if isinstance(event, CameraAsked):
                self.obey(event.request)
