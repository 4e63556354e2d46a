"""Operations on accounts of SIP devices, and on what is registered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field

from gatekeeper.binding import Binding
from gatekeeper.registrar import Registrar
from gatekeeper.users import SipUser, UserError, UserTable
from mcu.conference.commands import AuditEntry, AuditLog
from mcu.control.bodies import Body, json_answer
from mcu.control.passwords import MAXIMUM_LENGTH
from mcu.control.problems import FieldProblem, ProblemOfFields
from mcu.control.sip_accounts import MAXIMUM_TITLE, AccountsRefused, SipAccounts, WantedAccount
from mcu.ports import Operation, Problem, actor_of, body_of

Secret = Annotated[str, Field(max_length=MAXIMUM_LENGTH, repr=False)]


class NewSipUser(Body):
    """An account for a device. Without a password, one is made."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    password: Annotated[str | None, Field(max_length=MAXIMUM_LENGTH, repr=False)] = None
    title: Annotated[str, Field(max_length=MAXIMUM_TITLE)] = ""


MAXIMUM_BATCH = 500
"""Accounts in one request; their fields fit a body of usual size."""


class NewSipUsers(Body):
    """Accounts for devices, all of them or none."""

    sip_users: Annotated[list[NewSipUser], Field(min_length=1, max_length=MAXIMUM_BATCH)]


class SipPassword(Body):
    """Another password for a device."""

    password: Secret


class SipUserView(BaseModel):
    """An account. ``source``: "local", or "ldap" for one that the directory has. ``contacts``: registered now."""

    name: str
    title: str
    source: str
    contacts: int


class NewSipUserView(SipUserView):
    """A new account; ``password`` is there when the server made it, and is shown nowhere else."""

    password: str | None = Field(default=None, repr=False)


class NewSipUserList(BaseModel):
    """New accounts, in the order in which they were wished for."""

    sip_users: list[NewSipUserView]


class RefusedAccounts(ProblemOfFields):
    """None of the accounts was made; each that will not do is named by its place in the list."""

    def __init__(self, error: AccountsRefused) -> None:
        super().__init__(422, "SIP account will not do", str(error), "bad_sip_user")
        self.errors = [FieldProblem(field=f"sip_users.{place}", message=why) for place, why in error.errors]


class SipUserList(BaseModel):
    """All accounts."""

    sip_users: list[SipUserView]


class RegistrationView(BaseModel):
    """A contact that is registered. ``address`` is where its packets come from, "" after a restart over TCP."""

    account: str
    contact: str
    q: float
    transport: str
    address: str
    path: list[str]
    instance: str
    user_agent: str
    registered_at: datetime
    expires_at: datetime


class RegistrationList(BaseModel):
    """All contacts that are registered."""

    registrations: list[RegistrationView]


