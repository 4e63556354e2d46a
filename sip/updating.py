"""UPDATE both ways (RFC 3311): a new offer without the weight of a re-INVITE, or only a sign of life (RFC 4028)."""

from __future__ import annotations

from sip.body import session_description
from sip.call import Call, CallTable, Phase
from sip.core import AgentCore, add_refusal_headers
from sip.flow import Flow
from sip.hanging_up import HangingUp
from sip.message import Request, Response
from sip.outgoing import Outgoing
from sip.reoffering import DIALOG_GONE, Reoffering
from sip.session_timers import SessionTimers
from sip.transactions import Failure, ServerTransaction


class Updating:
    """Takes UPDATEs, and refreshes sessions."""

    def __init__(
        self,
        core: AgentCore,
        calls: CallTable,
        reoffering: Reoffering,
        hanging_up: HangingUp,
        session_timers: SessionTimers,
    ) -> None:
        self._core = core
        self._calls = calls
        self._reoffering = reoffering
        self._hanging_up = hanging_up
        self._session_timers = session_timers
        session_timers.refresh = self.refresh

    def receive(self, request: Request, call: Call, flow: Flow, transaction: ServerTransaction) -> None:
        """An UPDATE of the peer, already in order."""
        core = self._core
        if session_description(request) is None:
            self._confirm(request, call, flow, transaction)
        elif call.phase is Phase.ESTABLISHED:
            self._reoffering.receive_invite(request, call, flow, transaction)
        else:
            # §5.2: offer and answer of the INVITE come first.
            status = 491 if call.is_ours else 500
            response = core.response(request, status, call.local_tag)
            again = None if status == 491 else round(core.ids.delay(1, 10))
            transaction.respond(add_refusal_headers(response, None, again))

    def _confirm(self, request: Request, call: Call, flow: Flow, transaction: ServerTransaction) -> None:
        """A sign of life; it may bring a new target."""
        dialog = call.dialog_of(request)
        if dialog is not None:
            dialog.refresh(request, flow)
        call.learn(request)
        response = self._core.response(request, 200, call.local_tag)
        response.headers.add("Contact", call.contact)
        self._core.add_capabilities(response.headers)
        if call.phase is Phase.ESTABLISHED:
            self._session_timers.answer(call, request, response)
        transaction.respond(response)

    def refresh(self, call: Call) -> None:
        """Show that we are still there: by UPDATE where the peer knows it, else by re-INVITE (RFC 4028 §7.4)."""
        dialog = call.dialog
        if "UPDATE" not in call.remote_methods:
            self._reoffering.refresh(call)
            return
        flow = None if dialog is None else self._core.dialog_flow(dialog)
        if dialog is None or flow is None:
            self._calls.end_by_failure(call, 503)
            return
        request = dialog.make_request("UPDATE")
        request.headers.add("Contact", call.contact)
        self._core.add_capabilities(request.headers)
        self._session_timers.ask(request.headers, call)
        sent: list[Outgoing] = []
        sent.append(self._core.start(request, flow, lambda result: self._on_result(call, sent, result), dialog=dialog))

    def _on_result(self, call: Call, sent: list[Outgoing], result: Response | Failure) -> None:
        if call.phase is Phase.ENDED or call.dialog is None:
            return
        if isinstance(result, Response) and result.is_provisional:
            return
        if isinstance(result, Response) and result.is_success:
            call.dialog.refresh(result, call.dialog.flow)
            call.learn(result)
            self._session_timers.taken(call, result)
        elif isinstance(result, Failure) or result.status in DIALOG_GONE:
            self._hanging_up.send_bye(call, "the other side does not reply any more", result.status)
        elif result.status == 422 and (headers := self._session_timers.ask_longer(sent[0].request, result)):
            sent[0].repeat(headers)
        else:
            if result.status in (405, 501):
                call.remote_methods -= {"UPDATE"}  # it promised what it does not do
            self._session_timers.failed(call)
