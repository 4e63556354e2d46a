"""Layouts of one's own, in memory and in the database: one suite for both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mcu.conference.picture.layout_store import LayoutStore, MemoryLayouts
from mcu.control.database import Database
from mcu.control.layout_table import LayoutTable
from mcu.media.spec import CellSpec, LayoutSpec

WHOLE = LayoutSpec(name="会诊", cells=(CellSpec(left=0, top=0, width=1, height=1),))
HALF = LayoutSpec(name="a half", cells=(CellSpec(left=0, top=0, width=0.5, height=1 / 3),))


@pytest.fixture(params=["memory", "database"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LayoutStore]:
    if request.param == "memory":
        yield MemoryLayouts()
        return
    database = await Database.open(tmp_path / "consilium.db")
    yield LayoutTable(database)
    await database.close()


async def test_layouts_come_and_go_by_name(store: LayoutStore) -> None:
    assert await store.add(WHOLE) and await store.add(HALF)
    assert not await store.add(HALF.model_copy(update={"name": "会诊"}))
    assert await store.get("会诊") == WHOLE and await store.get("none") is None
    assert await store.all() == [HALF, WHOLE]
    assert await store.remove("会诊") and not await store.remove("会诊")
    assert await store.all() == [HALF]


async def test_a_layout_that_cannot_be_read_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    database = await Database.open(tmp_path / "consilium.db")
    await database.write(lambda c: c.execute("INSERT INTO custom_layout VALUES ('odd', '{\"name\": 1}')"))
    table = LayoutTable(database)
    assert await table.all() == [] and await table.get("odd") is None
    assert "cannot be read" in caplog.text
    await database.close()
