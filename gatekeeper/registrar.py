"""The registrar: who can be reached where, as REGISTER requests say (RFC 3261 section 10.3). Pure; time comes in.

With Path (RFC 3327), outbound (RFC 5626) and GRUUs (RFC 5627). Requests come here authenticated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from gatekeeper.binding import (
    MAXIMUM_CONTACTS,
    Binding,
    WantedContact,
    is_outbound_path,
    parse_expires,
    parse_path,
    parse_wanted,
)
from gatekeeper.binding_table import BindingChanged, BindingTable
from gatekeeper.gruu import PREFIX, TemporaryGruus, instance_of, public_gruu
from gatekeeper.location import Reach
from gatekeeper.users import account_name
from sip.errors import SipParseError
from sip.flow import Flow
from sip.uri import SipUri, Uri, parse_uri

MAXIMUM_ENDPOINTS = 6_000
"""GK-1: the largest registry asked for. Accounts with a contact; each has at most ``MAXIMUM_CONTACTS``."""


@dataclass(frozen=True)
class RegistrarSettings:
    """``domains`` (in lower case): those that we register for; empty takes any host for ours.

    Lives are in seconds: what a client gets that asks for none, and the shortest and longest one that it gets.
    """

    domains: frozenset[str] = frozenset()
    default_life: int = 3600
    shortest_life: int = 60
    longest_life: int = 7200
    maximum_endpoints: int = MAXIMUM_ENDPOINTS


@dataclass(frozen=True)
class Registration:
    """What a REGISTER says, its header values as they stand. ``account`` is who it was proven to be from."""

    account: str
    to: Uri
    call_id: str
    cseq: int
    flow: Flow
    contacts: Sequence[str] = ()
    expires: str | None = None
    path: Sequence[str] = ()
    supported: frozenset[str] = frozenset()
    user_agent: str = ""
    hops: int = 1
    """Number of Vias: with more than one, a proxy stands between the client and us."""


@dataclass(frozen=True)
class RegistrarReply:
    """What to answer: status, reason phrase (None for the usual), further headers."""

    status: int
    reason: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


class _Failed(Exception):
    def __init__(self, reply: RegistrarReply) -> None:
        super().__init__(reply.reason)
        self.reply = reply


class Registrar:
    """All bindings, found by account and by flow. ``now`` is Unix time everywhere."""

    def __init__(self, settings: RegistrarSettings, gruus: TemporaryGruus) -> None:
        self._settings = settings
        self._gruus = gruus
        self._table = BindingTable()

    def on_change(self, listener: Callable[[BindingChanged], None]) -> None:
        """Tell of every change: a refresh too. The listener must not raise."""
        self._table.listeners.append(listener)

    # -- questions -------------------------------------------------------------------------------------------------

    @property
    def endpoints(self) -> int:
        """How many accounts have a contact."""
        return self._table.accounts

    def bindings(self, now: float) -> list[Binding]:
        """All that is registered, by account."""
        self.expire(now)
        return self._table.all()

    def bindings_of(self, account: str, now: float) -> list[Binding]:
        """What is registered for an account."""
        self.expire(now)
        return self._table.of(account_name(account))

    def locate(self, address: str, now: float) -> tuple[Reach, ...]:
        """See ``gatekeeper.location.Locator``: best q first, then the latest."""
        self.expire(now)
        if ":" not in address:
            return _ordered(self._table.of(account_name(address)))
        try:
            uri = parse_uri(address)
        except SipParseError:
            return ()
        if not isinstance(uri, SipUri) or not self._is_ours(uri):
            return ()
        instance = instance_of(uri)
        if instance is None:
            return _ordered(self._table.of(account_name(uri.user_name)))
        return self._locate_gruu(uri, instance)

    def _locate_gruu(self, uri: SipUri, instance: str) -> tuple[Reach, ...]:
        account = account_name(uri.user_name)
        if account.startswith(PREFIX):
            found = self._table.instance_of(self._gruus.id_of(account) or "")
            if found is None:
                return ()
            account, instance = found
        return _ordered(one for one in self._table.of(account) if instance and one.instance == instance)

    def account_of(self, flow: Flow, now: float) -> str:
        """The account that is registered over this very flow; "" for none, and for a flow that several share."""
        self.expire(now)
        accounts = {binding.account for binding in self._table.on_flow(flow)}
        return accounts.pop() if len(accounts) == 1 else ""

    def knows_device(self, account: str, call_id: str) -> bool:
        """Whether a standing registration of the account was made under this Call-ID, which only its device knows."""
        return any(binding.call_id == call_id for binding in self._table.of(account_name(account)))

    # -- changes ---------------------------------------------------------------------------------------------------

    def restore(self, bindings: Sequence[Binding], now: float) -> None:
        """Take over what was kept, before the first request. Connections are gone, datagrams find their way."""
        for binding in bindings:
            if binding.expires_at > now:
                flow = binding.flow if binding.flow is not None and binding.flow.connection is None else None
                self._table.put(replace(binding, flow=flow))

    def register(self, request: Registration, now: float) -> RegistrarReply:
        """Serve a REGISTER: all of it is done, or nothing. Never raises."""
        self.expire(now)
        try:
            self._check_address(request)
            wanted = parse_wanted(request.contacts)
            path = parse_path(request.path)
            if wanted is None:
                self._unregister_all(request)
            else:
                changes = [self._plan(request, contact, path, now) for contact in wanted]
                self._check_room(request.account, changes)
                for before, after in changes:
                    if after is not None:
                        self._table.put(after)
                    # A request may name one contact twice: then the binding is gone already.
                    elif before is not None and self._table.get(request.account, before.key) is not None:
                        self._table.drop(before, "unregistered")
        except SipParseError as error:
            return RegistrarReply(error.status, f"Bad Request: {error}" if error.status == 400 else str(error))
        except _Failed as failed:
            return failed.reply
        return self._success(request, now)

    def flow_lost(self, flow: Flow) -> None:
        """A connection closed: an outbound binding ends with it (RFC 5626 section 7); others may still be called."""
        for binding in self._table.on_flow(flow):
            if binding.reg_id is not None:
                self._table.drop(binding, "connection_lost")
            else:
                self._table.put(replace(binding, flow=None))

    def remove_account(self, account: str) -> None:
        """The account is no more: nor are its contacts."""
        for binding in self._table.of(account_name(account)):
            self._table.drop(binding, "removed")

    def expire(self, now: float) -> None:
        """Forget what has run out."""
        self._table.expire(now)

    def next_deadline(self) -> float | None:
        """When ``expire`` has something to do, at the earliest."""
        return self._table.next_deadline()

    # -- the steps of RFC 3261 section 10.3 --------------------------------------------------------------------------

    def _is_ours(self, uri: SipUri) -> bool:
        return not self._settings.domains or uri.host.lower() in self._settings.domains

    def _check_address(self, request: Registration) -> None:
        uri = request.to
        if not isinstance(uri, SipUri) or not self._is_ours(uri):
            raise _Failed(RegistrarReply(404))
        if account_name(uri.user_name) != request.account:
            # Said only to somebody who has proven to be another account: no guesser learns from it.
            raise _Failed(RegistrarReply(403, "An account registers its own address only"))

    def _unregister_all(self, request: Registration) -> None:
        if parse_expires(request.expires) != 0:
            raise _Failed(RegistrarReply(400, "Bad Request: Contact '*' goes with Expires: 0 only"))
        bindings = self._table.of(request.account)
        for binding in bindings:
            _check_order(request, binding)
        for binding in bindings:
            self._table.drop(binding, "unregistered")

    def _plan(
        self, request: Registration, wanted: WantedContact, path: tuple[str, ...], now: float
    ) -> tuple[Binding | None, Binding | None]:
        """The binding as it is and as it shall be; None for not there."""
        life = self._life(wanted, request)
        outbound = _does_outbound(request, wanted, path)
        reg_id = wanted.reg_id if outbound else None
        key = f"{wanted.instance} {reg_id}" if outbound else _comparable(wanted.uri)
        before = self._table.get(request.account, key)
        if before is not None:
            _check_order(request, before)
        if life == 0:
            return before, None
        temporary_id = self._temporary_id(request, wanted.instance) if wanted.instance else ""
        return before, Binding(
            account=request.account,
            key=key,
            contact=str(wanted.uri),
            expires_at=now + life,
            call_id=request.call_id,
            cseq=request.cseq,
            registered_at=before.registered_at if before is not None else now,
            q=wanted.q,
            path=path,
            instance=wanted.instance,
            reg_id=reg_id,
            flow=request.flow,
            user_agent=request.user_agent,
            temporary_id=temporary_id,
        )

    def _life(self, wanted: WantedContact, request: Registration) -> int:
        asked = wanted.expires if wanted.expires is not None else parse_expires(request.expires)
        if asked is None:
            asked = self._settings.default_life
        if 0 < asked < self._settings.shortest_life:
            raise _Failed(RegistrarReply(423, None, (("Min-Expires", str(self._settings.shortest_life)),)))
        return min(asked, self._settings.longest_life)

    def _temporary_id(self, request: Registration, instance: str) -> str:
        """The id stays as long as the instance registers under one Call-ID (RFC 5627 section 5.1)."""
        for binding in self._table.of(request.account):
            if binding.instance == instance and binding.call_id == request.call_id and binding.temporary_id:
                return binding.temporary_id
        return self._gruus.new_id()

    def _check_room(self, account: str, changes: Sequence[tuple[Binding | None, Binding | None]]) -> None:
        present = self._table.of(account)
        keys = {binding.key for binding in present}
        for before, after in changes:
            keys -= {before.key} if before is not None else set()
            keys |= {after.key} if after is not None else set()
        if len(keys) > MAXIMUM_CONTACTS:
            raise _Failed(RegistrarReply(403, f"An account has at most {MAXIMUM_CONTACTS} contacts"))
        if keys and not present and self.endpoints >= self._settings.maximum_endpoints:
            raise _Failed(RegistrarReply(503, "The registry is full", (("Retry-After", "300"),)))

    def _success(self, request: Registration, now: float) -> RegistrarReply:
        bindings = self._table.of(request.account)
        headers = [("Contact", self._contact(request, binding, now)) for binding in bindings]
        headers += [("Path", f"<{uri}>") for uri in parse_path(request.path)] if "path" in request.supported else []
        if any(binding.reg_id is not None and binding.call_id == request.call_id for binding in bindings):
            headers.append(("Require", "outbound"))
        headers.append(("Date", _sip_date(now)))
        return RegistrarReply(200, None, tuple(headers))

    def _contact(self, request: Registration, binding: Binding, now: float) -> str:
        text = f"<{binding.contact}>;expires={max(1, round(binding.expires_at - now))}"
        if binding.q != 1.0:
            text += f";q={binding.q:g}"
        if binding.instance:
            text += f';+sip.instance="<{binding.instance}>"'
        if binding.reg_id is not None:
            text += f";reg-id={binding.reg_id}"
        if binding.instance and "gruu" in request.supported and isinstance(request.to, SipUri):
            domain = request.to.host
            text += f';pub-gruu="{public_gruu(binding.account, domain, binding.instance)}"'
            text += f';temp-gruu="{self._gruus.make(binding.temporary_id, domain)}"'
        return text


def _does_outbound(request: Registration, wanted: WantedContact, path: tuple[str, ...]) -> bool:
    """RFC 5626 section 6: the client says so, and every hop between takes part."""
    is_asked = "outbound" in request.supported and bool(wanted.instance) and wanted.reg_id is not None
    return is_asked and (is_outbound_path(path) if path else request.hops == 1)


def _check_order(request: Registration, binding: Binding) -> None:
    """RFC 3261 section 10.3 step 7: of two requests of one client, the later one by CSeq counts."""
    if binding.call_id == request.call_id and request.cseq <= binding.cseq:
        raise _Failed(RegistrarReply(500, "A later REGISTER was here before"))


def _ordered(bindings: Iterable[Binding]) -> tuple[Reach, ...]:
    latest = sorted(bindings, key=lambda one: (-one.q, -one.expires_at, one.contact))
    return tuple(binding.reach for binding in latest)


def _comparable(uri: SipUri) -> str:
    """RFC 3261 section 19.1.4, as far as it matters here: hosts know no case, parameters no order."""
    return str(replace(uri, host=uri.host.lower(), headers="", parameters=tuple(sorted(uri.parameters))))


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _sip_date(now: float) -> str:
    """RFC 3261 section 25.1 SIP-date, whatever the locale."""
    at = datetime.fromtimestamp(now, UTC)
    day, month = _DAYS[at.weekday()], _MONTHS[at.month - 1]
    return f"{day}, {at.day:02} {month} {at.year:04} {at.hour:02}:{at.minute:02}:{at.second:02} GMT"
