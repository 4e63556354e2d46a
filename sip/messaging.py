"""Short messages in calls and outside of them (RFC 3428)."""

from __future__ import annotations

from dataclasses import replace

from sip.address import NameAddress
from sip.body import part_of
from sip.call import Call, CallTable
from sip.core import AgentCore
from sip.dialog import Dialog
from sip.events import MessageDelivered, MessageReceived, MessageRefused
from sip.flow import Flow
from sip.grammar import printable
from sip.headers import Headers
from sip.message import Request, Response
from sip.transactions import Failure, ServerTransaction
from sip.uri import parse_uri

TEXT = "text/plain"


class Messaging:
    """Takes and sends messages. Text only: others get 415, so that their sender can fall back to it (§7)."""

    def __init__(self, core: AgentCore, calls: CallTable) -> None:
        self._core = core
        self._calls = calls

    def receive(self, request: Request, flow: Flow, transaction: ServerTransaction, identity: str) -> None:
        """One outside of any call: taken note of (202); whether somebody reads it is not known here (§7)."""
        transaction.respond(self._core.response(request, 202))
        self._core.emit(_received(request, "", flow, identity))

    def receive_inside(self, request: Request, call: Call, flow: Flow, transaction: ServerTransaction) -> None:
        """One in a call."""
        transaction.respond(self._core.response(request, 200, call.local_tag))
        self._core.emit(_received(request, call.handle, flow, ""))

    def send(self, handle: str, text: str) -> str:
        """A message in an answered call; returns its handle."""
        call = self._calls.get(handle)
        dialog = call.established_dialog()
        flow = self._core.dialog_flow(dialog)
        return self._start(_with_text(dialog.make_request("MESSAGE"), text), flow, dialog)

    def send_outside(self, target: str, text: str, from_uri: str, from_name: str, via_transport: str) -> str:
        """A message to a SIP URI. Raises SipParseError when an address is malformed."""
        core, uri = self._core, parse_uri(target)
        sender = NameAddress(parse_uri(from_uri), from_name).with_tag(core.ids.tag())
        headers = Headers([("Max-Forwards", "70"), ("From", str(sender)), ("To", f"<{uri}>")])
        headers.add("Call-ID", core.ids.call_id())
        headers.add("CSeq", "1 MESSAGE")
        request = _with_text(Request(headers, method="MESSAGE", uri=uri), text)
        return self._start(request, core.flow_to(uri, via_transport), None)

    def _start(self, request: Request, flow: Flow | None, dialog: Dialog | None) -> str:
        handle = self._core.ids.handle("message")
        if flow is None:
            self._core.emit(MessageRefused(handle, 503, "there is no transport to this address"))
        else:
            self._core.start(request, flow, lambda result: self._on_result(handle, result), dialog=dialog)
        return handle

    def _on_result(self, handle: str, result: Response | Failure) -> None:
        if isinstance(result, Failure):
            self._core.emit(MessageRefused(handle, result.status, "no reply"))
        elif result.is_success:
            self._core.emit(MessageDelivered(handle))
        elif not result.is_provisional:
            self._core.emit(MessageRefused(handle, result.status, printable(result.reason)))


def _with_text(request: Request, text: str) -> Request:
    request.headers.add("Content-Type", f"{TEXT};charset=UTF-8")
    return replace(request, body=text.encode())


def _received(request: Request, call: str, flow: Flow, identity: str) -> MessageReceived:
    text = (part_of(request, TEXT) or b"").decode("utf-8", "surrogateescape")
    return MessageReceived(
        call=call,
        request_uri=printable(str(request.uri)),
        from_uri=printable(str(request.from_address.uri)),
        from_name=request.from_address.shown_name,
        text="\n".join(printable(line) for line in text.splitlines()),
        source=flow,
        identity=identity,
    )
