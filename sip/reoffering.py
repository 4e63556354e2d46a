"""Changing the session of a call: re-INVITE both ways, and its collisions (RFC 3261 §14)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

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
from sip.outgoing import Outgoing, credentials_of
from sip.session_timers import SessionTimers
from sip.transactions import Failure, ServerTransaction
from sip.warning import Warning

# Status codes after which there is no dialog any more (RFC 3261 §12.2.1.2).
DIALOG_GONE = frozenset({408, 481})


@dataclass
class Attempt:
    """A re-INVITE of ours. ``is_refresh``: it only says that we are still there, the application need not know.

    ``ack``: the ACK to the 2xx, once there is one, for when the 2xx comes again.
    """

    sdp: str = field(repr=False)
    is_refresh: bool = False
    ack: tuple[Flow, bytes] | None = None
    outgoing: Outgoing | None = None


class Reoffering:
    """New offers in a call."""

    def __init__(
        self,
        core: AgentCore,
        calls: CallTable,
        answering: Answering,
        hanging_up: HangingUp,
        session_timers: SessionTimers,
    ) -> None:
        self._core = core
        self._calls = calls
        self._answering = answering
        self._hanging_up = hanging_up
        self._session_timers = session_timers

    def receive_invite(self, request: Request, call: Call, flow: Flow, transaction: ServerTransaction) -> None:
        """A re-INVITE, or an UPDATE with an offer (RFC 3311 §5.2); already in order."""
        core = self._core
        if call.pending_invite is not None:
            # RFC 3261 §14.2: the earlier INVITE is not answered yet.
            response = core.response(request, 500, call.local_tag)
            transaction.respond(add_refusal_headers(response, None, round(core.ids.delay(0, 10))))
            return
        if call.own_invite is not None or call.awaited_ack is not None:
            transaction.respond(core.response(request, 491, call.local_tag))
            return
        if request.method == "INVITE":
            transaction.respond(core.response(request, 100))
        call.pending_invite = transaction
        call.pending_flow = flow
        call.learn(request)
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
        if call.is_changing:
            raise CallStateError(f"{handle} is changing its session already")
        self._send(call, dialog, Attempt(sdp))

    def refresh(self, call: Call) -> None:
        """Say that we are still there by offering what we have, as it is (RFC 4028 §7.4)."""
        if call.dialog is None or call.is_changing or not call.local_sdp:
            self._session_timers.failed(call)
        else:
            self._send(call, call.dialog, Attempt(call.local_sdp, is_refresh=True))

    def _send(self, call: Call, dialog: Dialog, attempt: Attempt) -> None:
        flow = self._core.dialog_flow(dialog)
        if flow is None:
            self._calls.end_by_failure(call, 503)
            return
        request = dialog.make_request("INVITE")
        request.headers.add("Contact", call.contact)
        self._core.add_capabilities(request.headers)
        self._session_timers.ask(request.headers, call)
        request.headers.add("Content-Type", SDP)
        request = replace(request, body=attempt.sdp.encode())
        call.own_invite = attempt.outgoing = self._core.start(
            request, flow, lambda result: self._on_result(call, dialog, attempt, result), dialog=dialog
        )

    def _on_result(self, call: Call, dialog: Dialog, attempt: Attempt, result: Response | Failure) -> None:
        if isinstance(result, Response) and result.is_provisional:
            return
        if isinstance(result, Response) and result.is_success:
            self._taken(call, dialog, attempt, result)
            return
        if call.phase is not Phase.ENDED and self._asks_longer(attempt, result):
            return
        call.own_invite = None
        status = result.status
        if call.phase is Phase.ENDED:
            return
        if status == 491:
            self._retry(call, dialog, attempt)
        elif isinstance(result, Failure) or status in DIALOG_GONE:
            self._hanging_up.send_bye(call, "the other side does not reply any more", status)
        elif attempt.is_refresh:
            self._session_timers.failed(call)
        else:
            self._core.emit(ReofferRefused(call.handle, status, printable(result.reason)))

    def _asks_longer(self, attempt: Attempt, result: Response | Failure) -> bool:
        """Send it again after a 422, with a longer session."""
        if not isinstance(result, Response) or result.status != 422 or attempt.outgoing is None:
            return False
        headers = self._session_timers.ask_longer(attempt.outgoing.request, result)
        if headers is not None:
            attempt.outgoing.repeat(headers)
        return headers is not None

    def _taken(self, call: Call, dialog: Dialog, attempt: Attempt, response: Response) -> None:
        if attempt.ack is not None or attempt.outgoing is None:
            if attempt.ack is not None:
                self._core.send(*attempt.ack)
            return
        dialog.refresh(response, dialog.flow)
        flow = self._core.dialog_flow(dialog) or call.flow
        call.own_invite = None
        invite = attempt.outgoing.request
        ack = dialog.make_request("ACK", invite.cseq.number)
        for name, value in credentials_of(invite):
            ack.headers.add(name, value)
        attempt.ack = flow, self._core.send_ack(ack, flow)
        if call.phase is Phase.ENDED:
            return
        call.local_sdp = attempt.sdp
        call.learn(response)
        self._session_timers.taken(call, response)
        if not attempt.is_refresh:
            self._core.emit(ReofferAnswered(call.handle, session_description(response)))

    def _retry(self, call: Call, dialog: Dialog, attempt: Attempt) -> None:
        """Both sides offered at once. Who chose the Call-ID waits longer, so that one comes through (§14.1)."""
        delay = self._core.ids.delay(2.1, 4.0) if call.is_ours else self._core.ids.delay(0.0, 2.0)

        def again() -> None:
            if not call.is_changing:
                self._send(call, dialog, Attempt(attempt.sdp, attempt.is_refresh))
            elif attempt.is_refresh:
                self._session_timers.failed(call)
            else:
                self._core.emit(ReofferRefused(call.handle, 491, "the other side is changing the session"))

        call.timers.append(self._core.timers.start(delay, again))

    def _pending(self, call: Call) -> ServerTransaction:
        if call.pending_invite is None or call.phase is not Phase.ESTABLISHED:
            raise CallStateError(f"{call.handle} has no offer to answer")
        return call.pending_invite
