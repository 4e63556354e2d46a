"""Making and changing the accounts of SIP devices; behind the API and the command line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gatekeeper.users import SipUser, UserError, UserStore, make_user
from mcu.control.passwords import generate_password, password_weakness

MAXIMUM_TITLE = 100


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
            raise UserError("There is a SIP account with this name already.")
        await self._changed()
        return user, generated

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

    def _user(self, name: str, password: str, title: str) -> SipUser:
        weakness = password_weakness(password, name)
        if weakness is not None:
            raise UserError(weakness)
        return make_user(name, self._realm, password, title=title, now=self._clock())
