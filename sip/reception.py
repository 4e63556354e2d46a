"""What arrives, on its way to who serves it: parsed, screened, inside or outside of a call (RFC 3261 section 8.2)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from sip.answering import Answering
from sip.call import Call, CallTable
from sip.core import AgentCore, add_refusal_headers, reply_flow
from sip.errors import SipParseError
from sip.flow import Flow
from sip.message import Message, Request, Response, parse
from sip.once import OncePerSource
from sip.screening import refusal
from sip.serving import Admit, Drop, Refuse, Serving
from sip.subscriptions import Subscriptions
from sip.transactions import ServerTransaction

logger = logging.getLogger(__name__)

Handler = Callable[[Request, Flow, ServerTransaction, str], None]
"""Serves a method outside of calls; the last argument is who asks, as the screener found."""

CallHandler = Callable[[Request, Call, Flow, ServerTransaction], None]
"""Serves a method inside a call."""


class Reception:
    """``outside`` and ``inside`` of calls, methods are served by an entry in these tables; more may come into them."""

    def __init__(
        self,
        core: AgentCore,
        calls: CallTable,
        serving: Serving,
        answering: Answering,
        subscriptions: Subscriptions,
        outside: dict[str, Handler],
        inside: dict[str, CallHandler],
    ) -> None:
        self._core = core
        self._calls = calls
        self._serving = serving
        self._answering = answering
        self._subscriptions = subscriptions
        self.outside = outside
        self.inside = inside
        self._noisy = OncePerSource(logger)

    @property
    def methods(self) -> list[str]:
        """What is served, for Allow."""
        return ["ACK", "CANCEL", *dict.fromkeys([*self.outside, *self.inside])]

    def receive(self, data: bytes, flow: Flow) -> None:
        """One whole message. Never raises."""
        self._core.statistics.received += 1
        if self._serving.is_ignored(flow) or self._serving.is_noise(data, flow):
            self._core.statistics.ignored += 1
            return
        try:
            message: Message = parse(data)
        except SipParseError as error:
            self.drop(flow, error)
            return
        if isinstance(message, Response):
            if not self._core.transactions.receive_response(message):
                self._core.statistics.unmatched += 1
            return
        self._receive_request(message.received_from(*flow.remote), flow)

    def drop(self, flow: Flow, error: SipParseError) -> None:
        """Count a malformed message, and refuse it where it can be refused; never an ACK."""
        self._core.statistics.malformed += 1
        self._noisy.warning(flow.remote[0], "malformed SIP from %s: %s", flow.remote[0], error)
        request = error.request
        if request is None or request.method == "ACK":
            return
        request = request.received_from(*flow.remote)
        reason = f"Bad Request: {error}" if error.status == 400 else None
        refused = self._core.stateless_response(request, error.status, reason)
        self._core.send(reply_flow(request, flow), bytes(refused))

    def _receive_request(self, request: Request, flow: Flow) -> None:
        core = self._core
        if core.transactions.absorb(request):
            return
        if request.method == "ACK":
            call = self._calls.of_request(request)
            if call is not None:
                self._answering.receive_ack(request, call)
            return
        way_back = reply_flow(request, flow)
        # Screened before it is served, or every request would look merged with itself.
        refused = self._screen(request)
        if refused is not None:
            core.statistics.refused += 1
            core.send(way_back, bytes(refused))
            return
        if self._is_outside(request):
            self._receive_outside(request, flow, way_back)
            return
        transaction = core.transactions.serve(request, way_back)
        if request.method == "CANCEL":
            self._answering.receive_cancel(request, transaction)
        else:
            self._receive_in_call(request, flow, transaction)

    def _is_outside(self, request: Request) -> bool:
        return request.to_address.tag is None and request.method in self.outside

    def _is_inside(self, request: Request) -> bool:
        if self._calls.of_request(request) is not None:
            return True
        return request.method == "SUBSCRIBE" and self._subscriptions.knows(request)

    def _receive_outside(self, request: Request, flow: Flow, way_back: Flow) -> None:
        core = self._core
        match self._serving.screener(request, flow):
            case Admit(identity=identity):
                transaction = core.transactions.serve(request, way_back)
                self.outside[request.method](request, flow, transaction, identity)
            case Refuse() as refuse:
                core.statistics.refused += 1
                core.send(way_back, bytes(self._serving.refused(request, refuse)))
            case Drop():
                core.statistics.ignored += 1

    def _screen(self, request: Request) -> Response | None:
        """The refusal of a request that nobody need remember, or None (RFC 3261 §8.2.7)."""
        core = self._core
        if not core.transactions.has_room():
            return add_refusal_headers(core.stateless_response(request, 503), None, 30)
        if request.method == "CANCEL":
            is_known = core.transactions.cancelled_by(request) is not None
            return None if is_known else core.stateless_response(request, 481)
        refused = refusal(core, request)
        if refused is None and not self._is_outside(request) and not self._is_inside(request):
            return core.stateless_response(request, 481)
        return refused

    def _receive_in_call(self, request: Request, flow: Flow, transaction: ServerTransaction) -> None:
        call = self._calls.of_request(request)
        if call is None and request.method == "SUBSCRIBE":
            self._subscriptions.receive_again(request, flow, transaction)
            return
        handler = self.inside.get(request.method)
        dialog = None if call is None else call.dialog_of(request)
        if call is None or dialog is None or handler is None:
            transaction.respond(self._core.response(request, 481))
        elif not dialog.is_in_order(request):
            # RFC 3261 §12.2.2
            transaction.respond(self._core.response(request, 500, call.local_tag))
        else:
            handler(request, call, flow, transaction)
