"""The SIP user agent: bytes and time in, bytes and events out. No sockets, no clock (RFC 3261).

The owner of the sockets calls ``receive_datagram`` or ``receive_stream`` with what arrived, then takes
``datagrams_to_send`` and ``events``, and calls ``handle_timer`` at ``next_deadline``. Commands (``accept``,
``hang_up`` …) only prepare; the owner's ``on_work`` is called so that the owner knows there is something to take.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence

from sip.answering import Answering
from sip.asking import Asking
from sip.call import Call, CallTable, Phase
from sip.calling import Calling
from sip.core import AgentCore, AgentSettings, AgentStatistics
from sip.errors import CallStateError
from sip.events import CallEnded, Event, OptionsReceived
from sip.flow import Flow, Locator, Router
from sip.grammar import printable
from sip.hanging_up import HangingUp
from sip.identifiers import Identifiers
from sip.informing import Informing
from sip.message import Request
from sip.messaging import Messaging
from sip.outgoing import CredentialsOf
from sip.reception import CallHandler, Handler, Reception
from sip.reliability import Reliability
from sip.reoffering import Reoffering
from sip.serving import MethodHandler, Screener, Serving
from sip.session_timers import SessionTimers
from sip.streams import Streams
from sip.subscriptions import Subscriptions
from sip.transactions import ServerTransaction
from sip.transferring import Transferring
from sip.updating import Updating
from sip.uri import SipUri
from sip.warning import Warning


class UserAgent:
    """Calls, both ways, over any number of flows. Not thread-safe: it belongs to one loop."""

    def __init__(self, settings: AgentSettings | None = None, rng: random.Random | None = None) -> None:
        self._core = AgentCore(settings or AgentSettings(), Identifiers(rng or random.SystemRandom()))
        self._calls = CallTable(self._core)
        self._hanging_up = HangingUp(self._core, self._calls)
        ground = self._core, self._calls
        timers = SessionTimers(self._core, self._hanging_up)
        self._reliability = Reliability(*ground)
        self._answering = Answering(*ground, self._hanging_up, timers, self._reliability)
        self._answering.on_replaced = lambda call: self.hang_up(call, "another call takes the place of this one")
        self._calling = Calling(*ground, self._hanging_up, timers, self._reliability)
        self._reoffering = Reoffering(*ground, self._answering, self._hanging_up, timers)
        self._updating = Updating(*ground, self._reoffering, self._hanging_up, timers)
        self._informing = Informing(*ground, self._hanging_up)
        self._messaging = Messaging(*ground)
        self._asking = Asking(self._core)
        self._subscriptions = Subscriptions(self._core)
        self._transferring = Transferring(*ground, self._subscriptions)
        self._serving = Serving(self._core)
        outside: dict[str, Handler] = {
            "INVITE": self._answering.receive_invite,
            "MESSAGE": self._messaging.receive,
            "REFER": self._transferring.receive,
            "SUBSCRIBE": self._subscriptions.receive,
            "OPTIONS": lambda request, flow, transaction, _: self._receive_options(request, flow, transaction),
        }
        inside: dict[str, CallHandler] = {
            "INVITE": self._reoffering.receive_invite,
            "UPDATE": self._updating.receive,
            "PRACK": self._reliability.receive_prack,
            "MESSAGE": self._messaging.receive_inside,
            "REFER": self._transferring.receive_inside,
            "NOTIFY": self._transferring.receive_notify,
            "SUBSCRIBE": self._receive_subscribe,
            "BYE": self._receive_bye,
            "INFO": self._informing.receive,
            "OPTIONS": lambda request, call, flow, transaction: self._receive_options(request, flow, transaction),
        }
        self._reception = Reception(*ground, self._serving, self._answering, self._subscriptions, outside, inside)
        self._streams = Streams(self._core, self._reception.receive, self._reception.drop)
        self._core.methods = self._reception.methods
        self._core.extensions = ["100rel", "replaces", "timer"]

    # -- bytes and time ------------------------------------------------------------------------------------------

    def receive_datagram(self, data: bytes, flow: Flow, now: float) -> None:
        """One datagram. Never raises."""
        if data.strip(b"\r\n\0"):
            self._reception.receive(data, flow)
        self._core.timers.arm(now)

    def receive_stream(self, data: bytes, flow: Flow, now: float) -> None:
        """Bytes of a connection, cut anywhere. Never raises; see ``connections_to_close``."""
        self._streams.receive(data, flow)
        self._core.timers.arm(now)

    def flow_lost(self, flow: Flow, now: float) -> None:
        """A connection closed, or could not be opened, or the host's name is unknown."""
        self._streams.forget(flow)
        for call in self._calls.on_flow(flow):
            if call.dialog is not None:
                call.dialog.flow_lost = True
        self._serving.on_flow_lost(flow)
        self._core.transactions.flow_failed(flow)
        self._core.timers.arm(now)

    def flow_located(self, flow: Flow, flows: Sequence[Flow], now: float) -> None:
        """DNS has told where an unlocated flow leads: flows to try, best first; none when the name leads nowhere."""
        self._core.routing.located(flow, flows)
        self._core.timers.arm(now)

    def datagrams_to_send(self, now: float) -> list[tuple[Flow, bytes]]:
        """Messages to send, in order, each whole, for datagram and stream flows alike."""
        self._core.timers.arm(now)
        return self._core.take_outbox()

    def connections_to_close(self) -> list[Flow]:
        """Connections that sent something after which their bytes make no sense, or never finish a message."""
        return self._streams.take_closing()

    def next_deadline(self) -> float | None:
        """When ``handle_timer`` is to be called; ask after ``datagrams_to_send``."""
        return self._core.timers.next_deadline()

    def handle_timer(self, now: float) -> None:
        """Let due timers act."""
        self._core.timers.expire(now)

    def events(self) -> list[Event]:
        """What happened since the last time, in order."""
        return self._core.take_events()

    def attach(
        self, router: Router, on_work: Callable[[], None] = lambda: None, locator: Locator | None = None
    ) -> None:
        """Give the agent its transports. ``on_work`` is called, often, when there is something to send or to tell.

        Without a ``locator``, names go to the router as they are.
        """
        self._core.routing.router = router
        self._core.routing.locator = locator
        self._core.on_work = on_work

    def close(self) -> None:
        """End all calls and take no new ones; ``is_idle`` tells when the peers have confirmed."""
        self._core.is_closing = True
        self._subscriptions.close()
        for call in self.calls:
            self.hang_up(call, "the server is shutting down")

    @property
    def statistics(self) -> AgentStatistics:
        """Counts since the start."""
        return self._core.statistics

    @property
    def calls(self) -> list[str]:
        """Handles of all calls there are."""
        return self._calls.handles()

    @property
    def is_idle(self) -> bool:
        """Whether no call is there and no request of ours waits for its response."""
        core = self._core
        return not len(self._calls) and not core.transactions.pending_clients and not core.routing.has_unlocated

    # -- commands ------------------------------------------------------------------------------------------------
    # All raise CallStateError when the call is unknown or in no state for it: it may have ended a moment ago.

    def ring(self, call: str) -> None:
        """Send 180 to the caller."""
        self._answering.ring(call)

    def accept(self, call: str, sdp: str) -> None:
        """Answer an incoming call. CallConfirmed follows, or CallEnded when no ACK comes."""
        self._answering.accept(call, sdp)

    def reject(
        self,
        call: str,
        status: int,
        reason: str | None = None,
        warning: Warning | str | None = None,
        retry_after: int | None = None,
    ) -> None:
        """Refuse an incoming call; ``reason`` is the phrase of the status line, ``retry_after`` in seconds."""
        self._answering.reject(call, status, reason, warning, retry_after)

    def invite(
        self,
        target: str,
        offer: str,
        from_uri: str,
        from_name: str = "",
        via_transport: str = "udp",
        *,
        route: Sequence[str] = (),
        flow: Flow | None = None,
    ) -> str:
        """Call a SIP URI; returns the handle. A transport in the URI wins. Raises SipParseError for a bad URI.

        ``route``: URIs of proxies that the call must pass (RFC 3327). ``flow``: the way to take, such as the one that a
        device registered on, which may be the only one that leads to it.
        """
        return self._calling.invite(target, offer, from_uri, from_name, via_transport, route, flow)

    def restrict_redirections(self, may_be_called: Callable[[SipUri], bool]) -> None:
        """Let calls of ours that are redirected (3xx) follow only to where ``may_be_called`` says yes."""
        self._core.may_be_called = may_be_called

    def cancel(self, call: str, reason: str | None = None) -> None:
        """Give up a call of ours that is not answered. CallRefused (487) follows."""
        found = self._calls.get(call)
        if found.phase is not Phase.CALLING:
            raise CallStateError(f"{call} is not waiting to be answered")
        self._calling.cancel(found, reason)

    def hang_up(self, call: str, reason: str | None = None) -> None:
        """End a call in whatever state: BYE, CANCEL or 480. CallEnded or CallRefused follows."""
        found = self._calls.get(call)
        if found.phase is Phase.INCOMING:
            self._answering.reject(call, 480)
            self._core.emit(CallEnded(call, reason or "we hung up"))
        elif found.phase in (Phase.CALLING, Phase.CANCELLING):
            self._calling.cancel(found, reason)
        else:
            self._hanging_up.hang_up(found, reason)

    def reoffer(self, call: str, sdp: str) -> None:
        """Offer a new session in an answered call. ReofferAnswered or ReofferRefused follows."""
        self._reoffering.reoffer(call, sdp)

    def answer_reoffer(self, call: str, sdp: str) -> None:
        """Answer ReofferReceived."""
        self._reoffering.answer(call, sdp)

    def refuse_reoffer(
        self,
        call: str,
        status: int,
        reason: str | None = None,
        warning: Warning | str | None = None,
        retry_after: int | None = None,
    ) -> None:
        """Refuse ReofferReceived; the session stays as it was."""
        self._reoffering.refuse(call, status, reason, warning, retry_after)

    def send_info(self, call: str, content_type: str, body: bytes | str) -> None:
        """Send an INFO in an answered call, such as a key-frame request (RFC 5168)."""
        self._informing.send(call, content_type, body.encode() if isinstance(body, str) else body)

    def send_message(self, call: str, text: str) -> str:
        """Send text to the peer of an answered call. MessageDelivered or MessageRefused follows, with this handle."""
        return self._messaging.send(call, text)

    def send_message_to(
        self, target: str, text: str, from_uri: str, from_name: str = "", via_transport: str = "udp"
    ) -> str:
        """Send text to a SIP URI, outside of calls. Raises SipParseError for a bad URI."""
        return self._messaging.send_outside(target, text, from_uri, from_name, via_transport)

    # -- capabilities --------------------------------------------------------------------------------------------

    def ask_capabilities(
        self,
        target: str,
        from_uri: str,
        via_transport: str = "udp",
        *,
        route: Sequence[str] = (),
        flow: Flow | None = None,
    ) -> str:
        """Ask what the peer behind a SIP URI is and can do (OPTIONS); returns the handle of the question.

        CapabilitiesTold or CapabilitiesRefused follows. ``route`` and ``flow`` as for ``invite``. Raises SipParseError
        for a bad URI.
        """
        return self._asking.ask(target, from_uri, via_transport, route, flow)

    # -- transfers -----------------------------------------------------------------------------------------------

    def accept_transfer(self, transfer: str) -> None:
        """Say that the target is being called. Then ``report_transfer``, until a final status."""
        self._transferring.accept(transfer)

    def refuse_transfer(self, transfer: str, status: int = 603) -> None:
        """Do not call the target."""
        self._transferring.refuse(transfer, status)

    def report_transfer(self, transfer: str, status: int, reason: str = "") -> None:
        """Tell who asked for a transfer what the target answered."""
        self._transferring.report(transfer, status, reason)

    def transfer(self, call: str, target: str) -> None:
        """Ask the peer of a call to call ``target`` (blind). TransferProgress or TransferRefused follows.

        The call goes on until somebody hangs up. Raises SipParseError for a bad URI.
        """
        self._transferring.transfer(call, target, None)

    def transfer_to_call(self, call: str, other: str) -> None:
        """Ask the peer of a call to take our place in another call of ours (attended)."""
        self._transferring.transfer(call, "", other)

    # -- subscriptions -------------------------------------------------------------------------------------------

    def serve_packages(self, *packages: str) -> None:
        """Event packages that the application serves besides: "conference" (RFC 4575), "reg" (RFC 3680) …"""
        self._core.packages += [package.lower() for package in packages if package.lower() not in self._core.packages]

    def accept_subscription(self, subscription: str, content_type: str, body: bytes) -> None:
        """Let somebody watch, and tell how things are now. SubscriptionEnded follows some time."""
        self._subscriptions.accept(subscription, content_type, body)

    def reject_subscription(self, subscription: str, status: int) -> None:
        """Do not let somebody watch: 403, 404 …"""
        self._subscriptions.reject(subscription, status)

    def notify(self, subscription: str, content_type: str, body: bytes) -> None:
        """Tell a watcher how things are now, whole. Told too often, it hears the newest once a second."""
        self._subscriptions.notify(subscription, content_type, body)

    def end_subscription(self, subscription: str, reason: str = "noresource") -> None:
        """What was watched is gone; the last document is told once more."""
        self._subscriptions.end(subscription, reason)

    # -- what the application adds ---------------------------------------------------------------------------------

    def use_credentials(self, credentials: CredentialsOf) -> None:
        """Tell the account to use in a realm, for when a request of ours is challenged (401, 407)."""
        self._core.authenticator.credentials = credentials

    def serve_method(self, method: str, handler: MethodHandler, extensions: Iterable[str] = ()) -> None:
        """Let the application serve a method outside of calls, such as REGISTER; it appears in Allow.

        ``handler`` gets the request, the flow it came on and a ``Responder``. ``extensions``: option tags that are
        understood with it (``path``, ``gruu``); they appear in Supported.
        """
        self._serving.add(method, handler, extensions)
        self._reception.outside[method] = lambda request, flow, transaction, _: self._serving.receive(
            request, flow, transaction
        )

    def screen_requests(self, screener: Screener) -> None:
        """Let the application judge every request outside of a call (not ACK and CANCEL): challenge it, or drop it."""
        self._serving.screener = screener

    def ignore_flows(self, is_ignored: Callable[[Flow], bool]) -> None:
        """Drop everything from flows for which this is true, unread."""
        self._serving.is_ignored = is_ignored

    def ignore_messages(self, is_noise: Callable[[bytes, Flow], bool]) -> None:
        """Drop messages for which this is true, unread; it is asked for every one, so it must be quick."""
        self._serving.is_noise = is_noise

    def watch_flows(self, on_flow_lost: Callable[[Flow], None]) -> None:
        """Tell the application of every connection that closes; must not raise."""
        self._serving.on_flow_lost = on_flow_lost

    # -- methods that several serve together ----------------------------------------------------------------------

    def _receive_bye(self, request: Request, call: Call, flow: Flow, transaction: ServerTransaction) -> None:
        self._hanging_up.receive_bye(request, call, transaction)

    def _receive_subscribe(self, request: Request, call: Call, flow: Flow, transaction: ServerTransaction) -> None:
        if call.dialog is None:
            transaction.respond(self._core.response(request, 481, call.local_tag))
        else:
            self._subscriptions.receive_inside(request, call, call.dialog, flow, transaction)

    def _receive_options(self, request: Request, flow: Flow, transaction: ServerTransaction) -> None:
        """What we can do (RFC 3261 §11.2)."""
        response = self._core.stateless_response(request, 200)
        self._core.add_capabilities(response.headers)
        response.headers.add("Contact", self._core.contact(flow))
        response.headers.add("Accept", "application/sdp")
        response.headers.add("Accept-Encoding", "identity")
        response.headers.add("Accept-Language", "en")
        transaction.respond(response)
        self._core.emit(OptionsReceived(printable(str(request.from_address.uri)), flow))
