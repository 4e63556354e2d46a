"""Accounts of SIP devices, their registrations, and the registrar's key in the database."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Sequence

from gatekeeper.binding import Binding
from gatekeeper.binding_store import BindingKey, from_document, to_document
from gatekeeper.users import SipUser
from mcu.control.database import Database

_COLUMNS = "name, realm, md5, sha256, title, changed_at"
_KEY_BYTES = 32


class SipUserTable:
    """``gatekeeper.users.UserStore`` in SQLite."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[SipUser]:
        """All accounts, by name."""

        def work(connection: sqlite3.Connection) -> list[SipUser]:
            return [SipUser(*row) for row in connection.execute(f"SELECT {_COLUMNS} FROM sip_user ORDER BY name")]

        return await self._database.read(work)

    async def version(self) -> tuple[int, float]:
        """Changes whenever an account does."""

        def work(connection: sqlite3.Connection) -> tuple[int, float]:
            count, latest = connection.execute("SELECT count(*), max(changed_at) FROM sip_user").fetchone()
            return int(count), float(latest or 0.0)

        return await self._database.read(work)

    async def add(self, user: SipUser) -> bool:
        """Keep a new account; False (and nothing changed) when the name is taken."""

        def work(connection: sqlite3.Connection) -> bool:
            cursor = connection.execute(
                f"INSERT INTO sip_user ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", _row(user)
            )
            return cursor.rowcount == 1

        return await self._database.write(work)

    async def add_all(self, users: Sequence[SipUser]) -> frozenset[str]:
        """Keep new accounts in one transaction; with names that are taken, which are returned, none is kept."""

        def work(connection: sqlite3.Connection) -> frozenset[str]:
            present = {name for (name,) in connection.execute("SELECT name FROM sip_user")}
            taken = frozenset(user.name for user in users if user.name in present)
            if not taken:
                rows = [_row(user) for user in users]
                connection.executemany(f"INSERT INTO sip_user ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", rows)
            return taken

        return await self._database.write(work)

    async def update(self, user: SipUser) -> bool:
        """Replace the account with this name; False when there is none."""

        def work(connection: sqlite3.Connection) -> bool:
            cursor = connection.execute(
                "UPDATE sip_user SET realm = ?, md5 = ?, sha256 = ?, title = ?, changed_at = ? WHERE name = ?",
                (user.realm, user.md5, user.sha256, user.title, user.changed_at, user.name),
            )
            return cursor.rowcount == 1

        return await self._database.write(work)

    async def remove(self, name: str) -> bool:
        """Forget the account; False when there was none."""

        def work(connection: sqlite3.Connection) -> bool:
            return connection.execute("DELETE FROM sip_user WHERE name = ?", (name,)).rowcount == 1

        return await self._database.write(work)


def _row(user: SipUser) -> tuple[str, str, str, str, str, float]:
    return user.name, user.realm, user.md5, user.sha256, user.title, user.changed_at


class BindingRows:
    """``gatekeeper.binding_store.BindingStore`` in SQLite."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, now: float) -> list[Binding]:
        """All that have not run out, by account."""

        def work(connection: sqlite3.Connection) -> list[str]:
            connection.execute("DELETE FROM binding WHERE expires_at <= ?", (now,))
            return [row[0] for row in connection.execute("SELECT document FROM binding")]

        found = (from_document(document) for document in await self._database.write(work))
        return sorted((one for one in found if one is not None), key=lambda one: (one.account, one.key))

    async def save(self, present: Sequence[Binding], gone: Sequence[BindingKey]) -> None:
        """Write changes in one transaction."""
        rows = [(one.account, _column(one.key), to_document(one), one.expires_at) for one in present]
        old = [(account, _column(key)) for account, key in gone]

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM binding WHERE account = ? AND key = ?", old)
            connection.executemany(
                "INSERT OR REPLACE INTO binding (account, key, document, expires_at) VALUES (?, ?, ?, ?)", rows
            )

        await self._database.write(work)


def _column(key: str) -> str:
    """A key as text that SQLite takes: it may hold bytes that are no UTF-8."""
    return json.dumps(key)


async def registrar_key(database: Database) -> bytes:
    """The key that signs nonces and temporary addresses; made once, and kept so that both outlive a restart."""

    def work(connection: sqlite3.Connection) -> bytes:
        connection.execute(
            "INSERT INTO registrar_key (name, key) VALUES ('registrar', ?) ON CONFLICT DO NOTHING",
            (secrets.token_bytes(_KEY_BYTES),),
        )
        return bytes(connection.execute("SELECT key FROM registrar_key WHERE name = 'registrar'").fetchone()[0])

    return await database.write(work)
