"""The audit: who did what, when, and what came of it."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from mcu.conference.execution.audit import AuditEntry
from mcu.control.database import Database
from mcu.ports import Actor, ActorKind


class AuditTable:
    """``mcu.conference.execution.audit.AuditLog`` in SQLite. Entries are only ever added."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, entry: AuditEntry) -> None:
        """Keep the entry; written in the order of the calls."""
        row = (
            entry.at.isoformat(),
            entry.actor.kind.value,
            entry.actor.name or entry.actor.id,
            entry.actor.source,
            entry.action,
            entry.subject,
            entry.detail,
            entry.outcome,
        )

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO audit (at, actor_kind, actor, source, action, subject, detail, outcome)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )

        self._database.write_later(work)

    async def newest(self, count: int) -> list[AuditEntry]:
        """The last entries, newest first."""

        def work(connection: sqlite3.Connection) -> list[AuditEntry]:
            rows = connection.execute(
                "SELECT at, actor_kind, actor, source, action, subject, detail, outcome"
                " FROM audit ORDER BY id DESC LIMIT ?",
                (count,),
            )
            return [
                AuditEntry(datetime.fromisoformat(at), Actor(ActorKind(kind), name=actor, source=source), action, *rest)
                for at, kind, actor, source, action, *rest in rows
            ]

        return await self._database.read(work)
