"""Accounts of SIP devices, and where they come from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gatekeeper.digest import Algorithm, user_hash

_NAME = re.compile(r"[a-z0-9\u0080-\U0010ffff][a-z0-9._+\-\u0080-\U0010ffff]{0,63}")


class UserError(Exception):
    """An account cannot be as wished; the message says why."""


@dataclass(frozen=True)
class SipUser:
    """A device's account: the user part of its address, and H(A1) for each algorithm (RFC 7616 section 3.4.2).

    Digest authentication needs H(A1) itself, so a slow hash such as scrypt cannot take its place. H(A1) opens SIP in
    this realm only, and nothing else that the same password may open. One may be "" where a directory lacks it.
    """

    name: str
    realm: str
    md5: str = field(repr=False)
    sha256: str = field(repr=False)
    title: str = ""
    changed_at: float = 0.0

    def ha1(self, algorithm: Algorithm) -> str:
        """H(A1) for this algorithm, "" when there is none."""
        return self.md5 if algorithm is Algorithm.MD5 else self.sha256


def account_name(text: str) -> str:
    """The account that a user name or the user part of an address means: case makes no difference."""
    return text.casefold()


def make_user(name: str, realm: str, password: str, *, title: str = "", now: float = 0.0) -> SipUser:
    """An account with this password. Raises UserError for a name that no address can have."""
    if _NAME.fullmatch(name) is None or account_name(name) != name:
        raise UserError("A SIP account's name has 1 to 64 small letters or digits, and '.', '_', '-', '+' inside.")
    return SipUser(
        name,
        realm,
        user_hash(Algorithm.MD5, name, realm, password),
        user_hash(Algorithm.SHA_256, name, realm, password),
        title,
        now,
    )


class Directory(Protocol):
    """All accounts, at hand: a look-up never waits, so its time tells nobody whether the account is there."""

    def find(self, name: str) -> SipUser | None:
        """The account with this name (see ``account_name``)."""


class UserTable:
    """A ``Directory`` of several sources, each handed over as a whole; where two know a name, the first source wins."""

    def __init__(self) -> None:
        self._sources: dict[str, dict[str, SipUser]] = {}
        self._users: dict[str, SipUser] = {}

    def __len__(self) -> int:
        return len(self._users)

    def declare(self, source: str) -> None:
        """Give a source its place in the order before it delivers."""
        self._sources.setdefault(source, {})

    def replace(self, source: str, users: list[SipUser]) -> None:
        """These are now all accounts of this source."""
        self._sources[source] = {account_name(user.name): user for user in users}
        merged: dict[str, SipUser] = {}
        for known in reversed(self._sources.values()):
            merged.update(known)
        self._users = merged

    def find(self, name: str) -> SipUser | None:
        """See ``Directory``."""
        return self._users.get(account_name(name))

    def source_of(self, name: str) -> str:
        """Which source an account comes from, "" for an unknown one."""
        name = account_name(name)
        return next((source for source, users in self._sources.items() if name in users), "")

    def all(self) -> list[SipUser]:
        """All accounts by name."""
        return [self._users[name] for name in sorted(self._users)]


class UserStore(Protocol):
    """Where local accounts are kept."""

    async def all(self) -> list[SipUser]:
        """All accounts, by name."""

    async def version(self) -> tuple[int, float]:
        """Changes whenever an account does: number of accounts, and when one was changed last."""

    async def add(self, user: SipUser) -> bool:
        """Keep a new account; False (and nothing changed) when the name is taken."""

    async def add_all(self, users: Sequence[SipUser]) -> frozenset[str]:
        """Keep new accounts, all of them or none: returns the names that are taken, empty when all are kept."""

    async def update(self, user: SipUser) -> bool:
        """Replace the account with this name; False when there is none."""

    async def remove(self, name: str) -> bool:
        """Forget the account; False when there was none."""


class MemoryUserStore:
    """``UserStore`` that forgets when the process ends."""

    def __init__(self) -> None:
        self._users: dict[str, SipUser] = {}

    async def all(self) -> list[SipUser]:
        """See ``UserStore``."""
        return [self._users[name] for name in sorted(self._users)]

    async def version(self) -> tuple[int, float]:
        """See ``UserStore``."""
        return len(self._users), max((user.changed_at for user in self._users.values()), default=0.0)

    async def add(self, user: SipUser) -> bool:
        """See ``UserStore``."""
        return self._users.setdefault(user.name, user) is user

    async def add_all(self, users: Sequence[SipUser]) -> frozenset[str]:
        """See ``UserStore``."""
        taken = frozenset(user.name for user in users if user.name in self._users)
        if not taken:
            self._users.update({user.name: user for user in users})
        return taken

    async def update(self, user: SipUser) -> bool:
        """See ``UserStore``."""
        if user.name not in self._users:
            return False
        self._users[user.name] = user
        return True

    async def remove(self, name: str) -> bool:
        """See ``UserStore``."""
        return self._users.pop(name, None) is not None
