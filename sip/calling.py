"""Calls that go out: INVITE, CANCEL, forked answers (RFC 3261 §13.2, §9.1)."""

from __future__ import annotations

from sip.address import NameAddress
from sip.body import SDP, session_description
from sip.call import Call, CallTable, Phase
from sip.core import AgentCore, warning_of
from sip.dialog import Dialog, dialog_of_caller
from sip.events import CallAnswered, CallProgress, CallRefused
from sip.flow import Flow
from sip.grammar import printable
from sip.hanging_up import HangingUp
from sip.headers import Headers
from sip.message import Request, Response
from sip.reason import Reason
from sip.transactions import Failure, same_transaction_headers
from sip.uri import Uri, parse_uri

# The ACK to each 2xx by its To tag, for when the 2xx comes again.
Acks = dict[str, tuple[Flow, bytes]]


class Calling:
    """The caller's side."""

    def __init__(self, core: AgentCore, calls: CallTable, hanging_up: HangingUp) -> None:
        self._core = core
        self._calls = calls
        self._hanging_up = hanging_up

    def invite(self, target: str, offer: str, from_uri: str, from_name: str, via_transport: str) -> str:
        """Call ``target``; returns the handle. Raises SipParseError when an address is malformed."""
        core = self._core
        uri, sender = parse_uri(target), parse_uri(from_uri)
        handle, tag = core.ids.handle(), core.ids.tag()
        flow = core.flow_to(uri, via_transport)
        if flow is None:
            core.emit(CallRefused(handle, 503, "there is no transport to this address"))
            return handle
        call = Call(handle, Phase.CALLING, tag, flow, contact=core.contact(flow), is_ours=True)
        self._calls.add(call)
        request = self._initial_invite(uri, NameAddress(sender, from_name).with_tag(tag), offer, call)
        acks: Acks = {}
        call.own_invite = core.start(
            request,
            flow,
            lambda result: self._on_result(call, request, result, acks),
            lambda moved: self._moved(call, moved),
        )
        call.timers.append(core.timers.start(core.settings.ring_timeout, lambda: self.cancel(call)))
        return handle

    def cancel(self, call: Call, reason: str | None = None) -> None:
        """Give up a call that is not answered yet; its end is reported when the peer confirms."""
        if call.phase is not Phase.CALLING:
            return
        call.phase = Phase.CANCELLING
        call.hang_up_reason = reason
        self._send_cancel(call)
        # RFC 3261 §9.1: a peer that never answers the INVITE is not waited for longer than this.
        timeout = self._core.settings.timers.timeout
        event = CallRefused(call.handle, 487, "cancelled")
        call.timers.append(self._core.timers.start(timeout, lambda: self._calls.end(call, event)))
        if call.own_invite is not None:
            call.own_invite.give_up()  # it may be waiting for DNS, or have other servers to try

    def _moved(self, call: Call, flow: Flow) -> None:
        """The INVITE goes another way than was thought."""
        call.flow, call.contact = flow, self._core.contact(flow)

    def _initial_invite(self, uri: Uri, sender: NameAddress, offer: str, call: Call) -> Request:
        headers = Headers([("Max-Forwards", "70"), ("From", str(sender)), ("To", f"<{uri}>")])
        headers.add("Call-ID", self._core.ids.call_id())
        headers.add("CSeq", "1 INVITE")
        headers.add("Contact", call.contact)
        self._core.add_capabilities(headers)
        headers.add("Content-Type", SDP)
        return Request(headers, offer.encode(), method="INVITE", uri=uri)

    def _on_result(self, call: Call, request: Request, result: Response | Failure, acks: Acks) -> None:
        if isinstance(result, Failure) and call.phase is Phase.CANCELLING:
            self._refused(call, 487, "cancelled")
        elif isinstance(result, Failure):
            self._refused(call, result.status, "no reply" if result is Failure.TIMEOUT else "cannot be reached")
        elif result.is_provisional:
            self._progress(call, result)
        elif result.is_success:
            self._answered(call, request, result, acks)
        else:
            self._refused(call, result.status, printable(result.reason), warning_of(result))

    def _refused(self, call: Call, status: int, reason: str, warning: str = "") -> None:
        self._calls.end(call, CallRefused(call.handle, status, reason, warning))

    def _progress(self, call: Call, response: Response) -> None:
        if call.phase is Phase.CANCELLING:
            self._send_cancel(call)
        elif call.phase is Phase.CALLING and response.status > 100:
            self._core.emit(CallProgress(call.handle, response.status))

    def _send_cancel(self, call: Call) -> None:
        invite = call.own_invite
        if invite is None or not invite.may_be_cancelled:
            return  # no provisional response yet; it will be sent with the first one
        call.own_invite = None
        headers = same_transaction_headers(invite.request, "CANCEL")
        if call.hang_up_reason:
            headers.add("Reason", str(Reason("SIP", 487, call.hang_up_reason)))
        cancel = Request(headers, method="CANCEL", uri=invite.request.uri)
        # The CANCEL carries the INVITE's Via, so it goes past core.start.
        self._core.transactions.request(cancel, invite.flow, lambda result: None)

    def _answered(self, call: Call, request: Request, response: Response, acks: Acks) -> None:
        tag = response.to_address.tag or ""
        if tag in acks:
            self._core.send(*acks[tag])  # the ACK was lost
            return
        dialog = dialog_of_caller(request, response, call.flow)
        flow = self._core.dialog_flow(dialog) or call.flow
        acks[tag] = flow, self._core.send_ack(dialog.make_request("ACK", request.cseq.number), flow)
        if call.phase is Phase.CALLING:
            for timer in call.timers:
                timer.cancel()
            call.own_invite = None
            call.phase = Phase.ESTABLISHED
            self._calls.bind(call, dialog)
            self._core.emit(CallAnswered(call.handle, session_description(response)))
        else:
            self._end_unwanted(call, dialog, flow)

    def _end_unwanted(self, call: Call, dialog: Dialog, flow: Flow) -> None:
        """A 2xx from a second fork, or one that crossed our CANCEL: the dialog exists and must be ended."""
        self._core.start(dialog.make_request("BYE"), flow, lambda result: None)
        if call.phase is Phase.CANCELLING:
            self._refused(call, 487, "cancelled")
