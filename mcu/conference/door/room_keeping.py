"""Permanent rooms made, described and removed, with the conferences that run in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mcu.conference import commands, events
from mcu.conference.core import ConferenceCore
from mcu.conference.door.hashing import Hasher
from mcu.conference.door.rooms import Room, RoomStore
from mcu.conference.model import Conference
from mcu.conference.refusals import CommandRefused, Refusal
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

    async def check_pins(
        self, number: str, command: commands.CreateRoom | commands.SetPin | commands.SetChairPin
    ) -> None:
        """The two PINs of a room must differ, or everybody would be chair."""
        if isinstance(command, commands.CreateRoom):
            same = bool(command.pin) and command.pin == command.chair_pin
        else:
            room, running = await self._rooms.get(number), self._core.with_number(number)
            holders = [holder for holder in (room, running.conference if running else None) if holder is not None]
            chairs = isinstance(command, commands.SetPin)
            others = {holder.chair_pin_hash if chairs else holder.pin_hash for holder in holders}
            same = bool(command.pin) and any(
                [await self._hasher.verify(command.pin or "", other) for other in others if other is not None]
            )
        if same:
            raise CommandRefused(Refusal.INVALID, "The chair's PIN must be another one than that of the room.")

    async def create(
        self,
        command: commands.CreateRoom,
        number: str,
        pin_hash: str | None,
        chair_pin_hash: str | None,
        actor: Actor,
    ) -> Room:
        title = clean_text(command.title, MAXIMUM_TITLE)
        room = Room(number, title, pin_hash, actor.name, chair_pin_hash=chair_pin_hash)
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

    async def set_title(self, number: str, title: str) -> Room | Conference:
        """In what runs, and in the room."""
        return await self._describe(
            number, lambda room: replace(room, title=title), lambda conference: replace(conference, title=title)
        )

    async def set_pin(self, number: str, pin_hash: str | None) -> Room | Conference:
        """In what runs, and in the room."""
        return await self._describe(
            number,
            lambda room: replace(room, pin_hash=pin_hash),
            lambda conference: replace(conference, pin_hash=pin_hash),
        )

    async def set_chair_pin(self, number: str, pin_hash: str | None) -> Room | Conference:
        """In what runs, and in the room. Who is chair already stays so."""
        return await self._describe(
            number,
            lambda room: replace(room, chair_pin_hash=pin_hash),
            lambda conference: replace(conference, chair_pin_hash=pin_hash),
        )

    async def _describe(
        self,
        number: str,
        change_room: Callable[[Room], Room],
        change_conference: Callable[[Conference], Conference],
    ) -> Room | Conference:
        room = await self._rooms.get(number)
        running = self._core.with_number(number)
        result: Room | Conference
        if room is not None:
            result = change_room(room)
            await self._rooms.update(result)
        elif running is None:
            raise CommandRefused(Refusal.UNKNOWN_CONFERENCE, "There is no conference with this number.")
        if running is not None:
            result = running.conference = change_conference(running.conference)
            self._core.publish(events.ConferenceChanged(self._core.clock.wall(), running.conference))
        return result
