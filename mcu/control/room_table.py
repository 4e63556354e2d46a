"""Permanent rooms in the database."""

from __future__ import annotations

import logging
import sqlite3

from pydantic import ValidationError

from mcu.conference.door.rooms import Room
from mcu.conference.picture.arrangement import Arrangement
from mcu.control.database import Database

logger = logging.getLogger(__name__)

_COLUMNS = "number, title, pin_hash, owner, arrangement, chair_pin_hash"


class RoomTable:
    """``mcu.conference.door.rooms.RoomStore`` in SQLite."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, number: str) -> Room | None:
        """The room with this number."""

        def work(connection: sqlite3.Connection) -> Room | None:
            row = connection.execute(f"SELECT {_COLUMNS} FROM room WHERE number = ?", (number,)).fetchone()
            return None if row is None else _room(*row)

        return await self._database.read(work)

    async def all(self) -> list[Room]:
        """All rooms, by number."""

        def work(connection: sqlite3.Connection) -> list[Room]:
            return [_room(*row) for row in connection.execute(f"SELECT {_COLUMNS} FROM room ORDER BY number")]

        return await self._database.read(work)

    async def add(self, room: Room) -> bool:
        """Keep a new room; False (and nothing changed) when the number is taken."""

        def work(connection: sqlite3.Connection) -> bool:
            cursor = connection.execute(
                f"INSERT INTO room ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (
                    room.number,
                    room.title,
                    room.pin_hash,
                    room.owner,
                    _document(room.arrangement),
                    room.chair_pin_hash,
                ),
            )
            return cursor.rowcount == 1

        return await self._database.write(work)

    async def update(self, room: Room) -> None:
        """Replace the room with this number, if it is still there."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE room SET title = ?, pin_hash = ?, owner = ?, arrangement = ?, chair_pin_hash = ?"
                " WHERE number = ?",
                (
                    room.title,
                    room.pin_hash,
                    room.owner,
                    _document(room.arrangement),
                    room.chair_pin_hash,
                    room.number,
                ),
            )

        await self._database.write(work)

    async def remove(self, number: str) -> bool:
        """Forget the room; False when there was none."""

        def work(connection: sqlite3.Connection) -> bool:
            return connection.execute("DELETE FROM room WHERE number = ?", (number,)).rowcount == 1

        return await self._database.write(work)


def _document(arrangement: Arrangement) -> str:
    return arrangement.model_dump_json(exclude_defaults=True)


def _room(number: str, title: str, pin_hash: str | None, owner: str, document: str, chair_pin_hash: str | None) -> Room:
    """A room whose arrangement cannot be read (of another version) is arranged as by default."""
    try:
        arrangement = Arrangement.model_validate_json(document)
    except ValidationError as error:
        logger.error("Room %s: its arrangement cannot be read: %s", number, error)
        arrangement = Arrangement()
    return Room(number, title, pin_hash, owner, arrangement, chair_pin_hash)
