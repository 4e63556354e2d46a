"""INFO in calls, both ways (RFC 6086): key-frame requests (RFC 5168), digits."""

from __future__ import annotations

from dataclasses import replace

from sip.call import Call, CallTable
from sip.core import AgentCore
from sip.events import InfoReceived
from sip.flow import Flow
from sip.hanging_up import HangingUp
from sip.message import Request, Response
from sip.transactions import Failure, ServerTransaction


class Informing:
    """Takes and sends them."""

    def __init__(self, core: AgentCore, calls: CallTable, hanging_up: HangingUp) -> None:
        self._core = core
        self._calls = calls
        self._hanging_up = hanging_up

    def receive(self, request: Request, call: Call, flow: Flow, transaction: ServerTransaction) -> None:
        """One of the peer's, already screened."""
        transaction.respond(self._core.response(request, 200, call.local_tag))
        if request.body:
            self._core.emit(InfoReceived(call.handle, request.content_type, request.body))

    def send(self, handle: str, content_type: str, body: bytes) -> None:
        """One of ours, in an answered call."""
        call = self._calls.get(handle)
        dialog = call.established_dialog()
        flow = self._core.dialog_flow(dialog)
        if flow is None:
            self._calls.end_by_failure(call, 503)
            return
        request = dialog.make_request("INFO")
        request.headers.add("Content-Type", content_type)
        request = replace(request, body=body)
        self._core.start(request, flow, lambda result: self._on_result(call, result), dialog=dialog)

    def _on_result(self, call: Call, result: Response | Failure) -> None:
        # RFC 3261 §12.2.1.2: no reply at all, or no such dialog, and the call is over.
        if result.status == 408:
            self._hanging_up.send_bye(call, "the other side does not reply any more", 408)
        elif result.status == 481:
            self._calls.end_by_failure(call, 481)
