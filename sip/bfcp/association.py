"""The exchange with one peer: transactions, retransmission over datagrams, repeated answers (RFC 8855 sections 6, 8).

No I/O: bytes in by ``receive``, out by ``to_send``; time comes in as ``now``, seconds on a monotonic clock.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace

from sip.bfcp.codec import StreamReader, parse, serialize
from sip.bfcp.errors import BfcpError, ErrorCode
from sip.bfcp.message import RELIABLE, UNRELIABLE, ErrorReport, Message, Primitive

T1 = 0.5
"""Seconds until a request is sent again; doubled each time (section 8.3.1)."""
MAX_SENDS = 4
"""How often a request is sent before the peer counts as gone."""
T2 = 10.0
"""Seconds for which an answer is kept, to be repeated when its request comes again (section 8.3.2)."""

# Answers kept for repetition; a peer that has more requests than this within T2 only costs itself some answers.
MAX_ANSWERS = 64
# Requests of ours that a peer may leave unanswered: floor changes within a few seconds are never that many.
MAX_PENDING = 32

_RESPONSES = frozenset(
    {
        Primitive.USER_STATUS,
        Primitive.CHAIR_ACTION_ACK,
        Primitive.HELLO_ACK,
        Primitive.ERROR,
        Primitive.FLOOR_REQUEST_STATUS_ACK,
        Primitive.FLOOR_STATUS_ACK,
        Primitive.GOODBYE_ACK,
    }
)


@dataclass(frozen=True)
class RequestReceived:
    """The peer begins a transaction: it asks something, or as a server tells something."""

    message: Message


@dataclass(frozen=True)
class ResponseReceived:
    """The peer's answer to ``request``."""

    request: Message
    message: Message


@dataclass(frozen=True)
class PeerGone:
    """The peer has not answered ``request`` however often it was sent, or its stream makes no sense any more."""

    request: Message | None = None


AssociationEvent = RequestReceived | ResponseReceived | PeerGone


@dataclass
class _Pending:
    request: Message
    data: bytes
    sends: int
    deadline: float


class Association:
    """``reliable`` for a stream (version 1), else datagrams (version 2)."""

    def __init__(self, reliable: bool) -> None:
        self.version = RELIABLE if reliable else UNRELIABLE
        self.malformed = 0
        self._stream = StreamReader() if reliable else None
        self._transaction = 0
        self._pending: dict[int, _Pending] = {}
        self._answers: OrderedDict[tuple[int, int, int], tuple[float, bytes]] = OrderedDict()
        self._out: list[bytes] = []
        self._events: list[AssociationEvent] = []

    # What the roles do

    def request(self, message: Message, now: float) -> None:
        """Begin a transaction; version and transaction id are set here. Its answer comes as ResponseReceived."""
        self._transaction = self._transaction % 0xFFFF + 1
        message = replace(message, version=self.version, transaction_id=self._transaction, response=False)
        data = serialize(message)
        self._out.append(data)
        if len(self._pending) >= MAX_PENDING:
            self._pending.pop(next(iter(self._pending)))
        deadline = now + T1 if self.version == UNRELIABLE else float("inf")
        self._pending[self._transaction] = _Pending(message, data, 1, deadline)

    def notify(self, message: Message, now: float) -> None:
        """A server's news: over datagrams a transaction of its own, over a stream with number 0 and no answer."""
        if self.version == UNRELIABLE:
            self.request(message, now)
        else:
            self._out.append(serialize(replace(message, version=self.version, transaction_id=0, response=False)))

    def respond(self, request: Message, answer: Message, now: float) -> None:
        """Answer the peer's request, in its transaction and under the numbers that it used."""
        answer = replace(
            answer,
            version=self.version,
            conference_id=request.conference_id,
            transaction_id=request.transaction_id,
            user_id=request.user_id,
            response=True,
        )
        data = serialize(answer)
        self._out.append(data)
        if self.version == UNRELIABLE:
            self._answers[_key(request)] = now + T2, data
            if len(self._answers) > MAX_ANSWERS:
                self._answers.popitem(last=False)

    def refuse(self, request: Message, code: ErrorCode, now: float, info: str = "", details: bytes = b"") -> None:
        """Answer with an Error."""
        self.respond(request, replace(_empty(Primitive.ERROR), error=ErrorReport(code, details, info)), now)

    # The contract with the adapter

    def receive(self, data: bytes, now: float) -> None:
        """Take in a datagram, or whatever a stream has brought. Never raises."""
        if self._stream is None:
            self._take(data, now)
            return
        if not self._stream.feed(data, lambda message: self._take(message, now)):
            self._events.append(PeerGone())

    def to_send(self) -> list[bytes]:
        """What is to go out now, each a datagram or a piece of the stream."""
        out, self._out = self._out, []
        return out

    def events(self) -> list[AssociationEvent]:
        """What has happened since this was last asked."""
        events, self._events = self._events, []
        return events

    def next_deadline(self) -> float | None:
        """When ``handle_timer`` is due, or None."""
        deadlines = [pending.deadline for pending in self._pending.values() if pending.deadline != float("inf")]
        return min(deadlines, default=None)

    def handle_timer(self, now: float) -> None:
        """Send again what was not answered, and give up on what was sent often enough."""
        for transaction, pending in list(self._pending.items()):
            if pending.deadline > now:
                continue
            if pending.sends >= MAX_SENDS:
                del self._pending[transaction]
                self._events.append(PeerGone(pending.request))
                continue
            self._out.append(pending.data)
            pending.deadline = now + T1 * 2**pending.sends
            pending.sends += 1

    # Inside

    def _take(self, data: bytes, now: float) -> None:
        try:
            message = parse(data)
        except BfcpError as error:
            self.malformed += 1
            header = error.header
            if header is not None and not header.response and header.primitive not in _RESPONSES:
                self.refuse(header, error.code, now, details=error.details)
            return
        if message.version != self.version:
            if not message.response and message.primitive != Primitive.ERROR:
                self.refuse(message, ErrorCode.UNSUPPORTED_VERSION, now)
            return
        if self._is_response(message):
            pending = self._pending.pop(message.transaction_id, None)
            if pending is not None:
                self._events.append(ResponseReceived(pending.request, message))
            return
        if self.version == UNRELIABLE and (kept := self._answers.get(_key(message))) is not None:
            if kept[0] > now:
                self._out.append(kept[1])
                return
            del self._answers[_key(message)]
        self._events.append(RequestReceived(message))

    def _is_response(self, message: Message) -> bool:
        """Version 2 says it itself. In version 1 it is told by the transaction, which a server's news do not have."""
        if self.version == UNRELIABLE:
            # Some rooms forget the flag on an answer, whose primitive tells it all the same.
            return message.response or message.primitive in _RESPONSES
        return message.transaction_id in self._pending and (
            message.primitive in _RESPONSES
            or message.primitive in (Primitive.FLOOR_REQUEST_STATUS, Primitive.FLOOR_STATUS)
        )


def _key(message: Message) -> tuple[int, int, int]:
    return message.transaction_id, message.user_id, message.primitive


def _empty(primitive: Primitive) -> Message:
    return Message(primitive, 0, 0, 0)
