"""The embedded SQLite database: one thread writes, one reads, and the event loop waits for neither."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

MIGRATIONS = (
    # 1: accounts, their sessions and devices, permanent rooms, audit
    """
    CREATE TABLE account (
        name TEXT PRIMARY KEY,
        password_hash TEXT NOT NULL,
        created_at TEXT NOT NULL
    ) STRICT;
    CREATE TABLE session (
        token_hash TEXT PRIMARY KEY,
        account TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE,
        created_at TEXT NOT NULL,
        expires_at TEXT NOT NULL
    ) STRICT;
    CREATE INDEX session_account ON session (account);
    CREATE TABLE device (
        token_hash TEXT PRIMARY KEY,
        account TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE,
        expires_at TEXT NOT NULL
    ) STRICT;
    CREATE TABLE room (
        number TEXT PRIMARY KEY,
        title TEXT NOT NULL,
        pin_hash TEXT,
        owner TEXT NOT NULL
    ) STRICT;
    CREATE TABLE audit (
        id INTEGER PRIMARY KEY,
        at TEXT NOT NULL,
        actor_kind TEXT NOT NULL,
        actor TEXT NOT NULL,
        source TEXT NOT NULL,
        action TEXT NOT NULL,
        subject TEXT NOT NULL,
        detail TEXT NOT NULL,
        outcome TEXT NOT NULL
    ) STRICT;
    CREATE INDEX audit_at ON audit (at);
    """,
    # number plan, zones and device classes, endpoints, call records
    """
    CREATE TABLE number_rule (
        id TEXT PRIMARY KEY,
        document TEXT NOT NULL
    ) STRICT;
    CREATE TABLE zone (
        name TEXT PRIMARY KEY,
        document TEXT NOT NULL
    ) STRICT;
    CREATE TABLE device_class (
        name TEXT PRIMARY KEY,
        document TEXT NOT NULL
    ) STRICT;
    CREATE TABLE endpoint (
        id TEXT PRIMARY KEY,
        last_seen TEXT NOT NULL,
        document TEXT NOT NULL
    ) STRICT;
    CREATE TABLE call_record (
        id TEXT PRIMARY KEY,
        endpoint TEXT NOT NULL,
        began_at TEXT NOT NULL,
        ended_at TEXT,
        seconds REAL NOT NULL,
        packets INTEGER NOT NULL,
        lost INTEGER NOT NULL,
        document TEXT NOT NULL
    ) STRICT;
    CREATE INDEX call_record_began ON call_record (began_at);
    CREATE INDEX call_record_endpoint ON call_record (endpoint, began_at);
    """,
    # accounts of SIP devices, what is registered, and the keys that registrations need to outlive a restart
    """
    CREATE TABLE sip_user (
        name TEXT PRIMARY KEY,
        realm TEXT NOT NULL,
        md5 TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        title TEXT NOT NULL,
        changed_at REAL NOT NULL
    ) STRICT;
    CREATE TABLE binding (
        account TEXT NOT NULL,
        key TEXT NOT NULL,
        document TEXT NOT NULL,
        expires_at REAL NOT NULL,
        PRIMARY KEY (account, key)
    ) STRICT;
    CREATE TABLE registrar_key (
        name TEXT PRIMARY KEY,
        key BLOB NOT NULL
    ) STRICT;
    """,
    # layouts of one's own, and what rooms keep of how their conferences look and sound
    """
    CREATE TABLE custom_layout (
        name TEXT PRIMARY KEY,
        document TEXT NOT NULL
    ) STRICT;
    ALTER TABLE room ADD COLUMN arrangement TEXT NOT NULL DEFAULT '{}';
    """,
    # PINs of chairs
    """
    ALTER TABLE room ADD COLUMN chair_pin_hash TEXT;
    """,
)
"""The schema, step by step: ``PRAGMA user_version`` counts how many steps a file has seen. Only ever appended to."""

BUSY_SECONDS = 10.0
"""How long to wait for another process (a backup, a second server by mistake) that holds the file."""


class DatabaseError(Exception):
    """The database file cannot be used; the message says why and what to do."""


class Database:
    """An open database file. ``write`` and ``read`` run a function on a connection, in that connection's thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="database-write")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="database-read")
        self._write_connection: sqlite3.Connection | None = None
        self._read_connection: sqlite3.Connection | None = None

    @classmethod
    async def open(cls, path: Path) -> Database:
        """Open the file, make it where it is not there (readable by its owner alone), and bring its schema up to date.

        Raises DatabaseError.
        """
        database = cls(path)
        loop = asyncio.get_running_loop()
        try:
            database._write_connection = await loop.run_in_executor(database._writer, _open_writer, path)
            database._read_connection = await loop.run_in_executor(database._reader, _open_reader, path)
        except (sqlite3.Error, OSError) as error:
            await database.close()
            raise DatabaseError(f"{path} cannot be opened as a database: {error}") from error
        except DatabaseError:
            await database.close()
            raise
        return database

    async def write(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Run ``work`` in one transaction: it counts as a whole or, when it raises, not at all."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._transaction, work)

    def write_later(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """Run ``work`` in a transaction after those before it, without waiting; a failure is logged."""
        try:
            self._writer.submit(self._transaction, work).add_done_callback(_log_failure)
        except RuntimeError:
            logger.error("A change came too late: the database is closed")

    async def read(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Run ``work``, which only reads, and sees all that was written before."""
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._look, work)

    def _transaction(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        connection = self._write_connection
        if connection is None:
            raise DatabaseError("the database is closed")
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(connection)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        return result

    def _look(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        if self._read_connection is None:
            raise DatabaseError("the database is closed")
        return work(self._read_connection)

    async def close(self) -> None:
        """Finish what was asked for, then close. May be called again."""
        loop = asyncio.get_running_loop()
        reader, self._read_connection = self._read_connection, None
        if reader is not None:
            await loop.run_in_executor(self._reader, reader.close)
        writer = self._write_connection
        if writer is not None:
            await loop.run_in_executor(self._writer, writer.close)
            self._write_connection = None
        self._reader.shutdown(wait=False)
        self._writer.shutdown(wait=False)


def _log_failure(future: Future[object]) -> None:
    error = None if future.cancelled() else future.exception()
    if error is not None:
        logger.error("A change could not be written to the database: %s", error)


def _open_writer(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        _migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _open_reader(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Take the steps that the file has not seen, each in a transaction with its count."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise DatabaseError(f"{path} was written by a newer version of Consilium; use that version, or a backup.")
    for step, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {step}; COMMIT;")
