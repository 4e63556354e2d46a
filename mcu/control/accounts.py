"""Accounts and logging in: passwords, sessions, devices that have been used before."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from mcu.conference.clock import Clock
from mcu.conference.door.hashing import Hasher
from mcu.conference.door.throttle import Throttle, source_group
from mcu.conference.door.tokens import new_token, token_hash
from mcu.conference.execution.audit import AuditEntry, AuditLog
from mcu.control.database import Database
from mcu.control.passwords import MAXIMUM_LENGTH, generate_password, password_weakness
from mcu.ports import Actor, ActorKind

ADMINISTRATOR = "admin"
SESSION_LIFE = timedelta(hours=12)
"""A working day: after it one logs in again, whatever happened between."""

DEVICE_LIFE = timedelta(days=180)
MAXIMUM_DEVICES = 100
"""Browsers remembered for one account; the longest unused is forgotten first."""

MAXIMUM_AT_ONCE = 8
"""Passwords of one address being compared at a time: the queue is for everybody."""

BUSY_SECONDS = 2.0
MAXIMUM_SESSIONS = 50
"""Sessions of one account at a time; a script that logs in for every request pushes out its own oldest."""

ACCOUNT_PATTERN = r"^[a-z0-9][a-z0-9._@-]{0,63}$"
_ACCOUNT = re.compile(ACCOUNT_PATTERN)


class LoginRefused(Exception):
    """The same for an unknown name and a wrong password. ``retry_after`` (seconds) when there were too many tries."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class AccountError(Exception):
    """An account cannot be made or changed as wished; the message says why."""


@dataclass(frozen=True)
class Account:
    """A person who may log in."""

    name: str
    created_at: datetime


@dataclass(frozen=True)
class Session:
    """Somebody is logged in. ``token_hash`` is what the server keeps of the token."""

    account: str
    token_hash: str
    expires_at: datetime


@dataclass(frozen=True)
class Login:
    """A fresh session with its secrets, which exist nowhere else."""

    session: Session
    token: str
    device_token: str


