"""Those who want to know what changes: SUBSCRIBE in, NOTIFY out (RFC 6665)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sip.call import Call
from sip.core import AgentCore
from sip.dialog import Dialog, DialogKey, dialog_of_callee
from sip.errors import CallStateError, SipParseError
from sip.event_package import EventHeader, SubscriptionState, parse_event, parse_expires
from sip.events import SubscriptionEnded, SubscriptionRequested
from sip.flow import Flow
from sip.grammar import printable
from sip.message import Request, Response
from sip.timers import TimerSlot
from sip.transactions import Failure, ServerTransaction
from sip.uri import SipUri

# Seconds. Who asks for nothing gets an hour; longer than a day nobody needs, and a forgotten one should end some time.
USUAL_EXPIRES = 3600
LONGEST_EXPIRES = 86400
# RFC 6665 §4.2.1.1: what is shorter gets 423, since it would only be renewed all the time.
SHORTEST_EXPIRES = 30
# Each holds a dialog; beyond this number nobody watches with honest intentions.
MAX_SUBSCRIPTIONS = 5000
# A conference where many join at once tells its watchers each second, not each time.
PACE = 1.0

Key = tuple[DialogKey, str, str | None]


@dataclass
class Document:
    """What a NOTIFY carries."""

    content_type: str
    body: bytes = field(repr=False)


@dataclass
class Subscription:
    """``document``: the newest, ``is_sent`` once it is told. ``pace``: seconds between NOTIFYs at least."""

    handle: str
    event: EventHeader
    dialog: Dialog
    contact: str
    expires: int
    pace: float = PACE
    pending: ServerTransaction | None = None
    document: Document | None = None
    is_sent: bool = True
    is_waiting: bool = False
    final: SubscriptionState | None = None
    expiry: TimerSlot = field(default_factory=TimerSlot)
    next: TimerSlot = field(default_factory=TimerSlot)

    @property
    def key(self) -> Key:
        """Dialog, package, id."""
        return self.dialog.key, self.event.package, self.event.id


class Subscriptions:
    """All subscriptions at this user agent."""

    def __init__(self, core: AgentCore) -> None:
        self._core = core
        self._all: dict[str, Subscription] = {}
        self._by_key: dict[Key, Subscription] = {}

    def knows(self, request: Request) -> bool:
        """Whether a request with a To tag belongs to a subscription."""
        return self._find(request) is not None

    # -- SUBSCRIBE -----------------------------------------------------------------------------------------------

    def receive(self, request: Request, flow: Flow, transaction: ServerTransaction, identity: str) -> None:
        """A SUBSCRIBE outside of any dialog, already screened."""
        tag = self._core.ids.tag()
        if not request.contacts or not isinstance(request.contacts[0].uri, SipUri):
            transaction.respond(self._core.response(request, 400, tag, "Bad Request: there must be a SIP Contact"))
            return
        user = request.uri.user if isinstance(request.uri, SipUri) else None
        dialog = dialog_of_callee(request, tag, flow)
        self._begin(request, flow, transaction, dialog, self._core.contact(flow, user), identity)

    def receive_inside(
        self, request: Request, call: Call, dialog: Dialog, flow: Flow, transaction: ServerTransaction
    ) -> None:
        """A SUBSCRIBE in the dialog of a call: a new one, or one to go on."""
        found = self._find(request)
        if found is not None:
            self._renew(found, request, flow, transaction)
        else:
            self._begin(request, flow, transaction, dialog, call.contact, "", call.handle)

    def receive_again(self, request: Request, flow: Flow, transaction: ServerTransaction) -> None:
        """A SUBSCRIBE in the dialog of an earlier one, for which ``knows`` was true."""
        found = self._find(request)
        if found is None or not found.dialog.is_in_order(request):
            transaction.respond(self._core.response(request, 481 if found is None else 500))
        else:
            self._renew(found, request, flow, transaction)

    def _begin(
        self,
        request: Request,
        flow: Flow,
        transaction: ServerTransaction,
        dialog: Dialog,
        contact: str,
        identity: str,
        call: str = "",
    ) -> None:
        core, event = self._core, _event_of(request)
        expires = parse_expires(request.headers.get("Expires"), USUAL_EXPIRES)
        tag = dialog.local.tag
        if event is None or event.package not in self._core.packages:
            response = core.response(request, 489, tag)
            response.headers.add("Allow-Events", ", ".join(self._core.packages))
            transaction.respond(response)
        elif 0 < expires < SHORTEST_EXPIRES:
            response = core.response(request, 423, tag)
            response.headers.add("Min-Expires", str(SHORTEST_EXPIRES))
            transaction.respond(response)
        elif core.is_closing or len(self._all) >= MAX_SUBSCRIPTIONS:
            transaction.respond(core.response(request, 503, tag))
        else:
            expires = min(expires, LONGEST_EXPIRES)
            handle = core.ids.handle("subscription")
            self._add(Subscription(handle, event, dialog, contact, expires, pending=transaction))
            core.emit(_requested(handle, event, request, flow, expires, identity, call))

    def _renew(self, subscription: Subscription, request: Request, flow: Flow, transaction: ServerTransaction) -> None:
        if subscription.pending is not None:
            transaction.respond(self._core.response(request, 491))
            return
        subscription.expires = min(parse_expires(request.headers.get("Expires"), USUAL_EXPIRES), LONGEST_EXPIRES)
        subscription.dialog.refresh(request, flow)
        self._confirm(subscription, transaction)

    def _confirm(self, subscription: Subscription, transaction: ServerTransaction) -> None:
        """Say 200, then tell how things are (RFC 6665 §4.2.1.2); Expires 0 asked only for that."""
        response = self._core.response(transaction.request, 200, subscription.dialog.local.tag)
        for value in transaction.request.headers.get_all("Record-Route"):
            response.headers.add("Record-Route", value)
        response.headers.add("Contact", subscription.contact)
        response.headers.add("Expires", str(subscription.expires))
        transaction.respond(response)
        if subscription.expires == 0:
            self._finish(subscription, "timeout")
            return
        timers = self._core.timers
        subscription.expiry.put(timers.start(subscription.expires, lambda: self._finish(subscription, "timeout")))
        self._tell(subscription)

    # -- what the application says -------------------------------------------------------------------------------

    def accept(self, handle: str, content_type: str, body: bytes) -> None:
        """Let somebody watch; the document tells how things are now."""
        subscription = self._get(handle)
        transaction = subscription.pending
        if transaction is None:
            raise CallStateError(f"{handle} was accepted already")
        subscription.pending = None
        subscription.document = Document(content_type, body)
        self._confirm(subscription, transaction)

    def reject(self, handle: str, status: int) -> None:
        """Do not let somebody watch."""
        subscription = self._get(handle)
        if subscription.pending is None:
            raise CallStateError(f"{handle} was accepted already")
        response = self._core.response(subscription.pending.request, status, subscription.dialog.local.tag)
        subscription.pending.respond(response)
        self._forget(subscription)

    def notify(self, handle: str, content_type: str, body: bytes) -> None:
        """Something changed. Documents that come faster than they can be told are replaced by the newest."""
        subscription = self._get(handle)
        subscription.document = Document(content_type, body)
        if subscription.pending is None:
            self._tell(subscription)

    def end(self, handle: str, reason: str) -> None:
        """Nothing will change any more; ``reason`` as in RFC 6665 §4.1.3: "noresource" when the thing is gone."""
        subscription = self._get(handle)
        if subscription.pending is not None:
            self.reject(handle, 480)
        else:
            self._finish(subscription, reason, is_told=False)

    # -- for other parts of the user agent -----------------------------------------------------------------------

    def imply(self, event: EventHeader, dialog: Dialog, contact: str, expires: int) -> Subscription:
        """A subscription that no SUBSCRIBE asked for, such as a REFER's (RFC 3515 §2.4.4); told without pace."""
        handle = self._core.ids.handle("subscription")
        subscription = Subscription(handle, event, dialog, contact, expires, pace=0.0)
        self._add(subscription)
        subscription.expiry.put(
            self._core.timers.start(expires, lambda: self._finish(subscription, "timeout", is_told=False))
        )
        return subscription

    def finish_with(self, subscription: Subscription, document: Document, reason: str) -> None:
        """Tell the last thing there is to tell."""
        subscription.document = document
        self._finish(subscription, reason, is_told=False)

    # -- NOTIFY --------------------------------------------------------------------------------------------------

    def _finish(self, subscription: Subscription, reason: str, is_told: bool = True) -> None:
        """End with a last NOTIFY. ``is_told``: the application hears of it."""
        if subscription.final is not None:
            return
        subscription.final = SubscriptionState("terminated", reason)
        subscription.expiry.put(None)
        self._tell(subscription)
        if is_told:
            self._core.emit(SubscriptionEnded(subscription.handle, reason))

    def _tell(self, subscription: Subscription) -> None:
        """Send what is newest, unless a NOTIFY is under way or was a moment ago; then it follows."""
        subscription.is_sent = False
        if not subscription.is_waiting:
            self._send(subscription)

    def _send(self, subscription: Subscription) -> None:
        subscription.is_sent = True
        dialog = subscription.dialog
        flow = self._core.dialog_flow(dialog)
        if flow is None:
            self._lost(subscription, "the subscriber cannot be reached")
            return
        request = dialog.make_request("NOTIFY")
        request.headers.add("Contact", subscription.contact)
        request.headers.add("Event", str(subscription.event))
        state = subscription.final or SubscriptionState("active", expires=subscription.expires)
        request.headers.add("Subscription-State", str(state))
        if subscription.document is not None:
            request.headers.add("Content-Type", subscription.document.content_type)
            request = replace(request, body=subscription.document.body)
        if subscription.final is not None:
            self._forget(subscription)
        subscription.is_waiting = True
        self._core.start(request, flow, lambda result: self._on_result(subscription, result), dialog=dialog)

    def _on_result(self, subscription: Subscription, result: Response | Failure) -> None:
        if (isinstance(result, Response) and result.is_provisional) or subscription.handle not in self._all:
            return
        if isinstance(result, Failure) or not result.is_success:
            # RFC 6665 §4.2.2: whoever does not take it does not want it.
            self._lost(subscription, "the subscriber does not reply any more")
            return
        subscription.next.put(self._core.timers.start(subscription.pace, lambda: self._go_on(subscription)))

    def _go_on(self, subscription: Subscription) -> None:
        subscription.is_waiting = False
        if not subscription.is_sent:
            self._send(subscription)

    def _lost(self, subscription: Subscription, reason: str) -> None:
        self._forget(subscription)
        if subscription.final is None:
            self._core.emit(SubscriptionEnded(subscription.handle, reason))

    # -- book-keeping --------------------------------------------------------------------------------------------

    def _add(self, subscription: Subscription) -> None:
        self._all[subscription.handle] = subscription
        self._by_key[subscription.key] = subscription

    def _forget(self, subscription: Subscription) -> None:
        self._all.pop(subscription.handle, None)
        self._by_key.pop(subscription.key, None)
        subscription.expiry.put(None)
        subscription.next.put(None)

    def _get(self, handle: str) -> Subscription:
        subscription = self._all.get(handle)
        if subscription is None:
            raise CallStateError(f"there is no subscription {handle}")
        return subscription

    def _find(self, request: Request) -> Subscription | None:
        event = _event_of(request)
        key = request.call_id, request.to_address.tag or "", request.from_address.tag or ""
        return None if event is None else self._by_key.get((key, event.package, event.id))

    def close(self) -> None:
        """End all."""
        for subscription in list(self._all.values()):
            self.end(subscription.handle, "deactivated")


def _event_of(request: Request) -> EventHeader | None:
    try:
        return parse_event(request.headers.get("Event") or "")
    except SipParseError:
        return None


def _requested(
    handle: str, event: EventHeader, request: Request, flow: Flow, expires: int, identity: str, call: str
) -> SubscriptionRequested:
    return SubscriptionRequested(
        subscription=handle,
        package=event.package,
        request_uri=printable(str(request.uri)),
        from_uri=printable(str(request.from_address.uri)),
        expires=expires,
        source=flow,
        identity=identity,
        call=call,
    )
