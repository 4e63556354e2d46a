"""Operations on the floor: sharing a second picture, and taking it away."""

from __future__ import annotations

from aiohttp import web

from mcu.conference import commands
from mcu.conference.manager import ConferenceManager
from mcu.conference.views import FloorView, floor_view
from mcu.control.bodies import json_answer
from mcu.ports import Operation, Problem, actor_of


class FloorOperations:
    """Turns requests into commands, and the floor after them into a view."""

    def __init__(self, manager: ConferenceManager) -> None:
        self._manager = manager

    def operations(self) -> list[Operation]:
        """What this class serves."""
        one, tag = "/participants/{id}/floor", "participants"
        return [
            Operation("POST", one, self.take, "Ask to share a second picture; granted, or queued", "participant",
                      response=FloorView, tag=tag, errors=(404, 409)),
            Operation("DELETE", one, self.release, "Share no longer, or stop waiting for it", "participant",
                      response=FloorView, tag=tag, errors=(404,)),
            Operation("DELETE", "/conferences/{number}/floor", self.revoke, "Take the floor from whoever shares",
                      "chair", response=FloorView, tag="conferences", errors=(404, 409)),
        ]  # fmt: skip

    async def take(self, request: web.Request) -> web.Response:
        """The floor, or a place in its queue."""
        participant_id = request.match_info["id"]
        await self._manager.execute(commands.TakeFloor(participant_id), actor_of(request))
        return self._floor_of(participant_id)

    async def release(self, request: web.Request) -> web.Response:
        """The floor goes to who comes next."""
        participant_id = request.match_info["id"]
        await self._manager.execute(commands.ReleaseFloor(participant_id), actor_of(request))
        return self._floor_of(participant_id)

    async def revoke(self, request: web.Request) -> web.Response:
        """Somebody else's sharing is ended."""
        number = request.match_info["number"]
        await self._manager.execute(commands.RevokeFloor(number), actor_of(request))
        conference = self._manager.conference(number)
        if conference is None:
            raise Problem(404, "No such conference", "The conference has just ended.", "unknown_conference")
        return json_answer(floor_view(conference.floor))

    def _floor_of(self, participant_id: str) -> web.Response:
        conference = self._manager.conference_of(participant_id)
        if conference is None:
            raise Problem(404, "No such participant", "The participant has just left.", "unknown_participant")
        return json_answer(floor_view(conference.floor))
