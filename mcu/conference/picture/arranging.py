"""Changes of how a conference looks and sounds to all, in what runs and in the room that keeps it."""

from __future__ import annotations

from dataclasses import replace

from mcu.conference import commands, events
from mcu.conference.core import ConferenceCore
from mcu.conference.door.rooms import Room, RoomStore
from mcu.conference.model import Conference
from mcu.conference.picture.arrangement import Arrangement
from mcu.conference.picture.arrangement_changes import changed_decoration, changed_seating
from mcu.conference.picture.library import Library
from mcu.conference.refusals import CommandRefused, Refusal


class Arranging:
    """Called under the lock of the conference's number. Raises CommandRefused."""

    def __init__(self, core: ConferenceCore, rooms: RoomStore, library: Library) -> None:
        self._core = core
        self._rooms = rooms
        self._library = library

    async def carry_out(self, command: commands.ArrangementCommand, number: str) -> Room | Conference:
        """Change the conference that runs, and what its room keeps."""
        room, running = await self._rooms.get(number), self._core.with_number(number)
        if running is not None:
            conference = running.conference
            present = frozenset(participant.id for participant in conference.participants)
            changed = await self._changed(command, conference.arrangement, present)
        elif room is not None:
            changed = await self._changed(command, room.arrangement, frozenset())
        else:
            raise CommandRefused(Refusal.UNKNOWN_CONFERENCE, "There is no conference with this number.")
        result: Room | Conference
        if room is not None:
            result = replace(room, arrangement=changed.lasting)
            await self._rooms.update(result)
        if running is not None:
            result = running.conference = replace(running.conference, arrangement=changed)
            await self._core.sync_if_possible(running)
            self._core.publish(events.ConferenceChanged(self._core.clock.wall(), running.conference))
        return result

    async def _changed(
        self, command: commands.ArrangementCommand, before: Arrangement, present: frozenset[str]
    ) -> Arrangement:
        match command:
            case commands.SetLayout():
                custom = await self._library.layout(command.layout)
                return before.model_copy(update={"layout": command.layout, "custom": custom})
            case commands.ArrangeSeats():
                seating = changed_seating(before.seating, command.change, present)
                return before.model_copy(update={"seating": seating})
            case commands.Decorate():
                decoration = changed_decoration(before.decoration, command.change)
                if decoration.logo is not None and not await self._library.has_logo(decoration.logo):
                    raise CommandRefused(Refusal.UNKNOWN_LOGO, "There is no logo with this id; GET /logos lists them.")
                return before.model_copy(update={"decoration": decoration})
            case commands.SetForwarding():
                return before.model_copy(update={"forwarded": command.forwarded})
            case commands.SetForwardedSound():
                return before.model_copy(update={"forwarded_sound": command.forwarded})
            case commands.ProcessSound():
                return before.model_copy(update={"processing": command.change.applied_to(before.processing)})
