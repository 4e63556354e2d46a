"""The registry of a running server: accounts kept up to date, registrations kept over restarts, requests judged."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import sqlite3
import time
from collections.abc import Callable

from consilium.config import Settings
from gatekeeper.authentication import ALGORITHMS, Authenticator
from gatekeeper.binding_store import BindingStore, Unsaved
from gatekeeper.digest import Algorithm
from gatekeeper.gruu import TemporaryGruus
from gatekeeper.ldap_directory import LdapDirectory, LdapError, LdapSettings
from gatekeeper.networks import CallerPolicy, CallerRules, parse_networks
from gatekeeper.nonces import Nonces
from gatekeeper.protection import Protection, ProtectionSettings
from gatekeeper.registrar import Registrar, RegistrarSettings
from gatekeeper.users import SipUser, UserStore, UserTable
from mcu.conference.commands import AuditLog
from mcu.control.database import Database, DatabaseError
from mcu.control.registration_tables import BindingRows, SipUserTable, registrar_key
from mcu.control.sip_account_operations import SipAccountOperations
from mcu.control.sip_accounts import SipAccounts
from mcu.gateway.sip_registrar import SipRegistrar
from mcu.ports import Operation
from sip.agent import UserAgent

logger = logging.getLogger(__name__)

LOCAL = "local"
LDAP = "ldap"

SAVE_INTERVAL = 1.0
"""Seconds between two writes of what has changed: what a crash can lose, until the device's next refresh."""

USERS_INTERVAL = 5.0
"""Seconds after which accounts hold that the command line has changed."""

FIRST_READING = 5.0
"""Seconds that a start waits for the directory; after that it goes on without, and the directory comes when it can."""


