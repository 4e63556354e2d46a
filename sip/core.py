"""What all parts of the user agent share: settings, the way out, ids, and the making of requests and responses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sip.dialog import Dialog
from sip.errors import SipParseError
from sip.events import Event
from sip.flow import Address, Flow, Router
from sip.headers import Headers
from sip.identifiers import Identifiers
from sip.message import Request, Response
from sip.reason import parse_reasons
from sip.timers import TimerQueue, TimerSettings
from sip.transaction_layer import TransactionLayer
from sip.transactions import ClientTransaction, Failure, TransactionContext
from sip.uri import SipUri, Uri
from sip.via import Via
from sip.warning import Warning, parse_warnings

DEFAULT_PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061, "ws": 80, "wss": 443}

# INFO bodies that applications of this server know what to do with; others get 415.
INFO_TYPES = frozenset({"application/media_control+xml", "application/dtmf-relay", "application/dtmf"})


@dataclass(frozen=True)
class AgentSettings:
    """``public_host``: the address peers reach us at when it is not that of a local interface (static NAT).

    ``ring_timeout``: seconds until an unanswered call is given up, in either direction. ``max_calls``: more get 503.
    """

    product: str = "Consilium"
    contact_user: str = "consilium"
    public_host: str | None = None
    timers: TimerSettings = field(default_factory=TimerSettings)
    max_calls: int = 1000
    ring_timeout: float = 180.0
    info_types: frozenset[str] = INFO_TYPES


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
        self.router: Router | None = None
        self.timers = TimerQueue()
        self.statistics = AgentStatistics()
        self.transactions = TransactionLayer(TransactionContext(self.timers, settings.timers, self.send))
        self.methods: list[str] = []
        self.extensions: list[str] = []  # option tags understood in Require and told in Supported
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
        return self.settings.public_host or flow.local[0], flow.local[1]

    def contact(self, flow: Flow, user: str | None = None) -> str:
        """Our Contact as seen from a flow."""
        host, port = self.local_address(flow)
        parameters = () if flow.transport == "udp" else (("transport", flow.transport),)
        return f"<{SipUri(host, user or self.settings.contact_user, port, 'sip', parameters)}>"

    def add_capabilities(self, headers: Headers) -> None:
        """Allow and Supported, as they stand in INVITEs, their 2xx and answers to OPTIONS."""
        headers.add("Allow", ", ".join(self.methods))
        headers.add("Supported", ", ".join(self.extensions))

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

    def start(self, request: Request, flow: Flow, on_result: Callable[[Response | Failure], None]) -> ClientTransaction:
        """Put Via and User-Agent on a request and send it in a transaction."""
        return self.transactions.request(self._with_via(request, flow), flow, on_result)

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

    def flow_to(self, uri: Uri, fallback_transport: str = "udp") -> Flow | None:
        """A flow to the host of a URI (NAPTR and SRV come later)."""
        if self.router is None or not isinstance(uri, SipUri):
            return None
        transport = uri.transport or ("tls" if uri.scheme == "sips" else fallback_transport)
        return self.router.flow_to(transport, uri.host, uri.port or DEFAULT_PORTS.get(transport, 5060))

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
        return self.flow_to(hop)


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
