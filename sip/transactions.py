"""Client and server transactions: one small interpreter for the tables of ``transaction_tables``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from sip.flow import Flow
from sip.headers import Headers
from sip.message import Request, Response
from sip.timers import Timer, TimerQueue, TimerSettings
from sip.transaction_tables import (
    INVITE_CLIENT,
    INVITE_SERVER,
    REQUEST_CLIENT,
    REQUEST_SERVER,
    Action,
    State,
    Step,
    Stimulus,
    Table,
    TimerName,
)


class Failure(Enum):
    """Why a client transaction got no response. RFC 3261 §8.1.3.1 has them treated as 408 and 503."""

    TIMEOUT = auto()
    UNREACHABLE = auto()

    @property
    def status(self) -> int:
        """The status code it is treated as."""
        return 408 if self is Failure.TIMEOUT else 503


@dataclass(frozen=True)
class TransactionContext:
    """What transactions share: timers, and the way out."""

    timers: TimerQueue
    settings: TimerSettings
    send: Callable[[Flow, bytes], None]


class _Transaction:
    """A machine in a state. Subclasses know what to hand up."""

    def __init__(self, context: TransactionContext, table: Table, state: State, request: Request, flow: Flow) -> None:
        self.request = request
        self.flow = flow
        self.state = state
        self._context = context
        self._table = table
        self._kept = b""
        self._timers: dict[TimerName, Timer] = {}
        self._intervals: dict[TimerName, float] = {}
        self.on_terminated: Callable[[], None] = lambda: None

    def _step(self, stimulus: Stimulus, message: Request | Response | None = None) -> None:
        step = self._table.get((self.state, stimulus))
        if step is None:
            return
        self._enter(step)
        for action in step.actions:
            self._act(action, message)

    def _enter(self, step: Step) -> None:
        self.state = step.state
        for timer in step.timers:
            self._start(timer)
        if step.state is State.TERMINATED:
            for running in self._timers.values():
                running.cancel()
            self.on_terminated()

    def _act(self, action: Action, message: Request | Response | None) -> None:
        if action is Action.SEND and message is not None:
            self._kept = bytes(message)
        if action in (Action.SEND, Action.RESEND) and self._kept:
            self._context.send(self.flow, self._kept)

    def _start(self, name: TimerName) -> None:
        delay = self._delay(name)
        if delay is None:
            return
        self._intervals[name] = delay
        if name in self._timers:
            self._timers[name].cancel()
        self._timers[name] = self._context.timers.start(delay, lambda: self._step(name.stimulus))

    def _delay(self, name: TimerName) -> float | None:
        """How long a timer runs (RFC 3261 Table 4); None where a reliable transport makes it needless."""
        settings, reliable = self._context.settings, self.flow.is_reliable
        if name.stimulus is Stimulus.RETRANSMIT_TIMER:
            if reliable:
                return None
            if name is TimerName.A:
                return 2 * self._intervals.get(name, settings.t1 / 2)
            if self.state is State.PROCEEDING:
                return settings.t2  # RFC 3261 §17.1.2.2
            return min(2 * self._intervals.get(name, settings.t1 / 2), settings.t2)
        if name in (TimerName.I, TimerName.K):
            return 0.0 if reliable else settings.t4
        if name in (TimerName.D, TimerName.J):
            return 0.0 if reliable else settings.timeout
        return settings.c if name is TimerName.C else settings.timeout


class ClientTransaction(_Transaction):
    """A request of ours, until its final response and a little longer.

    ``on_result`` gets every response the machine passes up, and a Failure when there was none.
    """

    def __init__(
        self,
        context: TransactionContext,
        request: Request,
        flow: Flow,
        on_result: Callable[[Response | Failure], None],
    ) -> None:
        is_invite = request.method == "INVITE"
        table = INVITE_CLIENT if is_invite else REQUEST_CLIENT
        super().__init__(context, table, State.CALLING if is_invite else State.TRYING, request, flow)
        self._on_result = on_result

    @property
    def may_be_cancelled(self) -> bool:
        """Whether a provisional but no final response came: only then CANCEL may be sent (RFC 3261 §9.1)."""
        return self.state is State.PROCEEDING

    @property
    def is_pending(self) -> bool:
        """Whether no final response came yet."""
        return self.state in (State.CALLING, State.TRYING, State.PROCEEDING)

    def start(self) -> None:
        """Send the request."""
        self._step(Stimulus.START, self.request)

    def receive_response(self, response: Response) -> None:
        """A response whose branch and method match."""
        self._step(_class_of(response), response)

    def transport_failed(self) -> None:
        """The flow is gone or cannot be opened."""
        self._step(Stimulus.UNREACHABLE)

    def _act(self, action: Action, message: Request | Response | None) -> None:
        if action is Action.PASS_UP and isinstance(message, Response):
            self._on_result(message)
        elif action is Action.ACKNOWLEDGE and isinstance(message, Response):
            self._context.send(self.flow, bytes(self._failure_ack(message)))
        elif action is Action.REPORT_TIMEOUT:
            self._on_result(Failure.TIMEOUT)
        elif action is Action.REPORT_UNREACHABLE:
            self._on_result(Failure.UNREACHABLE)
        else:
            super()._act(action, message)

    def _failure_ack(self, response: Response) -> Request:
        """RFC 3261 §17.1.1.3: the INVITE's own topmost Via, the response's To."""
        headers = same_transaction_headers(self.request, "ACK")
        headers.replace_first("To", response.headers.get("To") or "")
        return Request(headers=headers, method="ACK", uri=self.request.uri)


class ServerTransaction(_Transaction):
    """A request of a peer, until it is sure to have our answer.

    ``on_ack`` gets an ACK that matched this INVITE after a 2xx: peers of RFC 2543 reuse the branch.
    """

    def __init__(self, context: TransactionContext, request: Request, flow: Flow) -> None:
        is_invite = request.method == "INVITE"
        table = INVITE_SERVER if is_invite else REQUEST_SERVER
        super().__init__(context, table, State.PROCEEDING if is_invite else State.TRYING, request, flow)
        self.on_ack: Callable[[Request], None] = lambda ack: None

    @property
    def is_answered(self) -> bool:
        """Whether a final response was sent."""
        return self.state not in (State.TRYING, State.PROCEEDING)

    @property
    def is_only_kept(self) -> bool:
        """Whether it is there only to answer repetitions of its request (RFC 3261 §17.2.2, Completed)."""
        return self.request.method != "INVITE" and self.state is State.COMPLETED

    def abandon(self) -> None:
        """Forget it before its time: a repetition of its request will be served as a new one."""
        self._enter(Step(State.TERMINATED))

    def receive_request(self, request: Request) -> None:
        """A retransmission of the request, or the ACK of an INVITE."""
        self._step(Stimulus.ACK if request.method == "ACK" else Stimulus.REQUEST, request)

    def respond(self, response: Response) -> None:
        """Send a response; after a final one only another 2xx of an INVITE still goes out.

        Of a request that is answered for good only the method stays: thousands of these wait for repetitions of theirs.
        """
        self._step(_class_of(response), response)
        if self.is_only_kept:
            self.request = Request(headers=Headers(), method=self.request.method, uri=self.request.uri)
            self._intervals.clear()

    def _act(self, action: Action, message: Request | Response | None) -> None:
        if action is Action.PASS_UP and isinstance(message, Request):
            self.on_ack(message)
        else:
            super()._act(action, message)


def _class_of(response: Response) -> Stimulus:
    if response.is_provisional:
        return Stimulus.PROVISIONAL
    return Stimulus.SUCCESS if response.is_success else Stimulus.FAILURE


def same_transaction_headers(request: Request, method: str) -> Headers:
    """Headers of the ACK (to a failure) or CANCEL that belongs to a request (RFC 3261 §9.1, §17.1.1.3)."""
    headers = Headers([("Via", str(request.via)), ("Max-Forwards", "70")])
    for name in ("From", "To", "Call-ID"):
        headers.add(name, request.headers.get(name) or "")
    headers.add("CSeq", f"{request.cseq.number} {method}")
    for value in request.headers.get_all("Route"):
        headers.add("Route", value)
    return headers
