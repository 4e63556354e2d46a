"""The floor participant's side (RFC 8855 sections 10 and 11): asks a server for the one floor, and gives it back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from sip.bfcp.association import PeerGone, RequestReceived, ResponseReceived
from sip.bfcp.errors import ErrorCode
from sip.bfcp.message import NORMAL_PRIORITY, UNRELIABLE, Message, Primitive, RequestInformation, RequestStatus
from sip.bfcp.participation import Participation


class FloorState(Enum):
    """Where the client stands with the floor."""

    IDLE = "idle"
    REQUESTED = "requested"
    QUEUED = "queued"
    GRANTED = "granted"


@dataclass(frozen=True)
class FloorChanged:
    """The client's own standing. ``status`` is what the server said, None where it did not answer or refused.

    ``queue_position`` counts from 1 while queued, ``error`` is the server's refusal.
    """

    state: FloorState
    status: RequestStatus | None = None
    queue_position: int = 0
    info: str = ""
    error: int | None = None


@dataclass(frozen=True)
class FloorSeen:
    """All requests for the floor, as a server tells a client that asked by ``watch``."""

    requests: tuple[RequestInformation, ...]


@dataclass(frozen=True)
class ServerGone:
    """The server does not answer any more."""


ClientEvent = FloorChanged | FloorSeen | ServerGone

_STATES = {
    RequestStatus.PENDING: FloorState.REQUESTED,
    RequestStatus.ACCEPTED: FloorState.QUEUED,
    RequestStatus.GRANTED: FloorState.GRANTED,
}


class FloorClient(Participation[ClientEvent]):
    """The three numbers are those that the server gave in its description (RFC 8856)."""

    def __init__(self, reliable: bool, conference_id: int, user_id: int, floor_id: int) -> None:
        super().__init__(reliable, conference_id, user_id, floor_id)
        self.state = FloorState.IDLE
        self._request_id: int | None = None
        self._unwanted = False

    def hello(self, now: float) -> None:
        """Begin: also tells the server where our datagrams come from."""
        self._send(Primitive.HELLO, now)

    def watch(self, now: float) -> None:
        """Ask to be told of all that happens to the floor."""
        self._send(Primitive.FLOOR_QUERY, now, floor_ids=(self._floor_id,))

    def request(self, now: float, info: str = "") -> None:
        """Ask for the floor; ``info`` is for people. Does nothing while it was asked for already."""
        if self.state is FloorState.IDLE:
            self._unwanted = False
            self.state = FloorState.REQUESTED
            message = replace(self._message(Primitive.FLOOR_REQUEST), priority=NORMAL_PRIORITY, participant_info=info)
            self._association.request(replace(message, floor_ids=(self._floor_id,)), now)

    def release(self, now: float) -> None:
        """Give the floor back, or stop waiting for it."""
        if self.state is FloorState.IDLE:
            return
        if self._request_id is None:
            self._unwanted = True  # released as soon as the server has given the request a number
            return
        self._association.request(replace(self._message(Primitive.FLOOR_RELEASE), request_id=self._request_id), now)

    def goodbye(self, now: float) -> None:
        """Leave properly; version 1 does so by closing the stream (section 6)."""
        if self._association.version == UNRELIABLE:
            self._send(Primitive.GOODBYE, now)

    # Inside

    def _dispatch(self, now: float) -> None:
        for event in self._association.events():
            match event:
                case RequestReceived(message):
                    self._receive_news(message, now)
                case ResponseReceived(request, message):
                    self._receive_answer(request, message, now)
                case PeerGone(request):
                    if request is None or request.primitive != Primitive.GOODBYE:
                        self._become(FloorChanged(FloorState.IDLE))
                        self._events.append(ServerGone())

    def _receive_news(self, message: Message, now: float) -> None:
        match message.primitive:
            case Primitive.FLOOR_REQUEST_STATUS:
                self._acknowledge(message, Primitive.FLOOR_REQUEST_STATUS_ACK, now)
                if self.state is FloorState.REQUESTED and self._request_id is None and message.requests:
                    # Datagrams overtake each other: the outcome came before the answer that gives the number.
                    self._request_id = message.requests[0].request_id
                self._take_status(message, now)
            case Primitive.FLOOR_STATUS:
                self._acknowledge(message, Primitive.FLOOR_STATUS_ACK, now)
                self._events.append(FloorSeen(message.requests))
            case Primitive.HELLO:
                self._association.respond(message, self._message(Primitive.HELLO_ACK), now)
            case Primitive.GOODBYE:
                self._association.respond(message, self._message(Primitive.GOODBYE_ACK), now)
                self._become(FloorChanged(FloorState.IDLE))
                self._events.append(ServerGone())
            case _ if message.version == UNRELIABLE:
                self._association.refuse(message, ErrorCode.UNKNOWN_PRIMITIVE, now)

    def _receive_answer(self, request: Message, message: Message, now: float) -> None:
        if message.primitive == Primitive.ERROR:
            if request.primitive == Primitive.FLOOR_REQUEST:
                error = message.error
                self._become(FloorChanged(FloorState.IDLE, error=error.code if error else ErrorCode.GENERIC))
            elif request.primitive == Primitive.FLOOR_RELEASE:
                self._become(FloorChanged(FloorState.IDLE, RequestStatus.RELEASED))
        elif message.primitive == Primitive.FLOOR_STATUS:
            self._events.append(FloorSeen(message.requests))
        elif message.primitive == Primitive.FLOOR_REQUEST_STATUS:
            if request.primitive == Primitive.FLOOR_REQUEST and message.requests:
                self._request_id = message.requests[0].request_id
            self._take_status(message, now)

    def _take_status(self, message: Message, now: float) -> None:
        for request in message.requests:
            if request.request_id != self._request_id or request.status is None:
                continue
            if request.status is RequestStatus.PENDING and self.state is not FloorState.REQUESTED:
                continue  # overtaken
            state = _STATES.get(request.status, FloorState.IDLE)
            self._become(FloorChanged(state, request.status, request.queue_position, request.status_info))
        if self._unwanted and self._request_id is not None:
            self._unwanted = False
            self.release(now)

    def _become(self, changed: FloorChanged) -> None:
        if changed.state is FloorState.IDLE:
            if self.state is FloorState.IDLE:
                return
            self._request_id = None
        self.state = changed.state
        self._events.append(changed)

    def _acknowledge(self, message: Message, primitive: Primitive, now: float) -> None:
        if self._association.version == UNRELIABLE:
            self._association.respond(message, self._message(primitive), now)

    def _send(self, primitive: Primitive, now: float, floor_ids: tuple[int, ...] = ()) -> None:
        self._association.request(replace(self._message(primitive), floor_ids=floor_ids), now)
