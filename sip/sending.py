"""A request of ours on its way: located by DNS, then tried on one flow after the other (RFC 3263 §4.3).

Each try is a transaction of its own with a branch of its own. A request too large for a datagram is tried over TCP
first (RFC 3261 §18.1.1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sip.flow import Flow
from sip.message import Request, Response
from sip.transactions import ClientTransaction, Failure

# A domain may name many servers; a caller does not wait for more than these.
MAX_TRIES = 6

OnResult = Callable[[Response | Failure], None]


@dataclass(frozen=True)
class SendingContext:
    """What sending needs of the user agent.

    ``addressed`` makes a request ready for a flow: Via, User-Agent, and the Contact that it had for another flow.
    ``stream_flow`` is TCP to where a datagram flow leads, None when we have no TCP. ``locate`` asks DNS about a flow.
    ``largest_datagram``: bytes of the largest request sent over UDP.
    """

    addressed: Callable[[Request, Flow, Flow], Request]
    transact: Callable[[Request, Flow, OnResult], ClientTransaction]
    stream_flow: Callable[[Flow], Flow | None]
    locate: Callable[[Sending], None]
    largest_datagram: int


class Sending:
    """One request, whatever number of tries it takes. ``on_moved`` gets the flow of a try that is not the first's.

    ``may_stream``: whether TCP may be tried where the request is too large; a peer behind a NAT takes no connection.
    """

    def __init__(
        self,
        context: SendingContext,
        request: Request,
        flow: Flow,
        on_result: OnResult,
        on_moved: Callable[[Flow], None],
        may_stream: bool = True,
    ) -> None:
        self._context = context
        self._may_stream = may_stream
        self._original, self._origin = request, flow
        self._on_result = on_result
        self._on_moved = on_moved
        self._left: list[Flow] = []
        self._datagrams_only: set[Flow] = set()  # TCP was tried there
        self._transaction: ClientTransaction | None = None
        self._was_heard = False
        self._is_over = False

    @property
    def request(self) -> Request:
        """The request as it was sent last."""
        return self._original if self._transaction is None else self._transaction.request

    @property
    def flow(self) -> Flow:
        """Where it was sent last."""
        return self._origin if self._transaction is None else self._transaction.flow

    @property
    def may_be_cancelled(self) -> bool:
        """Whether a provisional but no final response came: only then CANCEL may be sent (RFC 3261 §9.1)."""
        return self._transaction is not None and self._transaction.may_be_cancelled

    @property
    def is_pending(self) -> bool:
        """Whether no final response came yet."""
        return not self._is_over and (self._transaction is None or self._transaction.is_pending)

    def start(self) -> None:
        """Send, or have the flow located first."""
        if self._origin.target is not None:
            self._context.locate(self)
        else:
            self.located([self._origin])

    def give_up(self) -> None:
        """No further tries; nothing is sent any more if nothing was sent yet."""
        self._left.clear()
        if self._transaction is None and not self._is_over:
            self._finish(Failure.UNREACHABLE)

    def located(self, flows: Sequence[Flow]) -> None:
        """Where the request can be sent, best first; none means that the name leads nowhere."""
        if self._is_over:
            return
        self._left = list(flows[:MAX_TRIES])
        if self._left:
            self._try_next()
        else:
            self._finish(Failure.UNREACHABLE)

    def _try_next(self) -> None:
        flow = self._left.pop(0)
        request = self._context.addressed(self._original, self._origin, flow)
        if self._is_too_large(request, flow) and (stream := self._context.stream_flow(flow)) is not None:
            # A peer that refuses TCP gets it by UDP all the same.
            self._datagrams_only.add(flow)
            self._left.insert(0, flow)
            flow, request = stream, self._context.addressed(self._original, self._origin, stream)
        if flow != self._origin:
            self._on_moved(flow)
        self._transaction = self._context.transact(request, flow, self._take)

    def _is_too_large(self, request: Request, flow: Flow) -> bool:
        if flow.transport != "udp" or flow in self._datagrams_only or not self._may_stream:
            return False
        return len(bytes(request)) > self._context.largest_datagram

    def _take(self, result: Response | Failure) -> None:
        if self._left and not self._was_heard and result.status in (408, 503) and not self._is_provisional(result):
            self._try_next()
            return
        if self._is_provisional(result):
            self._was_heard = True
            self._on_result(result)
        else:
            self._finish(result)

    @staticmethod
    def _is_provisional(result: Response | Failure) -> bool:
        return isinstance(result, Response) and result.is_provisional

    def _finish(self, result: Response | Failure) -> None:
        self._is_over = True
        self._on_result(result)
