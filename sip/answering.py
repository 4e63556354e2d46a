"""Calls that come in: INVITE, CANCEL, the 2xx and its ACK (RFC 3261 §13.3, §9.2)."""

from __future__ import annotations

from collections.abc import Callable

from sip.body import SDP, session_description
from sip.call import AwaitedAck, Call, CallTable, Phase
from sip.core import AgentCore, add_refusal_headers, reason_of
from sip.dialog import dialog_of_callee
from sip.errors import CallStateError, SipParseError
from sip.events import CallCancelled, CallConfirmed, CallEnded, IncomingCall, ReofferAnswered
from sip.flow import Flow
from sip.grammar import printable
from sip.hanging_up import HangingUp
from sip.message import Request, Response
from sip.reliability import Reliability
from sip.replaces import parse_replaces
from sip.session_timers import SessionTimers
from sip.transactions import ServerTransaction
from sip.uri import SipUri
from sip.warning import Warning


class Answering:
    """The callee's side."""

    def __init__(
        self,
        core: AgentCore,
        calls: CallTable,
        hanging_up: HangingUp,
        session_timers: SessionTimers,
        reliability: Reliability,
    ) -> None:
        self._core = core
        self._calls = calls
        self._hanging_up = hanging_up
        self._session_timers = session_timers
        self._reliability = reliability
        self._reliability.on_lost = self._progress_lost
        self.on_replaced: Callable[[str], None] = lambda call: None

    def receive_invite(self, request: Request, flow: Flow, transaction: ServerTransaction, identity: str = "") -> None:
        """An INVITE outside of any dialog, already screened."""
        core = self._core
        # RFC 2543 knew INVITEs without Contact, and its From had no tag.
        target = request.contacts or ((request.from_address,) if request.from_address.tag is None else ())
        if len(target) != 1 or not isinstance(target[0].uri, SipUri):
            transaction.respond(core.response(request, 400, reason="Bad Request: there must be one SIP Contact"))
            return
        if core.is_closing or len(self._calls) >= core.settings.max_calls:
            why = "the server is shutting down" if core.is_closing else "too many calls"
            transaction.respond(add_refusal_headers(core.response(request, 503), why, 30))
            return
        status, replaced = self._find_replaced(request)
        if status:
            transaction.respond(core.response(request, status))
            return
        transaction.respond(core.response(request, 100))
        user = request.uri.user if isinstance(request.uri, SipUri) else None
        call = Call(core.ids.handle(), Phase.INCOMING, core.ids.tag(), flow, pending_invite=transaction)
        call.contact = core.contact(flow, user)
        call.replaces = replaced
        call.learn(request)
        self._calls.add(call)
        self._calls.bind(call, dialog_of_callee(request, call.local_tag, flow))
        transaction.on_ack = lambda ack: self.receive_ack(ack, call)
        call.timers.append(core.timers.start(core.settings.ring_timeout, lambda: self._unanswered(call)))
        core.emit(_incoming(call, request, flow, identity))

    def _find_replaced(self, request: Request) -> tuple[int, str]:
        """The call that this one shall replace (RFC 3891 §3): a status that refuses, or 0, and the call's handle."""
        values = request.headers.get_all("Replaces")
        if not values:
            return 0, ""
        try:
            replaces = parse_replaces(values[0])
        except SipParseError:
            return 400, ""
        if len(values) > 1:
            return 400, ""
        call = self._calls.of_dialog(replaces.key)
        if call is None or call.phase in (Phase.INCOMING, Phase.CANCELLING):
            return 481, ""  # a call that rings here is its caller's to end
        if replaces.early_only and call.phase is not Phase.CALLING:
            return 486, ""
        return 0, call.handle

    def receive_cancel(self, request: Request, transaction: ServerTransaction) -> None:
        """CANCEL of an INVITE we know (RFC 3261 §9.2); ``transaction`` is the CANCEL's own."""
        invite = self._core.transactions.cancelled_by(request)
        call = None if invite is None else self._calls.of_transaction(invite)
        transaction.respond(self._core.response(request, 200, call.local_tag if call else None))
        if invite is None or call is None:
            return  # answered already: the CANCEL came too late and changes nothing
        invite.respond(self._core.response(invite.request, 487, call.local_tag))
        call.pending_invite = None
        if call.phase is Phase.INCOMING:
            self._calls.end(call, CallCancelled(call.handle, reason_of(request)[0]))

    def receive_ack(self, request: Request, call: Call) -> None:
        """The ACK to a 2xx of ours."""
        awaited = call.awaited_ack
        if awaited is None or request.cseq.number != awaited.cseq:
            return  # one more ACK, for a 2xx that was sent again
        awaited.stop()
        call.awaited_ack = None
        answer = session_description(request) if awaited.has_offer else None
        if call.phase is Phase.ACCEPTED:
            call.phase = Phase.ESTABLISHED
            if not call.hang_up_when_confirmed:
                self._core.emit(CallConfirmed(call.handle, answer))
        elif awaited.has_offer:
            self._core.emit(ReofferAnswered(call.handle, answer))
        if call.hang_up_when_confirmed:
            self._hanging_up.send_bye(call, call.hang_up_reason)

    def ring(self, handle: str) -> None:
        """Tell the caller that somebody is being fetched."""
        call = self._calls.get(handle)
        transaction = self._pending(call)
        response = self._core.response(transaction.request, 180, call.local_tag)
        self._complete(response, transaction.request, call)
        self._reliability.send(call, transaction, response)

    def accept(self, handle: str, sdp: str) -> None:
        """Answer the call; ``sdp`` answers its offer, or is ours when it came without."""
        call = self._calls.get(handle)
        self.send_success(call, self._pending(call), sdp)
        call.phase = Phase.ACCEPTED
        if call.replaces:
            self.on_replaced(call.replaces)

    def reject(
        self,
        handle: str,
        status: int,
        reason: str | None = None,
        warning: Warning | str | None = None,
        retry_after: int | None = None,
    ) -> None:
        """Refuse the call with a final status of 300 to 699."""
        call = self._calls.get(handle)
        transaction = self._pending(call)
        response = self._core.response(transaction.request, status, call.local_tag, reason)
        transaction.respond(add_refusal_headers(response, warning, retry_after))
        self._calls.end(call, None)

    def send_success(self, call: Call, transaction: ServerTransaction, sdp: str) -> None:
        """A 2xx with a session description: to an INVITE, sent until acknowledged, or to an UPDATE."""
        request = transaction.request
        response = self._core.response(request, 200, call.local_tag)
        self._complete(response, request, call)
        self._core.add_capabilities(response.headers)
        self._session_timers.answer(call, request, response)
        response.headers.add("Content-Type", SDP)
        whole = Response(response.headers, sdp.encode(), status=response.status, reason=response.reason)
        has_offer = session_description(request) is None
        call.pending_invite = None
        call.local_sdp = sdp
        if request.method == "UPDATE":
            transaction.respond(whole)
            return
        call.awaited_ack = AwaitedAck(self._core, transaction, whole, has_offer, lambda: self._ack_overdue(call))

    def _ack_overdue(self, call: Call) -> None:
        # RFC 3261 §13.3.1.4: without an ACK the session is not confirmed, and BYE ends it.
        if call.awaited_ack is not None:
            call.awaited_ack.stop()
            call.awaited_ack = None
        self._hanging_up.send_bye(call, call.hang_up_reason or "no ACK was received", 408)

    def _progress_lost(self, call: Call) -> None:
        # RFC 3262 §3: a peer that does not acknowledge what it wanted to acknowledge is gone.
        if call.phase is Phase.INCOMING:
            self.reject(call.handle, 504)
            self._core.emit(CallEnded(call.handle, "the caller did not acknowledge that it rings", 504))

    def _unanswered(self, call: Call) -> None:
        # The caller may have vanished without CANCEL; nobody else would ever clear such a call away.
        if call.phase is Phase.INCOMING:
            self.reject(call.handle, 480)
            self._core.emit(CallEnded(call.handle, "the call was not answered in time", 480))

    def _pending(self, call: Call) -> ServerTransaction:
        if call.phase is not Phase.INCOMING or call.pending_invite is None:
            raise CallStateError(f"{call.handle} does not wait for an answer")
        return call.pending_invite

    def _complete(self, response: Response, request: Request, call: Call) -> None:
        """What a response that creates a dialog has more (RFC 3261 §12.1.1)."""
        for value in request.headers.get_all("Record-Route"):
            response.headers.add("Record-Route", value)
        response.headers.add("Contact", call.contact)


def _incoming(call: Call, request: Request, flow: Flow, identity: str) -> IncomingCall:
    return IncomingCall(
        call_id=call.handle,
        request_uri=printable(str(request.uri)),
        from_uri=printable(str(request.from_address.uri)),
        from_name=request.from_address.shown_name,
        to_uri=printable(str(request.to_address.uri)),
        user_agent=printable(request.headers.get("User-Agent") or ""),
        offer=session_description(request),
        source=flow,
        identity=identity,
        replaces=call.replaces,
    )
