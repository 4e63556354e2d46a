"""Making and changing the accounts of SIP devices; behind the API and the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from gatekeeper.users import SipUser, UserError, UserStore, make_user
from mcu.control.passwords import generate_password, password_weakness

MAXIMUM_TITLE = 100


MAXIMUM_AT_ONCE = 20_000
"""Accounts made in one go: three times as many as a hospital group has devices, and hashed within a second."""


@dataclass(frozen=True)
class WantedAccount:
    """An account to be made; ``password`` None: make one."""

    name: str
    password: str | None = field(default=None, repr=False)
    title: str = ""


@dataclass(frozen=True)
class MadeAccount:
    """A new account; ``password`` is there when the server made it."""

    user: SipUser
    password: str | None = field(default=None, repr=False)


class AccountsRefused(UserError):
    """None of the accounts was made. ``errors``: for each that will not do, its place in the list and why."""

    def __init__(self, errors: Sequence[tuple[int, str]]) -> None:
        super().__init__(f"{len(errors)} of the accounts will not do; none was made.")
        self.errors = tuple(errors)


_TAKEN = "There is a SIP account with this name already."


async def _nothing() -> None:
    pass


class SipAccounts:
    """Local accounts. ``clock`` gives Unix time; ``changed`` is awaited after each change, so that it holds at once."""

    def __init__(
        self,
        store: UserStore,
        realm: str,
        clock: Callable[[], float],
        changed: Callable[[], Awaitable[None]] = _nothing,
    ) -> None:
        self._store = store
        self._realm = realm
        self._clock = clock
        self._changed = changed

    async def all(self) -> list[SipUser]:
        """All local accounts, by name."""
        return await self._store.all()

    async def add(self, name: str, password: str | None, title: str = "") -> tuple[SipUser, str | None]:
        """Make an account; without a password one is made, and returned this once.

        Raises UserError for a name that cannot be or is taken, and for a weak password (SEC-1).
        """
        generated = None
        if password is None:
            password = generated = generate_password()
        user = self._user(name, password, title)
        if not await self._store.add(user):
            raise UserError(_TAKEN)
        await self._changed()
        return user, generated

    async def add_all(self, wanted: Sequence[WantedAccount]) -> list[MadeAccount]:
        """Make accounts, all of them or none. Raises AccountsRefused, which names every one that will not do.

        Raises UserError for more than MAXIMUM_AT_ONCE.
        """
        if len(wanted) > MAXIMUM_AT_ONCE:
            raise UserError(f"At most {MAXIMUM_AT_ONCE} accounts are made at once.")
        # In a thread: thousands of hashes must not hold up calls.
        made, errors = await asyncio.to_thread(self._make_all, wanted)
        if errors:
            raise AccountsRefused(errors)
        taken = await self._store.add_all([one.user for one in made])
        if taken:
            raise AccountsRefused([(place, _TAKEN) for place, one in enumerate(made) if one.user.name in taken])
        await self._changed()
        return made

    async def set_password(self, name: str, password: str) -> bool:
        """Give an account another password; False when there is none with this name. Raises UserError."""
        known = next((user for user in await self._store.all() if user.name == name), None)
        if known is None:
            return False
        updated = await self._store.update(self._user(name, password, known.title))
        await self._changed()
        return updated

    async def remove(self, name: str) -> bool:
        """Forget an account; its device is unregistered. False when there was none."""
        removed = await self._store.remove(name)
        await self._changed()
        return removed

    def _make_all(self, wanted: Sequence[WantedAccount]) -> tuple[list[MadeAccount], list[tuple[int, str]]]:
        made: list[MadeAccount] = []
        errors: list[tuple[int, str]] = []
        names: set[str] = set()
        for place, one in enumerate(wanted):
            generated = generate_password() if one.password is None else None
            try:
                user = self._user(one.name, generated or one.password or "", one.title)
                if user.name in names:
                    raise UserError("The list has this name twice.")
                if len(user.title) > MAXIMUM_TITLE:
                    raise UserError(f"A title has at most {MAXIMUM_TITLE} characters.")
            except UserError as error:
                errors.append((place, str(error)))
                continue
            names.add(user.name)
            made.append(MadeAccount(user, generated))
        return made, errors

    def _user(self, name: str, password: str, title: str) -> SipUser:
        weakness = password_weakness(password, name)
        if weakness is not None:
            raise UserError(weakness)
        return make_user(name, self._realm, password, title=title, now=self._clock())
