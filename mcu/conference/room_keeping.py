"""Permanent rooms made, described and removed, with the conferences that run in them."""

from __future__ import annotations

from dataclasses import replace

from mcu.conference import commands, events
from mcu.conference.core import ConferenceCore
from mcu.conference.hashing import Hasher
from mcu.conference.model import Conference
from mcu.conference.refusals import CommandRefused, Refusal
from mcu.conference.rooms import Room, RoomStore
from mcu.conference.text import MAXIMUM_TITLE, clean_text, is_pin
from mcu.ports import Actor


class RoomKeeping:
    """Called under the lock of the room's number, but for ``pin_hash``. All of it raises CommandRefused."""

    def __init__(self, core: ConferenceCore, rooms: RoomStore, hasher: Hasher) -> None:
        self._core = core
        self._rooms = rooms
        self._hasher = hasher

    async def pin_hash(self, pin: str | None) -> str | None:
        if not pin:
            return None
        if not is_pin(pin):
            raise CommandRefused(Refusal.INVALID, "A PIN has 4 to 12 digits.")
        return await self._hasher.hash(pin)

    async def create(self, command: commands.CreateRoom, number: str, pin_hash: str | None, actor: Actor) -> Room:
        room = Room(number, clean_text(command.title, MAXIMUM_TITLE), pin_hash, actor.name)
        if self._core.with_number(number) is not None or not await self._rooms.add(room):
            raise CommandRefused(Refusal.NUMBER_TAKEN, f"Number {number} is taken.")
        return room

    async def remove(self, number: str) -> None:
        running = self._core.with_number(number)
        removed = await self._rooms.remove(number)
        if running is not None:
            await self._core.end(running, "conference_ended")
        elif not removed:
            raise CommandRefused(Refusal.UNKNOWN_CONFERENCE, "There is no conference with this number.")

    async def describe(
        self, number: str, title: str | None = None, pin_hash: str | None = None, set_pin: bool = False
    ) -> Room | Conference:
        room = await self._rooms.get(number)
        running = self._core.with_number(number)
        result: Room | Conference
        if room is not None:
            result = replace(
                room, title=room.title if title is None else title, pin_hash=pin_hash if set_pin else room.pin_hash
            )
            await self._rooms.update(result)
        elif running is None:
            raise CommandRefused(Refusal.UNKNOWN_CONFERENCE, "There is no conference with this number.")
        if running is not None:
            conference = running.conference
            result = running.conference = replace(
                conference,
                title=conference.title if title is None else title,
                pin_hash=pin_hash if set_pin else conference.pin_hash,
            )
            self._core.publish(events.ConferenceChanged(self._core.clock.wall(), running.conference))
        return result
