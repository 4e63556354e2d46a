"""A call as the user agent keeps it, and the table of all calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from sip.core import AgentCore
from sip.dialog import Dialog, DialogKey
from sip.errors import CallStateError
from sip.events import CallEnded, Event
from sip.flow import Flow
from sip.message import Request, Response
from sip.sending import Sending
from sip.timers import Timer
from sip.transactions import ServerTransaction


class Phase(Enum):
    """Where a call stands."""

    INCOMING = auto()
    """An INVITE waits for the application."""
    ACCEPTED = auto()
    """We sent 2xx, the ACK is awaited."""
    CALLING = auto()
    """Our INVITE waits for the peer."""
    CANCELLING = auto()
    """Our INVITE waits, and we do not want it any more."""
    ESTABLISHED = auto()
    ENDED = auto()


class AwaitedAck:
    """A 2xx of ours, sent again until its ACK comes (RFC 3261 §13.3.1.4), on every transport.

    ``has_offer``: the 2xx carries our offer, so the ACK must bring the answer.
    """

    def __init__(
        self,
        core: AgentCore,
        transaction: ServerTransaction,
        response: Response,
        has_offer: bool,
        on_timeout: Callable[[], None],
    ) -> None:
        self.cseq = transaction.request.cseq.number
        self.has_offer = has_offer
        self._core = core
        self._transaction = transaction
        self._response = response
        self._interval = core.settings.timers.t1
        self._again: Timer | None = None
        self._timeout = core.timers.start(core.settings.timers.timeout, on_timeout)
        self._send()

    def stop(self) -> None:
        """The ACK came, or nobody waits any more."""
        self._timeout.cancel()
        if self._again is not None:
            self._again.cancel()

    def _send(self) -> None:
        self._transaction.respond(self._response)
        self._again = self._core.timers.start(self._interval, self._send)
        self._interval = min(2 * self._interval, self._core.settings.timers.t2)


@dataclass
class Call:
    """``pending_invite``: an INVITE of the peer not yet answered by us; ``own_invite``: one of ours.

    ``pending_flow``: where the pending one came from.
    """

    handle: str
    phase: Phase
    local_tag: str
    flow: Flow
    dialog: Dialog | None = None
    pending_invite: ServerTransaction | None = None
    pending_flow: Flow | None = None
    own_invite: Sending | None = None
    awaited_ack: AwaitedAck | None = None
    contact: str = ""
    is_ours: bool = False
    hang_up_reason: str | None = None
    hang_up_when_confirmed: bool = False
    timers: list[Timer] = field(default_factory=list)

    def established_dialog(self) -> Dialog:
        """The dialog of an answered call. Raises CallStateError."""
        if self.dialog is None or self.phase is not Phase.ESTABLISHED:
            raise CallStateError(f"{self.handle} is not established")
        return self.dialog


class CallTable:
    """Calls by handle and by dialog."""

    def __init__(self, core: AgentCore) -> None:
        self._core = core
        self._calls: dict[str, Call] = {}
        self._dialogs: dict[DialogKey, Call] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def handles(self) -> list[str]:
        """All calls there are."""
        return list(self._calls)

    def add(self, call: Call) -> None:
        """A new call."""
        self._calls[call.handle] = call

    def bind(self, call: Call, dialog: Dialog) -> None:
        """Let a call be found by its dialog."""
        call.dialog = dialog
        self._dialogs[dialog.key] = call

    def get(self, handle: str) -> Call:
        """The call with this handle. Raises CallStateError."""
        call = self._calls.get(handle)
        if call is None:
            raise CallStateError(f"there is no call {handle}")
        return call

    def of_request(self, request: Request) -> Call | None:
        """The call that a request with a To tag belongs to."""
        key = request.call_id, request.to_address.tag or "", request.from_address.tag or ""
        return self._dialogs.get(key)

    def of_transaction(self, transaction: ServerTransaction) -> Call | None:
        """The call whose INVITE this is, while it is unanswered."""
        return next((call for call in self._calls.values() if call.pending_invite is transaction), None)

    def on_flow(self, flow: Flow) -> list[Call]:
        """Calls whose dialog uses this flow."""
        return [call for call in self._calls.values() if call.dialog is not None and call.dialog.flow == flow]

    def end(self, call: Call, event: Event | None) -> None:
        """Forget a call, stop what is running for it, and tell the application unless it knows."""
        if call.phase is Phase.ENDED:
            return
        call.phase = Phase.ENDED
        self.refuse_pending(call)
        if call.awaited_ack is not None:
            call.awaited_ack.stop()
        for timer in call.timers:
            timer.cancel()
        self._calls.pop(call.handle, None)
        if call.dialog is not None:
            self._dialogs.pop(call.dialog.key, None)
        if event is not None:
            self._core.emit(event)

    def refuse_pending(self, call: Call) -> None:
        """Answer an INVITE still pending in a dialog that ends with 487 (RFC 3261 §15.1.2)."""
        if call.pending_invite is not None and not call.pending_invite.is_answered:
            call.pending_invite.respond(self._core.response(call.pending_invite.request, 487, call.local_tag))
        call.pending_invite = None

    def end_by_failure(self, call: Call, status: int) -> None:
        """A request in the dialog failed so that the dialog is gone (RFC 3261 §12.2.1.2)."""
        texts = {408: "the other side does not reply any more", 481: "the other side does not know the call any more"}
        self.end(call, CallEnded(call.handle, texts.get(status, "the other side cannot be reached any more"), status))
