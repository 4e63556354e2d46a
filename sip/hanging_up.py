"""The end of a call: BYE both ways (RFC 3261 §15)."""

from __future__ import annotations

from sip.call import Call, CallTable, Phase
from sip.core import AgentCore, reason_of
from sip.events import CallEnded
from sip.message import Request
from sip.reason import Reason
from sip.transactions import ServerTransaction


class HangingUp:
    """Ends answered calls."""

    def __init__(self, core: AgentCore, calls: CallTable) -> None:
        self._core = core
        self._calls = calls

    def receive_bye(self, request: Request, call: Call, transaction: ServerTransaction) -> None:
        """The peer ends the call."""
        transaction.respond(self._core.response(request, 200, call.local_tag))
        text, status = reason_of(request)
        self._calls.end(call, CallEnded(call.handle, text or "the other side hung up", status))

    def hang_up(self, call: Call, reason: str | None) -> None:
        """End an answered call; before the ACK it waits for that (RFC 3261 §15)."""
        if call.phase is Phase.ACCEPTED:
            call.hang_up_when_confirmed = True
            call.hang_up_reason = reason
            return
        self.send_bye(call, reason)

    def send_bye(self, call: Call, reason: str | None, status: int | None = None) -> None:
        """Send BYE and forget the call; what the peer replies makes no difference."""
        dialog = call.dialog
        if dialog is None or call.phase is Phase.ENDED:
            return
        self._calls.refuse_pending(call)
        request = dialog.make_request("BYE")
        if reason:
            request.headers.add("Reason", str(Reason("SIP", status or 200, reason)))
        flow = self._core.dialog_flow(dialog)
        if flow is not None:
            self._core.start(request, flow, lambda result: None, dialog=dialog)
        self._calls.end(call, CallEnded(call.handle, reason or "we hung up", status))
