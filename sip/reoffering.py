"""Changing the session of a call: re-INVITE both ways, and its collisions (RFC 3261 §14)."""

from __future__ import annotations

from dataclasses import replace

from sip.answering import Answering
from sip.body import SDP, session_description
from sip.call import Call, CallTable, Phase
from sip.core import AgentCore, add_refusal_headers
from sip.dialog import Dialog
from sip.errors import CallStateError
from sip.events import ReofferAnswered, ReofferReceived, ReofferRefused
from sip.flow import Flow
from sip.grammar import printable
from sip.hanging_up import HangingUp
from sip.message import Request, Response
from sip.transactions import Failure, ServerTransaction
from sip.warning import Warning

# Status codes after which there is no dialog any more (RFC 3261 §12.2.1.2).
_DIALOG_GONE = frozenset({408, 481})
# The ACK to the 2xx, once there is one, for when the 2xx comes again.
Acks = list[tuple[Flow, bytes]]


class Reoffering:
    """New offers in a call."""

    def __init__(self, core: AgentCore, calls: CallTable, answering: Answering, hanging_up: HangingUp) -> None:
        self._core = core
        self._calls = calls
        self._answering = answering
        self._hanging_up = hanging_up

    def receive_invite(self, request: Request, call: Call, flow: Flow, transaction: ServerTransaction) -> None:
        """A re-INVITE, already in order."""
        core = self._core
        if call.pending_invite is not None:
            # RFC 3261 §14.2: the earlier INVITE is not answered yet.
            response = core.response(request, 500, call.local_tag)
            transaction.respond(add_refusal_headers(response, None, round(core.ids.delay(0, 10))))
            return
        if call.own_invite is not None or call.awaited_ack is not None:
            transaction.respond(core.response(request, 491, call.local_tag))
            return
        transaction.respond(core.response(request, 100))
        call.pending_invite = transaction
        call.pending_flow = flow
        transaction.on_ack = lambda ack: self._answering.receive_ack(ack, call)
        core.emit(ReofferReceived(call.handle, session_description(request)))

    def answer(self, handle: str, sdp: str) -> None:
        """Take the peer's new offer, or give ours when it asked for one."""
        call = self._calls.get(handle)
        transaction = self._pending(call)
        if call.dialog is not None:
            # A refused re-INVITE changes nothing, so target and way are taken over only now (RFC 3261 §12.2.2).
            call.dialog.refresh(transaction.request, call.pending_flow or call.flow)
        self._answering.send_success(call, transaction, sdp)

    def refuse(
        self,
        handle: str,
        status: int,
        reason: str | None = None,
        warning: Warning | str | None = None,
        retry_after: int | None = None,
    ) -> None:
        """Do not take the peer's new offer; the session stays as it was."""
        call = self._calls.get(handle)
        transaction = self._pending(call)
        call.pending_invite = None
        response = self._core.response(transaction.request, status, call.local_tag, reason)
        transaction.respond(add_refusal_headers(response, warning, retry_after))

    def reoffer(self, handle: str, sdp: str) -> None:
        """Offer the peer a new session."""
        call = self._calls.get(handle)
        dialog = call.established_dialog()
        if call.own_invite is not None or call.pending_invite is not None or call.awaited_ack is not None:
            raise CallStateError(f"{handle} is changing its session already")
        self._send(call, dialog, sdp)

    def _send(self, call: Call, dialog: Dialog, sdp: str) -> None:
        flow = self._core.dialog_flow(dialog)
        if flow is None:
            self._calls.end_by_failure(call, 503)
            return
        request = dialog.make_request("INVITE")
        request.headers.add("Contact", call.contact)
        self._core.add_capabilities(request.headers)
        request.headers.add("Content-Type", SDP)
        request = replace(request, body=sdp.encode())
        acks: Acks = []
        call.own_invite = self._core.start(
            request, flow, lambda result: self._on_result(call, dialog, request, sdp, result, acks)
        )

    def _on_result(
        self, call: Call, dialog: Dialog, request: Request, sdp: str, result: Response | Failure, acks: Acks
    ) -> None:
        if isinstance(result, Response) and result.is_provisional:
            return
        if isinstance(result, Response) and result.is_success:
            self._taken(call, dialog, request, result, acks)
            return
        call.own_invite = None
        status = result.status
        if call.handle not in self._calls.handles():
            return
        if status == 491:
            self._retry(call, dialog, sdp)
        elif isinstance(result, Failure) or status in _DIALOG_GONE:
            self._hanging_up.send_bye(call, "the other side does not reply any more", status)
        else:
            self._core.emit(ReofferRefused(call.handle, status, printable(result.reason)))

    def _taken(self, call: Call, dialog: Dialog, request: Request, response: Response, acks: Acks) -> None:
        if acks:
            self._core.send(*acks[0])
            return
        dialog.refresh(response, dialog.flow)
        flow = self._core.dialog_flow(dialog) or call.flow
        call.own_invite = None
        acks.append((flow, self._core.send_ack(dialog.make_request("ACK", request.cseq.number), flow)))
        if call.handle in self._calls.handles():
            self._core.emit(ReofferAnswered(call.handle, session_description(response)))

    def _retry(self, call: Call, dialog: Dialog, sdp: str) -> None:
        """Both sides offered at once. Who chose the Call-ID waits longer, so that one comes through (§14.1)."""
        delay = self._core.ids.delay(2.1, 4.0) if call.is_ours else self._core.ids.delay(0.0, 2.0)

        def again() -> None:
            if call.own_invite is None and call.pending_invite is None and call.awaited_ack is None:
                self._send(call, dialog, sdp)
            else:
                self._core.emit(ReofferRefused(call.handle, 491, "the other side is changing the session"))

        call.timers.append(self._core.timers.start(delay, again))

    def _pending(self, call: Call) -> ServerTransaction:
        if call.pending_invite is None or call.phase is not Phase.ESTABLISHED:
            raise CallStateError(f"{call.handle} has no offer to answer")
        return call.pending_invite
