"""Operations on participants, addressed by their ids; their own tokens reach themselves only."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field

from mcu.conference import commands
from mcu.conference.manager import ConferenceManager
from mcu.conference.views import ParticipantView, participant_view
from mcu.control.bodies import Body, json_answer
from mcu.ports import Operation, Problem, actor_of, body_of


class ParticipantChange(Body):
    """What to change; what is left out stays."""

    microphone_muted: bool | None = None
    speaker_muted: bool | None = None
    camera_muted: bool | None = None
    name: Annotated[str, Field(max_length=256)] | None = None


class ParticipantOperations:
    """Turns requests into commands, and the participant after them into a view."""

    def __init__(self, manager: ConferenceManager) -> None:
        self._manager = manager

    def operations(self) -> list[Operation]:
        """What this class serves."""
        one, tag = "/participants/{id}", "participants"
        return [
            Operation("PATCH", one, self.change, "Mute, unmute or rename", "participant",
                      request=ParticipantChange, response=ParticipantView, tag=tag, errors=(404,)),
            Operation("DELETE", one, self.remove, "Remove from the conference; for oneself: leave", "participant",
                      status=204, tag=tag, errors=(404,)),
        ]  # fmt: skip

    async def change(self, request: web.Request) -> web.Response:
        """Mute, unmute, rename."""
        participant_id, body, actor = request.match_info["id"], body_of(request, ParticipantChange), actor_of(request)
        wanted: list[commands.Command] = []
        if body.name is not None:
            wanted.append(commands.RenameParticipant(participant_id, body.name))
        mute = commands.Mute(participant_id, body.microphone_muted, body.speaker_muted, body.camera_muted)
        if body.name is None or mute != commands.Mute(participant_id):
            wanted.append(mute)
        for command in wanted:
            await self._manager.execute(command, actor)
        conference = self._manager.conference_of(participant_id)
        participant = None if conference is None else conference.participant(participant_id)
        if participant is None:
            raise Problem(404, "No such participant", "The participant has just left.", "unknown_participant")
        return json_answer(participant_view(participant, conference))

    async def remove(self, request: web.Request) -> web.Response:
        """Out of the conference; the call behind it is ended."""
        await self._manager.execute(commands.Kick(request.match_info["id"]), actor_of(request))
        return web.Response(status=204)
