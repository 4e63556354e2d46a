"""The floor taken, given back and taken away."""

from __future__ import annotations

from dataclasses import replace

from mcu.conference import commands
from mcu.conference.core import ConferenceCore, Running
from mcu.conference.model import Conference, Participant
from mcu.conference.refusals import CommandRefused, Refusal


class FloorControl:
    """Called under the conference's lock. Raises CommandRefused."""

    def __init__(self, core: ConferenceCore) -> None:
        self._core = core

    async def revoke(self, running: Running) -> Conference:
        before = running.conference.floor
        if before.holder is None:
            raise CommandRefused(Refusal.FLOOR_FREE, "Nobody is sharing.")
        running.conference = replace(running.conference, floor=before.released(before.holder))
        await self._core.sync_if_possible(running)
        self._core.tell_floor(running, before, before.holder)
        return running.conference

    async def move(self, running: Running, participant: Participant, command: commands.FloorCommand) -> Participant:
        before, content = running.conference.floor, participant.leg.content
        if isinstance(command, commands.ReleaseFloor):
            floor = before.released(participant.id)
        elif content is None or not content.receive:
            raise CommandRefused(Refusal.NO_CONTENT, "This participant's call has no second picture to share.")
        else:
            floor = before.taken(participant.id)
        running.conference = replace(running.conference, floor=floor)
        if floor.holder != before.holder:
            await self._core.sync_if_possible(running)
        self._core.tell_floor(running, before)
        return participant
