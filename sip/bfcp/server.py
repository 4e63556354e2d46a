"""The floor control server's side towards one client (RFC 8855 section 13).

Each call of a room has a server of its own with one floor. Whether the floor is granted is not decided here: requests
come out as events, and whoever decides says by ``tell`` where each of them stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sip.bfcp.association import PeerGone, RequestReceived
from sip.bfcp.codec import AttributeType
from sip.bfcp.errors import ErrorCode
from sip.bfcp.message import Message, Person, Primitive, RequestInformation, RequestStatus
from sip.bfcp.participation import Participation

# Requests that are over and can still be asked about; a client asks about its last ones if at all.
MAX_FINISHED = 8

PRIMITIVES = (
    Primitive.FLOOR_REQUEST,
    Primitive.FLOOR_RELEASE,
    Primitive.FLOOR_REQUEST_QUERY,
    Primitive.FLOOR_REQUEST_STATUS,
    Primitive.USER_QUERY,
    Primitive.USER_STATUS,
    Primitive.FLOOR_QUERY,
    Primitive.FLOOR_STATUS,
    Primitive.HELLO,
    Primitive.HELLO_ACK,
    Primitive.ERROR,
    Primitive.FLOOR_REQUEST_STATUS_ACK,
    Primitive.FLOOR_STATUS_ACK,
    Primitive.GOODBYE,
    Primitive.GOODBYE_ACK,
)


@dataclass(frozen=True)
class FloorRequested:
    """The client wants the floor; it has been told that this is pending. ``tell`` it what comes of it."""

    request_id: int


@dataclass(frozen=True)
class FloorReleased:
    """The client gives the floor back, or wants it no more (``held`` False); it has been told so."""

    request_id: int
    held: bool


@dataclass(frozen=True)
class ClientGone:
    """The client said goodbye, or does not answer any more."""

    said_goodbye: bool


ServerEvent = FloorRequested | FloorReleased | ClientGone


class FloorServer(Participation[ServerEvent]):
    """``floor_id`` is the one floor. Numbers in a client's messages are repeated to it as they are.

    Conference and user ids are not compared: the association belongs to one call, and rooms exist that go on using the
    numbers of their own offer.
    """

    def __init__(self, reliable: bool, conference_id: int, user_id: int, floor_id: int) -> None:
        super().__init__(reliable, conference_id, user_id, floor_id)
        self._next_request = 1
        self._requests: dict[int, RequestInformation] = {}
        self._watching = False
        self._others: tuple[RequestInformation, ...] = ()

    # What the conference says

    def tell(
        self, request_id: int, status: RequestStatus, now: float, *, queue_position: int = 0, info: str = ""
    ) -> None:
        """Where a request stands now. Does nothing for one that is over, or stands there already."""
        request = self._requests.get(request_id)
        if request is None or request.status is None or request.status.over:
            return
        changed = replace(request, status=status, queue_position=queue_position, status_info=info)
        if changed != request:
            self._set(changed)
            self._association.notify(self._status(Primitive.FLOOR_REQUEST_STATUS, changed), now)

    def tell_floor(self, others: Sequence[RequestInformation], now: float) -> None:
        """Who has, or waits for, the floor beside this client; told to a client that asked to be kept informed."""
        others = tuple(replace(request, floor_ids=(self._floor_id,)) for request in others)
        if others != self._others:
            self._others = others
            if self._watching:
                self._association.notify(self._floor_status(), now)

    # Inside

    def _dispatch(self, now: float) -> None:
        for event in self._association.events():
            match event:
                case RequestReceived(message):
                    self._receive(message, now)
                case PeerGone():
                    # News that were not acknowledged: some rooms never do, and go on all the same.
                    if event.request is None:
                        self._events.append(ClientGone(said_goodbye=False))
                case _:
                    pass  # acknowledgements

    def _receive(self, message: Message, now: float) -> None:
        match message.primitive:
            case Primitive.FLOOR_REQUEST:
                self._request(message, now)
            case Primitive.FLOOR_RELEASE:
                self._release(message, now)
            case Primitive.FLOOR_REQUEST_QUERY:
                request = self._requests.get(message.request_id or 0)
                if request is None:
                    self._association.refuse(message, ErrorCode.FLOOR_REQUEST_ID_DOES_NOT_EXIST, now)
                else:
                    self._association.respond(message, self._status(Primitive.FLOOR_REQUEST_STATUS, request), now)
            case Primitive.FLOOR_QUERY:
                self._query(message, now)
            case Primitive.USER_QUERY:
                ongoing = tuple(one for one in self._requests.values() if one.status and not one.status.over)
                beneficiary = None if message.beneficiary_id is None else Person(message.beneficiary_id)
                answer = replace(self._message(Primitive.USER_STATUS), requests=ongoing, beneficiary=beneficiary)
                self._association.respond(message, answer, now)
            case Primitive.HELLO:
                answer = replace(
                    self._message(Primitive.HELLO_ACK),
                    supported_primitives=tuple(PRIMITIVES),
                    supported_attributes=tuple(AttributeType),
                )
                self._association.respond(message, answer, now)
            case Primitive.GOODBYE:
                self._association.respond(message, self._message(Primitive.GOODBYE_ACK), now)
                self._watching = False
                self._events.append(ClientGone(said_goodbye=True))
            case Primitive.CHAIR_ACTION:
                # Chairs steer conferences by other ways than BFCP here.
                self._association.refuse(message, ErrorCode.UNAUTHORIZED_OPERATION, now, "there are no floor chairs")
            case _:
                self._association.refuse(message, ErrorCode.UNKNOWN_PRIMITIVE, now)

    def _request(self, message: Message, now: float) -> None:
        # Section 13.1: at least one floor. Rooms that leave it out can only mean the one there is.
        if any(floor != self._floor_id for floor in message.floor_ids):
            self._association.refuse(message, ErrorCode.INVALID_FLOOR_ID, now)
            return
        if any(one.status is not None and not one.status.over for one in self._requests.values()):
            self._association.refuse(message, ErrorCode.TOO_MANY_REQUESTS, now)
            return
        request = RequestInformation(
            self._next_request,
            RequestStatus.PENDING,
            floor_ids=(self._floor_id,),
            beneficiary=Person(message.beneficiary_id or message.user_id),
            participant_info=message.participant_info,
            priority=message.priority,
        )
        self._next_request = self._next_request % 0xFFFF + 1
        self._set(request)
        self._association.respond(message, self._status(Primitive.FLOOR_REQUEST_STATUS, request), now)
        self._events.append(FloorRequested(request.request_id))

    def _release(self, message: Message, now: float) -> None:
        request = self._requests.get(message.request_id or 0)
        if request is None or request.status is None:
            self._association.refuse(message, ErrorCode.FLOOR_REQUEST_ID_DOES_NOT_EXIST, now)
            return
        if not request.status.over:
            held = request.status is RequestStatus.GRANTED
            request = replace(
                request, status=RequestStatus.RELEASED if held else RequestStatus.CANCELLED, queue_position=0
            )
            self._set(request)
            self._events.append(FloorReleased(request.request_id, held))
        # Released twice, or revoked a moment ago: what the client wants is so already.
        self._association.respond(message, self._status(Primitive.FLOOR_REQUEST_STATUS, request), now)

    def _query(self, message: Message, now: float) -> None:
        """Section 13.5: keep this client informed of the floors it names, of none when it names none."""
        if any(floor != self._floor_id for floor in message.floor_ids):
            self._association.refuse(message, ErrorCode.INVALID_FLOOR_ID, now)
            return
        self._watching = bool(message.floor_ids)
        answer = self._floor_status() if self._watching else self._message(Primitive.FLOOR_STATUS)
        self._association.respond(message, answer, now)

    def _set(self, request: RequestInformation) -> None:
        self._requests.pop(request.request_id, None)
        self._requests[request.request_id] = request
        finished = [number for number, one in self._requests.items() if one.status is not None and one.status.over]
        for number in finished[:-MAX_FINISHED]:
            del self._requests[number]

    def _status(self, primitive: Primitive, request: RequestInformation) -> Message:
        return replace(self._message(primitive), requests=(request,))

    def _floor_status(self) -> Message:
        own = tuple(one for one in self._requests.values() if one.status is not None and not one.status.over)
        return replace(
            self._message(Primitive.FLOOR_STATUS), floor_ids=(self._floor_id,), requests=(*own, *self._others)
        )
