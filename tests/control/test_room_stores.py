"""One suite for all that keep rooms."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mcu.conference.door.rooms import MemoryRooms, Room, RoomStore
from mcu.control.database import Database
from mcu.control.room_table import RoomTable


@pytest.fixture(params=["memory", "sqlite"])
async def rooms(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RoomStore]:
    if request.param == "memory":
        yield MemoryRooms()
        return
    database = await Database.open(tmp_path / "consilium.db")
    yield RoomTable(database)
    await database.close()


async def test_rooms_are_kept_by_number(rooms: RoomStore) -> None:
    one, two = Room("1000", "Board 会诊", "hash", "doctor", chair_pin_hash="chair"), Room("0999")
    assert await rooms.add(one) and await rooms.add(two)
    assert not await rooms.add(Room("1000", "other"))
    assert await rooms.get("1000") == one and await rooms.get("nope") is None
    assert await rooms.all() == [two, one]


async def test_rooms_are_changed_and_forgotten(rooms: RoomStore) -> None:
    await rooms.add(Room("1000"))
    await rooms.update(Room("1000", "new", "hash", "me", chair_pin_hash="chair"))
    await rooms.update(Room("2000", "never added"))
    assert await rooms.all() == [Room("1000", "new", "hash", "me", chair_pin_hash="chair")]
    assert await rooms.remove("1000") and not await rooms.remove("1000")
    assert await rooms.all() == []
