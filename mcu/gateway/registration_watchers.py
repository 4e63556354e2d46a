"""Devices that watch their own registration (RFC 3680) learn at once when it is gone."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from collections.abc import Callable
from typing import Protocol

from gatekeeper.binding import Binding
from gatekeeper.binding_table import BindingChanged
from gatekeeper.registrar import Registrar
from gatekeeper.users import account_name
from mcu.gateway.conference_watchers import NotifyCommands
from sip import events as sip_events
from sip.errors import CallStateError, SipParseError
from sip.reg_info import REG_INFO, REG_PACKAGE, ContactEvent, RegInfo, RegisteredContact
from sip.uri import SipUri, parse_uri

_GONE = {
    "unregistered": ContactEvent.UNREGISTERED,
    "expired": ContactEvent.EXPIRED,
    # The device may, and should, register again.
    "connection_lost": ContactEvent.DEACTIVATED,
    "removed": ContactEvent.REJECTED,
}


class EventSource(Protocol):
    """Where the user agent's events come from: ``SipGateway``."""

    def add_taker(self, taker: Callable[[sip_events.Event], bool]) -> None: ...


class RegistrationWatchers:
    """One for the server. Only an account itself may watch its contacts. ``clock`` gives Unix time."""

    def __init__(
        self, commands: NotifyCommands, gateway: EventSource, registrar: Registrar, clock: Callable[[], float]
    ) -> None:
        self._commands = commands
        self._registrar = registrar
        self._clock = clock
        self._versions = itertools.count()
        self._watched: dict[str, tuple[str, str]] = {}  # subscription → account, address as it was asked for
        gateway.add_taker(self.take)
        registrar.on_change(self._changed)

    def take(self, event: sip_events.Event) -> bool:
        """Deal with an event; False when it is somebody else's."""
        if isinstance(event, sip_events.SubscriptionEnded):
            return self._watched.pop(event.subscription, None) is not None
        if not isinstance(event, sip_events.SubscriptionRequested) or event.package != REG_PACKAGE:
            return False
        account = _account_of(event.request_uri)
        with contextlib.suppress(CallStateError):  # the subscriber was quicker
            if not account or event.identity != account:
                self._commands.reject_subscription(event.subscription, 403)
                return True
            if event.expires:
                self._watched[event.subscription] = account, event.request_uri
            self._commands.accept_subscription(
                event.subscription, REG_INFO, self._document(account, event.request_uri, None)
            )
        return True

    def _changed(self, change: BindingChanged) -> None:
        is_refresh = change.binding is not None and change.before is not None
        if is_refresh or not self._watched:
            return
        for subscription, (account, address) in list(self._watched.items()):
            if account == change.account:
                document = self._document(account, address, change)
                with contextlib.suppress(CallStateError):  # it has just ended
                    self._commands.notify(subscription, REG_INFO, document)

    def _document(self, account: str, address: str, change: BindingChanged | None) -> bytes:
        now = self._clock()
        contacts = []
        for binding in self._registrar.bindings_of(account, now):
            is_new = change is not None and change.binding == binding
            event = ContactEvent.CREATED if is_new else ContactEvent.REGISTERED
            contacts.append(_contact(binding, event, max(0, round(binding.expires_at - now))))
        if change is not None and change.binding is None and change.before is not None:
            contacts.append(_contact(change.before, _GONE.get(change.reason, ContactEvent.DEACTIVATED), None))
        identifier = _identifier(account)
        return RegInfo(address, identifier, next(self._versions), tuple(contacts)).to_xml()


def _contact(binding: Binding, event: ContactEvent, expires: int | None) -> RegisteredContact:
    return RegisteredContact(_identifier(binding.key), binding.shown_contact, event, expires)


def _identifier(text: str) -> str:
    """Names the same thing in all documents, and nothing else."""
    return "c" + hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _account_of(address: str) -> str:
    try:
        uri = parse_uri(address)
    except SipParseError:
        return ""
    return account_name(uri.user_name) if isinstance(uri, SipUri) else ""
