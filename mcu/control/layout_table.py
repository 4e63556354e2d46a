"""Layouts of one's own in the database."""

from __future__ import annotations

import logging
import sqlite3

from pydantic import ValidationError

from mcu.control.database import Database
from mcu.media.spec import LayoutSpec

logger = logging.getLogger(__name__)


class LayoutTable:
    """``mcu.conference.picture.layout_store.LayoutStore`` in SQLite."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str) -> LayoutSpec | None:
        """The layout of this name."""

        def work(connection: sqlite3.Connection) -> LayoutSpec | None:
            row = connection.execute("SELECT document FROM custom_layout WHERE name = ?", (name,)).fetchone()
            return None if row is None else _layout(row[0])

        return await self._database.read(work)

    async def all(self) -> list[LayoutSpec]:
        """All layouts, by name."""

        def work(connection: sqlite3.Connection) -> list[LayoutSpec]:
            rows = connection.execute("SELECT document FROM custom_layout ORDER BY name")
            return [layout for (document,) in rows if (layout := _layout(document)) is not None]

        return await self._database.read(work)

    async def add(self, layout: LayoutSpec) -> bool:
        """Keep a new layout; False (and nothing changed) when the name is taken."""

        def work(connection: sqlite3.Connection) -> bool:
            row = layout.name, layout.model_dump_json()
            sql = "INSERT INTO custom_layout (name, document) VALUES (?, ?) ON CONFLICT DO NOTHING"
            return connection.execute(sql, row).rowcount == 1

        return await self._database.write(work)

    async def remove(self, name: str) -> bool:
        """Forget the layout; False when there was none."""

        def work(connection: sqlite3.Connection) -> bool:
            return connection.execute("DELETE FROM custom_layout WHERE name = ?", (name,)).rowcount == 1

        return await self._database.write(work)


def _layout(document: str) -> LayoutSpec | None:
    try:
        return LayoutSpec.model_validate_json(document)
    except ValidationError as error:
        logger.error("A layout in the database cannot be read: %s", error)
        return None
