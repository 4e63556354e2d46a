"""Permanent rooms: a number that is always there, with its title and PIN. Where they are kept is behind a seam."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from mcu.conference.picture.arrangement import Arrangement


@dataclass(frozen=True)
class Room:
    """A permanent room. ``owner`` is the account that made it, ``arrangement`` how its conferences begin.

    Who comes in with the chair's PIN steers its conferences.
    """

    number: str
    title: str = ""
    pin_hash: str | None = field(default=None, repr=False)
    owner: str = ""
    arrangement: Arrangement = field(default_factory=Arrangement)
    chair_pin_hash: str | None = field(default=None, repr=False)


class RoomStore(Protocol):
    """Keeps permanent rooms."""

    async def get(self, number: str) -> Room | None:
        """The room with this number."""

    async def all(self) -> list[Room]:
        """All rooms, by number."""

    async def add(self, room: Room) -> bool:
        """Keep a new room; False (and nothing changed) when the number is taken."""

    async def update(self, room: Room) -> None:
        """Replace the room with this number, if it is still there."""

    async def remove(self, number: str) -> bool:
        """Forget the room; False when there was none."""


class MemoryRooms:
    """Rooms that last as long as the process."""

    def __init__(self, *rooms: Room) -> None:
        self._rooms = {room.number: room for room in rooms}

    async def get(self, number: str) -> Room | None:
        return self._rooms.get(number)

    async def all(self) -> list[Room]:
        return sorted(self._rooms.values(), key=lambda room: room.number)

    async def add(self, room: Room) -> bool:
        return self._rooms.setdefault(room.number, room) is room

    async def update(self, room: Room) -> None:
        if room.number in self._rooms:
            self._rooms[room.number] = room

    async def remove(self, number: str) -> bool:
        return self._rooms.pop(number, None) is not None
