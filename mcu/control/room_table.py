"""Permanent rooms in the database."""

from __future__ import annotations

import sqlite3

from mcu.conference.rooms import Room
from mcu.control.database import Database

_COLUMNS = "number, title, pin_hash, owner"


class RoomTable:
    """``mcu.conference.rooms.RoomStore`` in SQLite."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, number: str) -> Room | None:
        """The room with this number."""

        def work(connection: sqlite3.Connection) -> Room | None:
            row = connection.execute(f"SELECT {_COLUMNS} FROM room WHERE number = ?", (number,)).fetchone()
            return None if row is None else Room(*row)

        return await self._database.read(work)

    async def all(self) -> list[Room]:
        """All rooms, by number."""

        def work(connection: sqlite3.Connection) -> list[Room]:
            return [Room(*row) for row in connection.execute(f"SELECT {_COLUMNS} FROM room ORDER BY number")]

        return await self._database.read(work)

    async def add(self, room: Room) -> bool:
        """Keep a new room; False (and nothing changed) when the number is taken."""

        def work(connection: sqlite3.Connection) -> bool:
            cursor = connection.execute(
                f"INSERT INTO room ({_COLUMNS}) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (room.number, room.title, room.pin_hash, room.owner),
            )
            return cursor.rowcount == 1

        return await self._database.write(work)

    async def update(self, room: Room) -> None:
        """Replace the room with this number, if it is still there."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE room SET title = ?, pin_hash = ?, owner = ? WHERE number = ?",
                (room.title, room.pin_hash, room.owner, room.number),
            )

        await self._database.write(work)

    async def remove(self, number: str) -> bool:
        """Forget the room; False when there was none."""

        def work(connection: sqlite3.Connection) -> bool:
            return connection.execute("DELETE FROM room WHERE number = ?", (number,)).rowcount == 1

        return await self._database.write(work)
