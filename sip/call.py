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
from sip.message import Message, Request, Response
from sip.outgoing import Outgoing
from sip.rack import RAck
from sip.timers import Timer, TimerSlot
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


class UnacknowledgedProgress:
    """A reliable provisional response of ours, sent again until its PRACK comes (RFC 3262 §3)."""

    def __init__(
        self,
        core: AgentCore,
        transaction: ServerTransaction,
        response: Response,
        rack: RAck,
        on_timeout: Callable[[], None],
    ) -> None:
        self.rack = rack
        self._core = core
        self._transaction = transaction
        self._response = response
        self._interval = core.settings.timers.t1
        self._again: Timer | None = None
        self._timeout = core.timers.start(core.settings.timers.timeout, on_timeout)
        self._send()

    def stop(self) -> None:
        """The PRACK came, or nobody waits any more."""
        self._timeout.cancel()
        if self._again is not None:
            self._again.cancel()

    def _send(self) -> None:
        if self._transaction.is_answered:
            self.stop()
            return
        self._transaction.respond(self._response)
        self._again = self._core.timers.start(self._interval, self._send)
        self._interval *= 2


@dataclass
class EarlyDialog:
    """A dialog of a call of ours that is not answered yet; each fork has one.

    ``rseq``: of the last reliable response. ``answer``: the session description that came, once one did.
    """

    dialog: Dialog
    rseq: int
    answer: str | None = None


@dataclass
class Call:
    """``pending_invite``: an INVITE of the peer, or UPDATE with an offer, not answered yet; ``own_invite``: ours.

    ``pending_flow``: where the pending one came from. ``local_sdp``: the description we sent last. ``remote_methods``:
    what the peer's Allow named. ``early``: dialogs by their To tag before the call is answered. ``replaces``: the
    call that ends when this one is accepted. ``session_interval``: of the session timer in seconds, 0 without one.
    """

    handle: str
    phase: Phase
    local_tag: str
    flow: Flow
    dialog: Dialog | None = None
    pending_invite: ServerTransaction | None = None
    pending_flow: Flow | None = None
    own_invite: Outgoing | None = None
    awaited_ack: AwaitedAck | None = None
    contact: str = ""
    is_ours: bool = False
    hang_up_reason: str | None = None
    hang_up_when_confirmed: bool = False
    timers: list[Timer] = field(default_factory=list)
    local_sdp: str = field(default="", repr=False)
    remote_methods: frozenset[str] = frozenset()
    unacknowledged: UnacknowledgedProgress | None = None
    rseq: int = 0
    early: dict[str, EarlyDialog] = field(default_factory=dict)
    replaces: str = ""
    session_interval: int = 0
    we_refresh: bool = False
    refresh_timer: TimerSlot = field(default_factory=TimerSlot)
    expiry_timer: TimerSlot = field(default_factory=TimerSlot)

    @property
    def is_changing(self) -> bool:
        """Whether an offer is under way, so that no other may begin."""
        return self.own_invite is not None or self.pending_invite is not None or self.awaited_ack is not None

    def learn(self, message: Message) -> None:
        """What the peer can do, from its INVITE, UPDATE or 2xx."""
        if "Allow" in message.headers:
            self.remote_methods = frozenset(message.headers.tokens("Allow"))

    def dialog_of(self, request: Request) -> Dialog | None:
        """The dialog of a request of the peer: that of the call, or before the answer the fork's."""
        if self.dialog is not None:
            return self.dialog
        early = self.early.get(request.from_address.tag or "")
        return None if early is None else early.dialog

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
        self._forget_early(call)
        call.dialog = dialog
        self._dialogs[dialog.key] = call

    def bind_early(self, call: Call, tag: str, early: EarlyDialog) -> None:
        """Let a call be found by the dialog of one of its forks."""
        call.early[tag] = early
        self._dialogs[early.dialog.key] = call

    def _forget_early(self, call: Call) -> None:
        for early in call.early.values():
            self._dialogs.pop(early.dialog.key, None)
        call.early.clear()

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

    def of_dialog(self, key: DialogKey) -> Call | None:
        """The call with this dialog."""
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
        if call.unacknowledged is not None:
            call.unacknowledged.stop()
        call.refresh_timer.put(None)
        call.expiry_timer.put(None)
        self._forget_early(call)
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
