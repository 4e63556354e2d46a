"""The embedded database."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from mcu.control.database import MIGRATIONS, Database, DatabaseError


async def test_a_new_file_has_the_newest_schema_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "consilium.db"
    database = await Database.open(path)
    assert await database.read(lambda c: c.execute("PRAGMA user_version").fetchone()[0]) == len(MIGRATIONS)
    assert await database.read(lambda c: c.execute("PRAGMA journal_mode").fetchone()[0]) == "wal"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    await database.close()
    await database.close()


async def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "consilium.db"
    first = await Database.open(path)
    await first.write(lambda c: c.execute("INSERT INTO room VALUES ('1', '', NULL, '', '{}', NULL)"))
    first.write_later(lambda c: c.execute("INSERT INTO room VALUES ('2', '', NULL, '', '{}', NULL)"))
    await first.close()
    second = await Database.open(path)
    assert await second.read(lambda c: c.execute("SELECT count(*) FROM room").fetchone()[0]) == 2
    await second.close()


async def test_a_transaction_counts_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "consilium.db")

    def work(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO room VALUES ('1', '', NULL, '', '{}', NULL)")
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(work)
    assert await database.read(lambda c: c.execute("SELECT count(*) FROM room").fetchone()[0]) == 0
    await database.close()


async def test_the_reader_cannot_write(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "consilium.db")
    with pytest.raises(sqlite3.OperationalError):
        await database.read(lambda c: c.execute("DELETE FROM room"))
    await database.close()


async def test_a_late_write_that_fails_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    database = await Database.open(tmp_path / "consilium.db")
    database.write_later(lambda c: c.execute("no such thing"))
    await database.write(lambda c: None)
    await database.close()
    assert "could not be written" in caplog.text


async def test_files_that_cannot_be_used_are_refused_with_a_reason(tmp_path: Path) -> None:
    newer = tmp_path / "newer.db"
    connection = sqlite3.connect(newer)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(DatabaseError, match="newer version"):
        await Database.open(newer)
    garbage = tmp_path / "garbage.db"
    garbage.write_bytes(b"not a database at all" * 100)
    with pytest.raises(DatabaseError, match=r"garbage\.db"):
        await Database.open(garbage)
    with pytest.raises(DatabaseError):
        await Database.open(garbage / "below a file")


async def test_a_closed_database_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    database = await Database.open(tmp_path / "consilium.db")
    await database.close()
    with pytest.raises((DatabaseError, RuntimeError)):
        await database.write(lambda c: None)
    database.write_later(lambda c: None)
    assert "closed" in caplog.text
