"""Calls that go out: INVITE, CANCEL, forked answers, redirections (RFC 3261 §13.2, §9.1, §8.1.3.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

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
from sip.outgoing import Outgoing, credentials_of
from sip.reason import Reason
from sip.redirecting import Redirections
from sip.reliability import Reliability
from sip.session_timers import SessionTimers
from sip.transactions import Failure, same_transaction_headers
from sip.uri import SipUri, Uri, parse_uri


@dataclass
class Attempt:
    """An INVITE of ours. ``acks``: the ACK to each 2xx by its To tag, for when the 2xx comes again."""

    redirections: Redirections
    offer: str
    acks: dict[str, tuple[Flow, bytes]] = field(default_factory=dict)
    outgoing: Outgoing | None = None

    @property
    def invite(self) -> Request:
        """The INVITE as it was last sent."""
        assert self.outgoing is not None  # results come when it is on its way
        return self.outgoing.request


class Calling:
    """The caller's side."""

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

    def invite(
        self,
        target: str,
        offer: str,
        from_uri: str,
        from_name: str,
        via_transport: str,
        route: Sequence[str],
        flow: Flow | None,
    ) -> str:
        """Call ``target``; returns the handle. Raises SipParseError when an address is malformed."""
        core = self._core
        uri, sender = parse_uri(target), parse_uri(from_uri)
        uri, more = _without_headers(uri)
        handle, tag = core.ids.handle(), core.ids.tag()
        more += [("Route", f"<{parse_uri(hop)}>") for hop in route]
        flow = flow or core.flow_to(parse_uri(route[0]) if route else uri, via_transport)
        if flow is None:
            core.emit(CallRefused(handle, 503, "there is no transport to this address"))
            return handle
        call = Call(handle, Phase.CALLING, tag, flow, contact=core.contact(flow), is_ours=True, local_sdp=offer)
        self._calls.add(call)
        request = self._initial_invite(uri, NameAddress(sender, from_name).with_tag(tag), offer, call, more)
        attempt = Attempt(Redirections({str(uri)}), offer)
        call.own_invite = attempt.outgoing = core.start(
            request,
            flow,
            lambda result: self._on_result(call, attempt, result),
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
        if call.own_invite is not None:
            call.own_invite.give_up()  # it may be waiting for DNS, or have other servers to try
        if call.phase is Phase.ENDED:
            return
        self._send_cancel(call)
        # RFC 3261 §9.1: a peer that never answers the INVITE is not waited for longer than this.
        timeout = self._core.settings.timers.timeout
        event = CallRefused(call.handle, 487, "cancelled")
        call.timers.append(self._core.timers.start(timeout, lambda: self._calls.end(call, event)))

    def _moved(self, call: Call, flow: Flow) -> None:
        """The INVITE goes another way than was thought."""
        call.flow, call.contact = flow, self._core.contact(flow)

    def _initial_invite(
        self, uri: Uri, sender: NameAddress, offer: str, call: Call, more: list[tuple[str, str]]
    ) -> Request:
        headers = Headers([("Max-Forwards", "70"), ("From", str(sender)), ("To", f"<{uri}>")])
        headers.add("Call-ID", self._core.ids.call_id())
        headers.add("CSeq", "1 INVITE")
        headers.add("Contact", call.contact)
        self._core.add_capabilities(headers)
        self._session_timers.ask(headers)
        for name, value in more:
            headers.add(name, value)
        headers.add("Content-Type", SDP)
        return Request(headers, offer.encode(), method="INVITE", uri=uri)

    def _on_result(self, call: Call, attempt: Attempt, result: Response | Failure) -> None:
        if isinstance(result, Failure) and call.phase is Phase.CANCELLING:
            self._refused(call, 487, "cancelled")
        elif isinstance(result, Failure):
            self._refused(call, result.status, "no reply" if result is Failure.TIMEOUT else "cannot be reached")
        elif result.is_provisional:
            self._progress(call, attempt, result)
        elif result.is_success:
            self._answered(call, attempt, result)
        elif call.phase is not Phase.CALLING or not self._try_again(call, attempt, result):
            self._refused(call, result.status, printable(result.reason), warning_of(result))

    def _refused(self, call: Call, status: int, reason: str, warning: str = "") -> None:
        self._calls.end(call, CallRefused(call.handle, status, reason, warning))

    def _try_again(self, call: Call, attempt: Attempt, refusal: Response) -> bool:
        """Call again, put right: with a longer session (422), or where a 3xx points. False when there is nothing."""
        outgoing = attempt.outgoing
        if outgoing is None:
            return False
        if refusal.status == 422:
            headers = self._session_timers.ask_longer(outgoing.request, refusal)
            if headers is not None:
                outgoing.repeat(headers)
            return headers is not None
        if 300 <= refusal.status < 400:
            attempt.redirections.add(refusal)
        elif not attempt.redirections.left:
            return False
        return self._redirect(call, attempt, outgoing)

    def _redirect(self, call: Call, attempt: Attempt, outgoing: Outgoing) -> bool:
        while (uri := attempt.redirections.next()) is not None:
            uri = replace(uri, headers="")  # what a stranger wants in our INVITE is not ours to send
            if not self._core.may_be_called(uri):
                continue
            flow = self._core.flow_to(uri, call.flow.transport)
            if flow is not None:
                self._moved(call, flow)
                headers = outgoing.request.headers
                headers.replace_first("Contact", call.contact)
                outgoing.repeat(headers, uri, flow)
                return True
        return False

    def _progress(self, call: Call, attempt: Attempt, response: Response) -> None:
        if call.phase is Phase.CANCELLING:
            self._send_cancel(call)
            return
        if call.phase is not Phase.CALLING or response.status == 100:
            return
        if self._reliability.acknowledge(call, attempt.invite, response):
            self._core.emit(CallProgress(call.handle, response.status))

    def _send_cancel(self, call: Call) -> None:
        invite = call.own_invite
        if invite is None or not invite.may_be_cancelled:
            return  # no provisional response yet; it will be sent with the first one
        call.own_invite = None
        headers = same_transaction_headers(invite.sent, "CANCEL")
        if call.hang_up_reason:
            headers.add("Reason", str(Reason("SIP", 487, call.hang_up_reason)))
        cancel = Request(headers, method="CANCEL", uri=invite.sent.uri)
        # The CANCEL carries the INVITE's Via, so it goes past core.start.
        self._core.transactions.request(cancel, invite.flow, lambda result: None)

    def _answered(self, call: Call, attempt: Attempt, response: Response) -> None:
        tag = response.to_address.tag or ""
        if tag in attempt.acks:
            self._core.send(*attempt.acks[tag])  # the ACK was lost
            return
        invite = attempt.invite
        dialog, answer = self._dialog(call, invite, response, tag)
        flow = self._core.dialog_flow(dialog) or call.flow
        ack = dialog.make_request("ACK", invite.cseq.number)
        for name, value in credentials_of(invite):
            ack.headers.add(name, value)
        attempt.acks[tag] = flow, self._core.send_ack(ack, flow)
        if call.phase is Phase.CALLING:
            for timer in call.timers:
                timer.cancel()
            call.own_invite = None
            call.phase = Phase.ESTABLISHED
            call.learn(response)
            self._calls.bind(call, dialog)
            self._session_timers.taken(call, response)
            self._core.emit(CallAnswered(call.handle, answer))
        else:
            self._end_unwanted(call, dialog, flow)

    def _dialog(self, call: Call, invite: Request, response: Response, tag: str) -> tuple[Dialog, str | None]:
        """The dialog of a 2xx, and the answer: in the 2xx or in a reliable response before it (RFC 3262 §5)."""
        dialog, answer = dialog_of_caller(invite, response, call.flow), session_description(response)
        early = call.early.get(tag)
        if early is not None:
            # Requests were numbered in it already; route and target are those of the 2xx (RFC 3261 §13.2.2.4).
            dialog.local_cseq, dialog.remote_cseq = early.dialog.local_cseq, early.dialog.remote_cseq
            answer = answer or early.answer
        return dialog, answer

    def _end_unwanted(self, call: Call, dialog: Dialog, flow: Flow) -> None:
        """A 2xx from a second fork, or one that crossed our CANCEL: the dialog exists and must be ended."""
        self._core.start(dialog.make_request("BYE"), flow, lambda result: None, dialog=dialog)
        if call.phase is Phase.CANCELLING:
            self._refused(call, 487, "cancelled")


def _without_headers(uri: Uri) -> tuple[Uri, list[tuple[str, str]]]:
    """A URI to call, and the one header that it may bring into our INVITE: Replaces, of an attended transfer."""
    if not isinstance(uri, SipUri) or not uri.headers:
        return uri, []
    fields = (item.partition("=") for item in uri.headers.split("&"))
    more = [("Replaces", unquote(value)) for name, _, value in fields if name.lower() == "replaces" and value]
    if more:
        more.append(("Require", "replaces"))
    return replace(uri, headers=""), more