class SipAccountOperations:
    """Accounts of devices, and registrations. ``clock`` gives Unix time."""

    def __init__(
        self,
        accounts: SipAccounts,
        users: UserTable,
        registrar: Registrar,
        audit: AuditLog,
        clock: Callable[[], float],
    ) -> None:
        self._accounts = accounts
        self._users = users
        self._registrar = registrar
        self._audit = audit
        self._clock = clock

    def operations(self) -> list[Operation]:
        """What this class serves."""
        tag = "sip_users"
        return [
            Operation("GET", "/sip-users", self.list, "Accounts of SIP devices", response=SipUserList, tag=tag),
            Operation("POST", "/sip-users", self.add, "Make an account for a SIP device",
                      request=NewSipUser, response=NewSipUserView, status=201, tag=tag, errors=(422,)),
            Operation("POST", "/sip-users/batch", self.add_all, "Make accounts for many SIP devices, all or none",
                      request=NewSipUsers, response=NewSipUserList, status=201, tag=tag, errors=(422,)),
            Operation("PUT", "/sip-users/{name}/password", self.set_password, "Another password for a SIP device",
                      request=SipPassword, status=204, tag=tag, errors=(404, 422)),
            Operation("DELETE", "/sip-users/{name}", self.remove, "Remove an account; its device is unregistered",
                      status=204, tag=tag, errors=(404,)),
            Operation("GET", "/registrations", self.registrations, "SIP devices that are registered",
                      response=RegistrationList, tag=tag),
        ]  # fmt: skip

    async def list(self, request: web.Request) -> web.Response:
        """All accounts, those of the directory too."""
        return json_answer(SipUserList(sip_users=[self._view(user) for user in self._users.all()]))

    async def add(self, request: web.Request) -> web.Response:
        """Make an account."""
        body = body_of(request, NewSipUser)
        try:
            user, generated = await self._accounts.add(body.name, body.password, body.title)
        except UserError as error:
            raise _refused(error) from error
        self._record(request, "AddSipUser", user.name)
        view = self._view(user)
        return json_answer(NewSipUserView(**view.model_dump(), password=generated), 201)

    async def add_all(self, request: web.Request) -> web.Response:
        """Make many accounts, or none of them."""
        body = body_of(request, NewSipUsers)
        try:
            made = await self._accounts.add_all(
                [WantedAccount(one.name, one.password, one.title) for one in body.sip_users]
            )
        except AccountsRefused as error:
            raise RefusedAccounts(error) from error
        self._record(request, "AddSipUsers", f"{len(made)}: {made[0].user.name} … {made[-1].user.name}")
        views = [NewSipUserView(**self._view(one.user).model_dump(), password=one.password) for one in made]
        return json_answer(NewSipUserList(sip_users=views), 201)

    async def set_password(self, request: web.Request) -> web.Response:
        """Another password."""
        name = request.match_info["name"]
        try:
            is_known = await self._accounts.set_password(name, body_of(request, SipPassword).password)
        except UserError as error:
            raise _refused(error) from error
        if not is_known:
            raise _unknown()
        self._record(request, "SetSipPassword", name)
        return web.Response(status=204)

    async def remove(self, request: web.Request) -> web.Response:
        """Remove an account."""
        name = request.match_info["name"]
        if not await self._accounts.remove(name):
            raise _unknown()
        self._record(request, "RemoveSipUser", name)
        return web.Response(status=204)

    async def registrations(self, request: web.Request) -> web.Response:
        """What is registered now."""
        bindings = self._registrar.bindings(self._clock())
        return json_answer(RegistrationList(registrations=[_registration(binding) for binding in bindings]))

    def _view(self, user: SipUser) -> SipUserView:
        contacts = len(self._registrar.bindings_of(user.name, self._clock()))
        source = self._users.source_of(user.name) or "local"
        return SipUserView(name=user.name, title=user.title, source=source, contacts=contacts)

    def _record(self, request: web.Request, action: str, name: str) -> None:
        at = datetime.fromtimestamp(self._clock(), UTC)
        self._audit.record(AuditEntry(at, actor_of(request), action, name, "", "done"))


def _registration(binding: Binding) -> RegistrationView:
    flow = binding.flow
    return RegistrationView(
        account=binding.account,
        contact=binding.shown_contact,
        q=binding.q,
        transport="" if flow is None else flow.transport,
        address="" if flow is None else f"{flow.remote[0]}:{flow.remote[1]}",
        path=[ascii(uri)[1:-1] for uri in binding.path],
        instance=ascii(binding.instance)[1:-1],
        user_agent=binding.user_agent,
        registered_at=datetime.fromtimestamp(binding.registered_at, UTC),
        expires_at=datetime.fromtimestamp(binding.expires_at, UTC),
    )


def _refused(error: UserError) -> Problem:
    return Problem(422, "SIP account will not do", str(error), "bad_sip_user")


def _unknown() -> Problem:
    return Problem(404, "No such SIP account", "The server has no own SIP account with this name.", "unknown_sip_user")
