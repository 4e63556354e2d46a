"""A floor control server and a client, joined in memory; datagrams are lost and the clock jumps."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from sip.bfcp.association import MAX_SENDS
from sip.bfcp.client import ClientEvent, FloorChanged, FloorClient, FloorSeen, FloorState, ServerGone
from sip.bfcp.codec import parse, serialize
from sip.bfcp.errors import ErrorCode
from sip.bfcp.message import Message, Primitive, RequestInformation, RequestStatus
from sip.bfcp.server import ClientGone, FloorReleased, FloorRequested, FloorServer, ServerEvent


class Joined:
    """Both roles; ``lose`` says whether a message is lost on its way."""

    def __init__(self, reliable: bool, lose: Callable[[], bool] = lambda: False) -> None:
        self.server = FloorServer(reliable, 9, 41, 1)
        self.client = FloorClient(reliable, 9, 41, 1)
        self.now = 100.0
        self.heard_by_server: list[ServerEvent] = []
        self.heard_by_client: list[ClientEvent] = []
        self._lose = lose

    def exchange(self) -> None:
        """Until nobody has anything to say."""
        while True:
            to_server, to_client = self.client.to_send(), self.server.to_send()
            if not to_server and not to_client:
                break
            for data in to_server:
                if not self._lose():
                    self.server.receive(data, self.now)
            for data in to_client:
                if not self._lose():
                    self.client.receive(data, self.now)
        self.heard_by_server += self.server.events()
        self.heard_by_client += self.client.events()

    def settle(self) -> None:
        """Jump from timer to timer until all is quiet."""
        self.exchange()
        while deadlines := [one for one in (self.server.next_deadline(), self.client.next_deadline()) if one]:
            self.now = min(deadlines)
            self.server.handle_timer(self.now)
            self.client.handle_timer(self.now)
            self.exchange()

    def requested(self) -> int:
        """The number of the request that the server has heard of last."""
        return [event for event in self.heard_by_server if isinstance(event, FloorRequested)][-1].request_id


@pytest.mark.parametrize("reliable", [True, False])
def test_the_floor_is_asked_for_granted_and_given_back(reliable: bool) -> None:
    joined = Joined(reliable)
    joined.client.hello(joined.now)
    joined.client.request(joined.now, "ultrasound")
    joined.exchange()
    joined.server.tell(joined.requested(), RequestStatus.GRANTED, joined.now)
    joined.exchange()
    assert joined.client.state is FloorState.GRANTED

    joined.client.release(joined.now)
    joined.exchange()
    assert joined.heard_by_server == [FloorRequested(1), FloorReleased(1, held=True)]
    assert joined.heard_by_client[-1] == FloorChanged(FloorState.IDLE, RequestStatus.RELEASED)
    assert joined.server.next_deadline() is None and joined.client.next_deadline() is None


@pytest.mark.parametrize("reliable", [True, False])
def test_who_waits_is_told_its_place_and_who_is_revoked_why(reliable: bool) -> None:
    joined = Joined(reliable)
    joined.client.request(joined.now)
    joined.exchange()
    request = joined.requested()
    joined.server.tell(request, RequestStatus.ACCEPTED, joined.now, queue_position=2)
    joined.exchange()
    joined.server.tell(request, RequestStatus.ACCEPTED, joined.now, queue_position=1)
    joined.exchange()
    joined.server.tell(request, RequestStatus.GRANTED, joined.now)
    joined.exchange()
    joined.server.tell(request, RequestStatus.REVOKED, joined.now, info="by the chair")
    joined.exchange()

    assert joined.heard_by_client == [
        FloorChanged(FloorState.REQUESTED, RequestStatus.PENDING),
        FloorChanged(FloorState.QUEUED, RequestStatus.ACCEPTED, 2),
        FloorChanged(FloorState.QUEUED, RequestStatus.ACCEPTED, 1),
        FloorChanged(FloorState.GRANTED, RequestStatus.GRANTED),
        FloorChanged(FloorState.IDLE, RequestStatus.REVOKED, 0, "by the chair"),
    ]


def test_a_release_while_waiting_is_a_cancellation() -> None:
    joined = Joined(reliable=True)
    joined.client.request(joined.now)
    joined.exchange()
    joined.client.release(joined.now)
    joined.exchange()
    assert joined.heard_by_server == [FloorRequested(1), FloorReleased(1, held=False)]
    assert joined.heard_by_client[-1] == FloorChanged(FloorState.IDLE, RequestStatus.CANCELLED)


def test_a_release_before_the_request_has_a_number_follows_as_soon_as_it_has() -> None:
    joined = Joined(reliable=False)
    joined.client.request(joined.now)
    joined.client.release(joined.now)
    joined.exchange()
    assert joined.heard_by_server == [FloorRequested(1), FloorReleased(1, held=False)]
    assert joined.client.state is FloorState.IDLE


def test_who_watches_the_floor_is_told_of_the_others() -> None:
    joined = Joined(reliable=False)
    other = RequestInformation(0, RequestStatus.GRANTED, participant_info="Room 2")
    joined.server.tell_floor([other], joined.now)
    joined.exchange()
    assert joined.heard_by_client == []

    joined.client.watch(joined.now)
    joined.exchange()
    joined.server.tell_floor([], joined.now)
    joined.exchange()
    assert joined.heard_by_client == [FloorSeen((replace(other, floor_ids=(1,)),)), FloorSeen(())]


@pytest.mark.parametrize("seed", range(30))
def test_over_a_bad_network_the_floor_is_granted_once_all_the_same(seed: int) -> None:
    rng = random.Random(seed)
    joined = Joined(False, lambda: rng.random() < 0.2)
    joined.client.request(joined.now)
    joined.settle()
    requests = [event for event in joined.heard_by_server if isinstance(event, FloorRequested)]
    if ServerGone() in joined.heard_by_client:  # with this seed all repetitions are lost
        assert joined.client.state is FloorState.IDLE
        return
    assert len(requests) == 1
    joined.server.tell(requests[0].request_id, RequestStatus.GRANTED, joined.now)
    joined.settle()
    granted = [one for one in joined.heard_by_client if one == FloorChanged(FloorState.GRANTED, RequestStatus.GRANTED)]
    assert len(granted) == 1


def test_an_outcome_that_overtakes_the_answer_counts() -> None:
    joined = Joined(reliable=False)
    joined.client.request(joined.now)
    for data in joined.client.to_send():
        joined.server.receive(data, joined.now)
    joined.server.tell(1, RequestStatus.GRANTED, joined.now)
    for data in reversed(joined.server.to_send()):
        joined.client.receive(data, joined.now)
    assert joined.client.state is FloorState.GRANTED


def test_a_request_is_sent_again_at_growing_intervals_until_the_server_counts_as_gone() -> None:
    client = FloorClient(False, 9, 41, 1)
    client.request(0.0)
    sent = client.to_send()
    times = []
    while (deadline := client.next_deadline()) is not None:
        times.append(deadline)
        client.handle_timer(deadline)
        sent += client.to_send()
    assert times == [0.5, 1.5, 3.5, 7.5]
    assert len(sent) == MAX_SENDS and len(set(sent)) == 1
    assert client.events() == [FloorChanged(FloorState.IDLE), ServerGone()]


def test_a_repeated_request_gets_the_same_answer_and_happens_once() -> None:
    server = FloorServer(False, 9, 41, 1)
    request = serialize(Message(Primitive.FLOOR_REQUEST, 9, 5, 41, 2, floor_ids=(1,)))
    server.receive(request, 0.0)
    first = server.to_send()
    server.receive(request, 0.6)
    assert server.to_send() == first
    assert server.events() == [FloorRequested(1)]


def test_a_client_that_never_acknowledges_keeps_its_floor() -> None:
    server = FloorServer(False, 9, 41, 1)
    server.receive(serialize(Message(Primitive.FLOOR_REQUEST, 9, 5, 41, 2, floor_ids=(1,))), 0.0)
    server.tell(1, RequestStatus.GRANTED, 0.0)
    while (deadline := server.next_deadline()) is not None:
        server.handle_timer(deadline)
    assert server.events() == [FloorRequested(1)]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (Message(Primitive.FLOOR_REQUEST, 9, 5, 41, 2, floor_ids=(7,)), ErrorCode.INVALID_FLOOR_ID),
        (Message(Primitive.FLOOR_RELEASE, 9, 5, 41, 2, request_id=77), ErrorCode.FLOOR_REQUEST_ID_DOES_NOT_EXIST),
        (Message(Primitive.FLOOR_REQUEST_QUERY, 9, 5, 41, 2), ErrorCode.FLOOR_REQUEST_ID_DOES_NOT_EXIST),
        (Message(Primitive.FLOOR_QUERY, 9, 5, 41, 2, floor_ids=(2,)), ErrorCode.INVALID_FLOOR_ID),
        (Message(Primitive.CHAIR_ACTION, 9, 5, 41, 2), ErrorCode.UNAUTHORIZED_OPERATION),
        (Message(99, 9, 5, 41, 2), ErrorCode.UNKNOWN_PRIMITIVE),
        (Message(Primitive.HELLO, 9, 5, 41, 1), ErrorCode.UNSUPPORTED_VERSION),
    ],
)
def test_what_cannot_be_done_is_refused_by_its_code(message: Message, code: ErrorCode) -> None:
    server = FloorServer(False, 9, 41, 1)
    server.receive(serialize(message), 0.0)
    (answer,) = map(parse, server.to_send())
    assert answer.error is not None and answer.error.known is code
    assert (answer.transaction_id, answer.user_id, answer.response) == (5, 41, True)
    assert server.events() == []


def test_a_second_request_beside_the_first_is_refused() -> None:
    server = FloorServer(True, 9, 41, 1)
    for transaction in (1, 2):
        server.receive(serialize(Message(Primitive.FLOOR_REQUEST, 9, transaction, 41, floor_ids=(1,))), 0.0)
    answers = [parse(data) for data in server.to_send()]
    assert answers[1].error is not None and answers[1].error.known is ErrorCode.TOO_MANY_REQUESTS


def test_bytes_that_are_no_message_get_an_error_when_a_header_can_be_read() -> None:
    server = FloorServer(False, 9, 41, 1)
    good = serialize(Message(Primitive.FLOOR_REQUEST, 9, 5, 41, 2, floor_ids=(1,)))
    server.receive(good[:-1], 0.0)
    server.receive(b"nonsense", 0.0)
    (answer,) = map(parse, server.to_send())
    assert answer.error is not None and answer.error.known is ErrorCode.INCORRECT_LENGTH
    assert server.malformed == 2


def test_numbers_of_the_rooms_own_are_repeated_to_it() -> None:
    server = FloorServer(False, 9, 41, 1)
    server.receive(serialize(Message(Primitive.HELLO, 1, 5, 2, 2)), 0.0)
    (answer,) = map(parse, server.to_send())
    assert (answer.primitive, answer.conference_id, answer.user_id) == (Primitive.HELLO_ACK, 1, 2)
    assert Primitive.FLOOR_REQUEST in answer.supported_primitives


def test_a_goodbye_is_answered_and_told() -> None:
    joined = Joined(reliable=False)
    joined.client.goodbye(joined.now)
    joined.settle()
    assert joined.heard_by_server == [ClientGone(said_goodbye=True)]
    assert joined.heard_by_client == []
