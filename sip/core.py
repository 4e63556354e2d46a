"""What all parts of the user agent share: settings, the way out, ids, and the making of requests and responses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sip.address import parse_name_address
from sip.dialog import Dialog
from sip.errors import SipParseError
from sip.events import Event
from sip.flow import Address, Flow
from sip.headers import Headers
from sip.identifiers import Identifiers
from sip.local_networks import LocalNetworks
from sip.message import Request, Response
from sip.outgoing import Authenticator, Outgoing
from sip.reason import parse_reasons
from sip.routing import DEFAULT_PORTS, Routing
from sip.sending import Sending, SendingContext
from sip.session_expires import SHORTEST_SESSION
from sip.timers import TimerQueue, TimerSettings
from sip.transaction_layer import TransactionLayer
from sip.transactions import Failure, TransactionContext
from sip.uri import SipUri, Uri
from sip.via import Via
from sip.warning import Warning, parse_warnings

# INFO bodies that applications of this server know what to do with; others get 415.
INFO_TYPES = frozenset({"application/media_control+xml", "application/dtmf-relay", "application/dtmf"})


@dataclass(frozen=True)
class AgentSettings:
    """``public_host``: the address peers reach us at when it is not that of a local interface (static NAT); those in
    ``local_networks`` reach the local one.

    ``ring_timeout``: seconds until an unanswered call is given up, in either direction. ``max_calls``: more get 503.
    ``is_focus``: calls lead to conferences (RFC 4579 §4.1), whose participants a room may then ask for.
    ``session_expires``: seconds without a refresh after which a call counts as dead (RFC 4028), 0 to ask for none;
    ``min_session_expires``: peers that ask for less get 422.
    """

    product: str = "Consilium"
    contact_user: str = "consilium"
    public_host: str | None = None
    local_networks: LocalNetworks = field(default_factory=LocalNetworks)
    timers: TimerSettings = field(default_factory=TimerSettings)
    max_calls: int = 1000
    ring_timeout: float = 180.0
    info_types: frozenset[str] = INFO_TYPES
    is_focus: bool = False
    session_expires: int = 1800
    min_session_expires: int = SHORTEST_SESSION
    outbound_proxy: SipUri | None = None
    largest_datagram: int = 1300


@dataclass
class AgentStatistics:
    """Counts since the start."""

    received: int = 0
    malformed: int = 0
    unmatched: int = 0
    refused: int = 0
    ignored: int = 0


class AgentCore:
    """The ground the parts of the user agent stand on. Nothing here knows what a call is."""

    def __init__(self, settings: AgentSettings, identifiers: Identifiers) -> None:
        self.settings = settings
        self.ids = identifiers
        self.routing = Routing(settings.outbound_proxy)
        self._sending = SendingContext(
            addressed=self._addressed,
            transact=lambda request, flow, on_result: self.transactions.request(request, flow, on_result),
            stream_flow=self.routing.stream_flow,
            locate=self.routing.locate,
            largest_datagram=settings.largest_datagram,
        )
        self.timers = TimerQueue()
        self.statistics = AgentStatistics()
        self.transactions = TransactionLayer(TransactionContext(self.timers, settings.timers, self.send))
        self.methods: list[str] = []
        self.packages: list[str] = []
        self.authenticator = Authenticator(identifiers)
        self.extensions: list[str] = []  # option tags understood in Require and told in Supported
        self.may_be_called: Callable[[SipUri], bool] = lambda uri: True
        """Whether a call that is redirected may follow there."""
        self.is_closing = False
        self.on_work: Callable[[], None] = lambda: None
        self._outbox: list[tuple[Flow, bytes]] = []
        self._events: list[Event] = []

    def send(self, flow: Flow, data: bytes) -> None:
        """Put bytes into the outbox."""
        self._outbox.append((flow, data))
        self.on_work()

    def take_outbox(self) -> list[tuple[Flow, bytes]]:
        """What is to be sent, in order; empties the outbox."""
        outbox, self._outbox = self._outbox, []
        return outbox

    def emit(self, event: Event) -> None:
        """Tell the application."""
        self._events.append(event)
        self.on_work()

    def take_events(self) -> list[Event]:
        """What happened, in order; forgets it."""
        events, self._events = self._events, []
        return events

    def local_address(self, flow: Flow) -> Address:
        """The host and port that peers on this flow are told."""
        public = self.settings.public_host
        is_far = flow.remote[0] not in self.settings.local_networks
        if public is not None and is_far and (":" in public) == (":" in flow.local[0]):
            return public, flow.local[1]
        return flow.local

    def contact(self, flow: Flow, user: str | None = None) -> str:
        """Our Contact as seen from a flow."""
        host, port = self.local_address(flow)
        parameters = () if flow.transport == "udp" else (("transport", flow.transport),)
        focus = ";isfocus" if self.settings.is_focus else ""
        return f"<{SipUri(host, user or self.settings.contact_user, port, 'sip', parameters)}>{focus}"

    def add_capabilities(self, headers: Headers) -> None:
        """Allow and Supported, as they stand in INVITEs, their 2xx and answers to OPTIONS."""
        headers.add("Allow", ", ".join(self.methods))
        headers.add("Supported", ", ".join(self.extensions))
        if self.packages:
            headers.add("Allow-Events", ", ".join(self.packages))

    def response(self, request: Request, status: int, to_tag: str | None = None, reason: str | None = None) -> Response:
        """A response of ours, with a To tag for all but 100."""
        tag = None if status == 100 else to_tag or self.ids.tag()
        response = request.response(status, tag, reason)
        response.headers.add("Server", self.settings.product)
        return response

    def stateless_response(self, request: Request, status: int, reason: str | None = None) -> Response:
        """A response that is sent without remembering the request (RFC 3261 §8.2.7).

        Sent again, the request is answered the same again, To tag included. So a flood of requests that are refused
        anyway costs no memory.
        """
        parts = request.via.branch, *(request.headers.get(name) or "" for name in ("Call-ID", "From", "CSeq"))
        return self.response(request, status, self.ids.stable_tag(*parts), reason)

    def start(
        self,
        request: Request,
        flow: Flow,
        on_result: Callable[[Response | Failure], None],
        on_moved: Callable[[Flow], None] = lambda flow: None,
        dialog: Dialog | None = None,
    ) -> Outgoing:
        """Put Via and User-Agent on a request and send it in a transaction; again with credentials if challenged.

        It may take several tries, and end on another flow than the one asked for, which ``on_moved`` is told then; the
        Contact follows by itself. ``dialog``: the one that the request is in.
        """
        launch = self._launch_as_it_is if dialog is not None and dialog.behind_nat else self._launch
        return Outgoing(launch, self.authenticator, request, flow, on_result, on_moved, dialog)

    def _launch(
        self,
        request: Request,
        flow: Flow,
        on_result: Callable[[Response | Failure], None],
        on_moved: Callable[[Flow], None],
    ) -> Sending:
        sending = Sending(self._sending, self.routing.with_route(request, flow), flow, on_result, on_moved)
        sending.start()
        return sending

    def _launch_as_it_is(
        self,
        request: Request,
        flow: Flow,
        on_result: Callable[[Response | Failure], None],
        on_moved: Callable[[Flow], None],
    ) -> Sending:
        sending = Sending(self._sending, request, flow, on_result, on_moved, may_stream=False)
        sending.start()
        return sending

    def send_ack(self, request: Request, flow: Flow) -> bytes:
        """Send the ACK to a 2xx, which is in no transaction; returns its bytes for when the 2xx comes again."""
        data = bytes(self._with_via(request, flow))
        self.send(flow, data)
        return data

    def _with_via(self, request: Request, flow: Flow) -> Request:
        host, port = self.local_address(flow)
        via = Via(flow.transport.upper(), host, port, (("rport", None), ("branch", self.ids.branch())))
        headers = Headers([("Via", str(via)), *request.headers])
        headers.add("User-Agent", self.settings.product)
        return replace(request, headers=headers)

    def _addressed(self, request: Request, origin: Flow, flow: Flow) -> Request:
        """A request made for one flow as it must be on another: our Via, and our Contact if it is there."""
        if flow != origin and (contact := request.headers.get("Contact")):
            moved = self._moved_contact(contact, origin, flow)
            headers = Headers([(name, moved if name == "Contact" else value) for name, value in request.headers])
            request = replace(request, headers=headers)
        return self._with_via(request, flow)

    def _moved_contact(self, contact: str, origin: Flow, flow: Flow) -> str:
        address = parse_name_address(contact)
        uri = address.uri
        if not isinstance(uri, SipUri) or (uri.host, uri.port) != self.local_address(origin):
            return contact
        host, port = self.local_address(flow)
        kept = tuple(item for item in uri.parameters if item[0] != "transport")
        transport = () if flow.transport == "udp" else (("transport", flow.transport),)
        return str(replace(address, uri=replace(uri, host=host, port=port, parameters=(*kept, *transport))))

    def flow_to(self, uri: Uri, fallback_transport: str = "udp") -> Flow | None:
        """A flow for a request outside of dialogs: to the outbound proxy where there is one, else to the URI's host."""
        return self.routing.first_flow(uri, fallback_transport)

    def dialog_flow(self, dialog: Dialog) -> Flow | None:
        """The flow for the next request in a dialog.

        Without proxies between, an open connection is used again, and a peer behind a NAT is answered where its
        packets come from; its Contact would lead nowhere.
        """
        way_back = dialog.behind_nat or dialog.flow.connection is not None
        if not dialog.route_set and way_back and not dialog.flow_lost:
            return dialog.flow
        hop = dialog.next_hop
        if isinstance(hop, SipUri):
            address = hop.host, hop.port or DEFAULT_PORTS.get(dialog.flow.transport, 5060)
            if address == dialog.flow.remote and (hop.transport or "udp") == dialog.flow.transport == "udp":
                return dialog.flow
        return self.routing.flow_to(hop)