class Accounts:
    """Accounts and sessions in the database.

    Guesses are counted by account and source address, so nobody can lock somebody else out from afar. A browser that
    the account has logged in with before carries a device token, and is counted by that instead: neither do
    guessers behind the same address (a hospital's) lock out the person at that browser.
    """

    def __init__(self, database: Database, hasher: Hasher, clock: Clock, audit: AuditLog) -> None:
        self._database = database
        self._hasher = hasher
        self._clock = clock
        self._audit = audit
        self._throttle = Throttle()
        self.on_locked_out: Callable[[str, str], None] = lambda source, why: None
        """Told of an address that has tried too many passwords, and why that is."""
        self._at_work: Counter[str] = Counter()

    async def ensure_administrator(self) -> str | None:
        """Make the first account where there is none, and return its password, this once; else None."""

        def count(connection: sqlite3.Connection) -> int:
            return int(connection.execute("SELECT count(*) FROM account").fetchone()[0])

        if await self._database.read(count):
            return None
        password = generate_password()
        await self.create(ADMINISTRATOR, password)
        return password

    async def create(self, name: str, password: str) -> Account:
        """Make an account. Raises AccountError for a bad or taken name and a weak password."""
        if not name.isascii() or not _ACCOUNT.fullmatch(name):
            raise AccountError("An account's name has 1 to 64 small letters or digits, and '.', '_', '-', '@' inside.")
        hashed = await self._password_hash(password, name)
        account = Account(name, self._clock.wall())

        def work(connection: sqlite3.Connection) -> bool:
            cursor = connection.execute(
                "INSERT INTO account (name, password_hash, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (name, hashed, account.created_at.isoformat()),
            )
            return cursor.rowcount == 1

        if not await self._database.write(work):
            raise AccountError("There is an account with this name already.")
        return account

    async def _password_hash(self, password: str, name: str) -> str:
        weakness = password_weakness(password, name)
        if weakness is not None:
            raise AccountError(weakness)
        return await self._hasher.hash(password)

    async def all(self) -> list[Account]:
        """All accounts, by name."""

        def work(connection: sqlite3.Connection) -> list[Account]:
            rows = connection.execute("SELECT name, created_at FROM account ORDER BY name")
            return [Account(name, datetime.fromisoformat(created_at)) for name, created_at in rows]

        return await self._database.read(work)

    async def remove(self, name: str) -> bool:
        """Forget an account with its sessions; False when there was none. Raises AccountError for the last one."""

        def work(connection: sqlite3.Connection) -> bool:
            (others,) = connection.execute("SELECT count(*) FROM account WHERE name != ?", (name,)).fetchone()
            if others == 0:
                raise AccountError("The last account cannot be removed.")
            return connection.execute("DELETE FROM account WHERE name = ?", (name,)).rowcount == 1

        return await self._database.write(work)

    async def login(self, name: str, password: str, source: str, device_token: str | None = None) -> Login:
        """Check a password and begin a session. Raises LoginRefused."""
        device = await self._device(name, device_token)
        key = ("device", device) if device is not None else ("source", name, source_group(source))
        wait = self._throttle.attempt(key, self._clock.monotonic())
        if wait > 0:
            self._record("unknown" if device is None else name, source, "Login", "too_many_attempts")
            self.on_locked_out(source, "no password is tried: too many wrong ones for an account of people")
            raise LoginRefused("Too many tries. Wait before the next one.", wait)
        hashed = await self._hash_of(name)
        if not await self._verify(password, hashed, source, known=device is not None):
            # An unknown name may be a password typed into the wrong field: not for the audit.
            self._record(name if hashed is not None else "unknown", source, "Login", "wrong_credentials")
            raise LoginRefused("Name or password is wrong.")
        self._throttle.succeeded(key)
        self._record(name, source, "Login", "done")
        return await self._begin(name, device_token if device is not None else None)

    async def _verify(self, password: str, hashed: str | None, source: str, *, known: bool) -> bool:
        """Compare, where not too many from this source wait for that already; known browsers are never kept waiting."""
        group = source_group(source)
        if not known and self._at_work[group] >= MAXIMUM_AT_ONCE:
            raise LoginRefused("Too many logins at once. Wait before the next try.", BUSY_SECONDS)
        self._at_work[group] += 1
        try:
            return await self._hasher.verify(password[: MAXIMUM_LENGTH + 1], hashed)
        finally:
            self._at_work[group] -= 1
            if not self._at_work[group]:
                del self._at_work[group]

    async def _hash_of(self, name: str) -> str | None:
        def work(connection: sqlite3.Connection) -> str | None:
            row = connection.execute("SELECT password_hash FROM account WHERE name = ?", (name,)).fetchone()
            return None if row is None else str(row[0])

        return await self._database.read(work)

    async def _device(self, name: str, device_token: str | None) -> str | None:
        if not device_token:
            return None
        hashed, now = token_hash(device_token), self._clock.wall().isoformat()

        def work(connection: sqlite3.Connection) -> str | None:
            row = connection.execute(
                "SELECT 1 FROM device WHERE token_hash = ? AND account = ? AND expires_at > ?", (hashed, name, now)
            ).fetchone()
            return None if row is None else hashed

        return await self._database.read(work)

    async def _begin(self, name: str, device_token: str | None) -> Login:
        now = self._clock.wall()
        token, device = new_token(), device_token or new_token()
        session = Session(name, token_hash(token), now + SESSION_LIFE)

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM session WHERE expires_at <= ?", (now.isoformat(),))
            connection.execute("DELETE FROM device WHERE expires_at <= ?", (now.isoformat(),))
            connection.execute(
                "INSERT INTO session (token_hash, account, created_at, expires_at) VALUES (?, ?, ?, ?)",
                (session.token_hash, name, now.isoformat(), session.expires_at.isoformat()),
            )
            connection.execute(
                "DELETE FROM session WHERE account = ? AND token_hash NOT IN"
                " (SELECT token_hash FROM session WHERE account = ? ORDER BY created_at DESC, rowid DESC LIMIT ?)",
                (name, name, MAXIMUM_SESSIONS),
            )
            connection.execute(
                "INSERT OR REPLACE INTO device (token_hash, account, expires_at) VALUES (?, ?, ?)",
                (token_hash(device), name, (now + DEVICE_LIFE).isoformat()),
            )
            connection.execute(
                "DELETE FROM device WHERE account = ? AND token_hash NOT IN"
                " (SELECT token_hash FROM device WHERE account = ? ORDER BY expires_at DESC, rowid DESC LIMIT ?)",
                (name, name, MAXIMUM_DEVICES),
            )

        await self._database.write(work)
        return Login(session, token, device)

    async def session(self, token: str) -> Session | None:
        """The session that this token belongs to, unless it is over."""
        hashed, now = token_hash(token), self._clock.wall().isoformat()

        def work(connection: sqlite3.Connection) -> Session | None:
            row = connection.execute(
                "SELECT account, token_hash, expires_at FROM session WHERE token_hash = ? AND expires_at > ?",
                (hashed, now),
            ).fetchone()
            return None if row is None else Session(row[0], row[1], datetime.fromisoformat(row[2]))

        return await self._database.read(work)

    async def logout(self, session: Session) -> None:
        """End the session; its token is void from now on."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM session WHERE token_hash = ?", (session.token_hash,))

        await self._database.write(work)

    async def change_password(self, session: Session, old: str, new: str, source: str) -> list[str]:
        """Give the account another password and end its other sessions, whose token hashes are returned.

        Raises LoginRefused for a wrong old password and AccountError for a weak new one.
        """
        key = ("session", session.token_hash)
        wait = self._throttle.attempt(key, self._clock.monotonic())
        if wait > 0:
            raise LoginRefused("Too many tries. Wait before the next one.", wait)
        if not await self._hasher.verify(old[: MAXIMUM_LENGTH + 1], await self._hash_of(session.account)):
            self._record(session.account, source, "ChangePassword", "wrong_credentials")
            raise LoginRefused("The old password is wrong.")
        self._throttle.succeeded(key)
        hashed = await self._password_hash(new, session.account)

        def work(connection: sqlite3.Connection) -> list[str]:
            connection.execute("UPDATE account SET password_hash = ? WHERE name = ?", (hashed, session.account))
            ended = connection.execute(
                "DELETE FROM session WHERE account = ? AND token_hash != ? RETURNING token_hash",
                (session.account, session.token_hash),
            ).fetchall()
            connection.execute("DELETE FROM device WHERE account = ?", (session.account,))
            return [str(row[0]) for row in ended]

        ended = await self._database.write(work)
        self._record(session.account, source, "ChangePassword", "done")
        return ended

    def _record(self, name: str, source: str, action: str, outcome: str) -> None:
        kind = ActorKind.USER if outcome == "done" else ActorKind.ANONYMOUS
        actor = Actor(kind, name, name, source)
        self._audit.record(AuditEntry(self._clock.wall(), actor, action, name, "", outcome))
