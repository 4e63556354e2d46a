"""The operation on capacity: how many ports there are, and who has them."""

from __future__ import annotations

from aiohttp import web
from pydantic import BaseModel

from mcu.conference.manager import ConferenceManager
from mcu.control.bodies import json_answer
from mcu.ports import Operation

_DIGITS = 2


class ConferencePorts(BaseModel):
    """The ports that one conference takes."""

    number: str
    ports: float


class CapacityView(BaseModel):
    """Ports of 1080p30; one of 1080p60 takes two, of 720p30 a half, of standard definition a quarter.

    ``total`` and ``free`` are null where capacity is not known; nothing is refused then.
    """

    total: float | None
    used: float
    free: float | None
    conferences: list[ConferencePorts]


class CapacityOperations:
    """Reads what the manager counts."""

    def __init__(self, manager: ConferenceManager) -> None:
        self._manager = manager

    def operations(self) -> list[Operation]:
        """For the application."""
        return [
            Operation(
                "GET", "/capacity", self._capacity, "Ports: all, taken, free", response=CapacityView, tag="server"
            )
        ]

    async def _capacity(self, request: web.Request) -> web.Response:
        ports = self._manager.ports
        return json_answer(
            CapacityView(
                total=ports.total,
                used=round(ports.used, _DIGITS),
                free=None if ports.free is None else round(ports.free, _DIGITS),
                conferences=[
                    ConferencePorts(number=one.number, ports=round(self._manager.ports_of(one.id), _DIGITS))
                    for one in self._manager.conferences()
                ],
            )
        )
