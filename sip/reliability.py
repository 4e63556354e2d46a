"""Reliable provisional responses and their PRACK, both ways (RFC 3262)."""

from __future__ import annotations

from collections.abc import Callable

from sip.body import session_description
from sip.call import Call, CallTable, EarlyDialog, UnacknowledgedProgress
from sip.core import AgentCore
from sip.dialog import dialog_of_caller
from sip.errors import SipParseError
from sip.flow import Flow
from sip.grammar import parse_number
from sip.message import Message, Request, Response
from sip.rack import MAX_RSEQ, RAck, parse_rack
from sip.transactions import ServerTransaction

TAG = "100rel"
# A proxy rings a handful of devices; each has a dialog of its own.
MAX_FORKS = 32


class Reliability:
    """Sends and acknowledges. ``on_lost``: a response of ours was never acknowledged."""

    def __init__(self, core: AgentCore, calls: CallTable) -> None:
        self._core = core
        self._calls = calls
        self.on_lost: Callable[[Call], None] = lambda call: None

    def send(self, call: Call, transaction: ServerTransaction, response: Response) -> None:
        """Send a 101–199, reliably where the peer requires it.

        A caller without an offer would have to get ours in it (§5). Ours comes in the 2xx, so it hears nothing before.
        """
        request = transaction.request
        if not _requires_it(request):
            transaction.respond(response)
            return
        if call.unacknowledged is not None or session_description(request) is None:
            return
        call.rseq = call.rseq + 1 if call.rseq else self._core.ids.number(2**31 - 1)
        response.headers.add("Require", TAG)
        response.headers.add("RSeq", str(call.rseq))
        rack = RAck(call.rseq, request.cseq.number, request.method)
        call.unacknowledged = UnacknowledgedProgress(
            self._core, transaction, response, rack, lambda: self.on_lost(call)
        )

    def receive_prack(self, request: Request, call: Call, flow: Flow, transaction: ServerTransaction) -> None:
        """The acknowledgement of one of ours."""
        transaction.respond(self._core.response(request, self._judge(request, call), call.local_tag))

    def _judge(self, request: Request, call: Call) -> int:
        try:
            rack = parse_rack(request.headers.get("RAck") or "")
        except SipParseError:
            return 400
        waiting = call.unacknowledged
        if waiting is None or rack != waiting.rack:
            return 481
        waiting.stop()
        call.unacknowledged = None
        # An offer here would come before the one in the INVITE is answered.
        return 200 if session_description(request) is None else 488

    def acknowledge(self, call: Call, invite: Request, response: Response) -> bool:
        """Send the PRACK to a reliable provisional response; False for one seen before, or out of turn (§4)."""
        tag = response.to_address.tag
        if tag is None or not _requires_it(response):
            return True
        try:
            rseq = parse_number(response.headers.get("RSeq") or "", MAX_RSEQ, "RSeq")
        except SipParseError:
            return True
        early = self._early(call, invite, response, tag, rseq)
        if early is None or rseq != early.rseq + 1:
            return False
        early.rseq = rseq
        early.answer = session_description(response) or early.answer
        prack = early.dialog.make_request("PRACK")
        prack.headers.add("RAck", str(RAck(rseq, response.cseq.number, response.cseq.method)))
        flow = self._core.dialog_flow(early.dialog) or call.flow
        self._core.start(prack, flow, lambda result: None, dialog=early.dialog)
        return True

    def _early(self, call: Call, invite: Request, response: Response, tag: str, rseq: int) -> EarlyDialog | None:
        early = call.early.get(tag)
        if early is None and len(call.early) < MAX_FORKS:
            early = EarlyDialog(dialog_of_caller(invite, response, call.flow), rseq - 1)
            self._calls.bind_early(call, tag, early)
        return early


def _requires_it(message: Message) -> bool:
    return TAG in (tag.lower() for tag in message.headers.tokens("Require"))