def reply_flow(request: Request, flow: Flow) -> Flow:
    """Where responses to a request go (RFC 3261 §18.2.2, RFC 3581 §4): the connection, or the source of the datagram.

    ``maddr`` is not followed: it would let anybody aim our responses at anybody.
    """
    if flow.transport != "udp" or request.via.wants_rport:
        return flow
    return replace(flow, remote=(flow.remote[0], request.via.port or 5060))


def reason_of(message: Request | Response) -> tuple[str, int | None]:
    """Text and SIP cause of the Reason header; ("", None) when absent or unreadable, as it is only for people."""
    try:
        reasons = [reason for value in message.headers.get_all("Reason") for reason in parse_reasons(value)]
    except SipParseError:
        return "", None
    for reason in reasons:
        return reason.text, reason.cause if reason.protocol.upper() == "SIP" else None
    return "", None


def warning_of(response: Response) -> str:
    """The texts of the Warning headers; "" when absent or unreadable."""
    try:
        warnings = [warning for value in response.headers.get_all("Warning") for warning in parse_warnings(value)]
    except SipParseError:
        return ""
    return "; ".join(f"{warning.code} {warning.text}" for warning in warnings)


def add_refusal_headers(response: Response, warning: Warning | str | None, retry_after: int | None) -> Response:
    """Warning and Retry-After on a response, returned for chaining."""
    if warning is not None:
        response.headers.add("Warning", str(Warning(399, warning) if isinstance(warning, str) else warning))
    if retry_after is not None:
        response.headers.add("Retry-After", str(retry_after))
    return response