class Registry:
    """``open``, ``attach`` to the user agent, ``run`` in a task, ``close``."""

    def __init__(
        self, settings: Settings, users: UserStore, bindings: BindingStore, key: bytes, clock: Callable[[], float]
    ) -> None:
        section = settings.registrar
        self._settings = settings
        self._user_store = users
        self._bindings = bindings
        self._clock = clock
        self._ldap = _ldap_directory(settings)
        self._users_version: tuple[int, float] | None = None
        self._unsaved = Unsaved()
        self.users = UserTable()
        for source in (LOCAL, LDAP):
            self.users.declare(source)
        self.registrar = Registrar(
            RegistrarSettings(
                domains=frozenset(domain.lower() for domain in section.domains),
                default_life=section.default_life,
                shortest_life=section.shortest_life,
                longest_life=section.longest_life,
                maximum_endpoints=section.max_endpoints,
            ),
            TemporaryGruus(key, secrets.token_bytes),
        )
        protection = Protection(ProtectionSettings(trusted=parse_networks(section.trusted)))
        nonces = Nonces(key, secrets.token_bytes, clock(), section.nonce_life)
        algorithms = ALGORITHMS if section.md5 else (Algorithm.SHA_256,)
        authenticator = Authenticator(section.realm, self.users, nonces, protection, key, algorithms)
        self.sip = SipRegistrar(self.registrar, authenticator, protection, _caller_rules(settings), clock)

    @classmethod
    async def open(cls, settings: Settings, database: Database, clock: Callable[[], float] = time.time) -> Registry:
        """Read accounts and registrations. A directory that does not answer is read later."""
        key = await registrar_key(database)
        registry = cls(settings, SipUserTable(database), BindingRows(database), key, clock)
        await registry.read_users()
        now = clock()
        registry.registrar.restore(await registry._bindings.load(now), now)
        registry.registrar.on_change(registry._unsaved.note)
        is_complete = registry._ldap is None
        if not is_complete:
            with contextlib.suppress(TimeoutError):
                is_complete = await asyncio.wait_for(registry.read_ldap(), FIRST_READING)
        if is_complete:
            for binding in registry.registrar.bindings(now):
                if registry.users.find(binding.account) is None:
                    registry.registrar.remove_account(binding.account)
        return registry

    def attach(self, agent: UserAgent) -> None:
        """Serve REGISTER, and judge what comes to the user agent."""
        self.sip.attach(agent)

    def operations(self, audit: AuditLog) -> list[Operation]:
        """Operations of the HTTP API."""
        accounts = SipAccounts(self._user_store, self._settings.registrar.realm, self._clock, self.read_users)
        return SipAccountOperations(accounts, self.users, self.registrar, audit, self._clock).operations()

    async def run(self) -> None:
        """Write changes, forget what runs out, follow the sources of accounts; until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_saving())
            tasks.create_task(self._keep_reading_users())
            if self._ldap is not None:
                tasks.create_task(self._keep_reading_ldap())

    async def close(self) -> None:
        """Write down what is registered."""
        await self.save()

    async def save(self) -> None:
        """Forget what has run out, and write what has changed."""
        self.registrar.expire(self._clock())
        present, gone = self._unsaved.take()
        if not present and not gone:
            return
        try:
            await self._bindings.save(present, gone)
        except (sqlite3.Error, DatabaseError) as error:
            logger.error("Registrations could not be written: %s", error)
            self._unsaved.give_back(present, gone)

    async def read_users(self) -> None:
        """Read the local accounts where they have changed."""
        version = await self._user_store.version()
        if version == self._users_version:
            return
        realm = self._settings.registrar.realm
        users = await self._user_store.all()
        self._users_version = version
        usable = [user for user in users if user.realm == realm]
        if len(usable) < len(users):
            logger.warning(
                "%d SIP accounts were made for another realm and cannot register: set their passwords anew, or put "
                "registrar.realm back", len(users) - len(usable)
            )  # fmt: skip
        self._replace(LOCAL, usable)

    async def read_ldap(self) -> bool:
        """Read the directory; False, with the accounts as they were, when it cannot be read."""
        if self._ldap is None:
            return False
        try:
            users = await asyncio.to_thread(self._ldap.load)
        except LdapError as error:
            logger.warning("The directory of SIP accounts cannot be read, those known stay valid: %s", error)
            return False
        self._replace(LDAP, users)
        return True

    def _replace(self, source: str, users: list[SipUser]) -> None:
        before = {user.name for user in self.users.all()}
        self.users.replace(source, users)
        for name in sorted(before - {user.name for user in self.users.all()}):
            self.registrar.remove_account(name)

    async def _keep_saving(self) -> None:
        while True:
            await asyncio.sleep(SAVE_INTERVAL)
            await self.save()

    async def _keep_reading_users(self) -> None:
        while True:
            await asyncio.sleep(USERS_INTERVAL)
            try:
                await self.read_users()
            except (sqlite3.Error, DatabaseError) as error:
                logger.error("SIP accounts could not be read: %s", error)

    async def _keep_reading_ldap(self) -> None:
        while True:
            await asyncio.sleep(self._settings.ldap.refresh)
            await self.read_ldap()


def _ldap_directory(settings: Settings) -> LdapDirectory | None:
    """Raises OSError when the file with the password cannot be read."""
    ldap = settings.ldap
    if not ldap.url:
        return None
    password = "" if ldap.bind_password_file is None else ldap.bind_password_file.read_text("utf-8").strip()
    return LdapDirectory(
        LdapSettings(
            url=ldap.url,
            base=ldap.base,
            filter=ldap.filter,
            bind_name=ldap.bind_name,
            bind_password=password,
            name=ldap.name_attribute,
            title=ldap.title_attribute,
            md5=ldap.md5_attribute,
            sha256=ldap.sha256_attribute,
            password=ldap.password_attribute,
            encrypt=ldap.encrypt,
            authority_file=ldap.authority_file,
        ),
        settings.registrar.realm,
    )


def _caller_rules(settings: Settings) -> CallerRules:
    callers = settings.callers
    networks = {
        CallerPolicy.ALLOW: parse_networks(callers.allow),
        CallerPolicy.CHALLENGE: parse_networks(callers.challenge),
        CallerPolicy.REFUSE: parse_networks(callers.refuse),
    }
    return CallerRules(networks, CallerPolicy(callers.unregistered))
