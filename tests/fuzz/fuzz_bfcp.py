"""Fuzz target: floor control messages through the codec and both roles."""

from __future__ import annotations

from sip.bfcp.client import FloorClient
from sip.bfcp.codec import parse, serialize
from sip.bfcp.errors import BfcpError
from sip.bfcp.message import Message, Person, Primitive, RequestInformation, RequestStatus
from sip.bfcp.server import FloorRequested, FloorServer

_REQUEST = RequestInformation(
    1, RequestStatus.GRANTED, 0, (1,), "so be it", Person(7, "放射科", "sip:7@hospital.example"), Person(7), 2, "slides"
)
SEEDS = tuple(
    serialize(message)
    for version in (1, 2)
    for message in (
        Message(Primitive.FLOOR_REQUEST, 1, 1, 7, version, floor_ids=(1,), priority=2, participant_info="slides"),
        Message(Primitive.FLOOR_RELEASE, 1, 2, 7, version, request_id=1),
        Message(Primitive.FLOOR_REQUEST_STATUS, 1, 1, 7, version, response=True, requests=(_REQUEST,)),
        Message(Primitive.FLOOR_STATUS, 1, 3, 7, version, floor_ids=(1,), requests=(_REQUEST, _REQUEST)),
        Message(Primitive.HELLO, 1, 4, 7, version),
        Message(Primitive.HELLO_ACK, 1, 4, 7, version, True, supported_primitives=(1, 2), supported_attributes=(1, 2)),
        Message(Primitive.USER_QUERY, 1, 5, 7, version, beneficiary_id=7),
        Message(Primitive.FLOOR_QUERY, 1, 6, 7, version, floor_ids=(1,)),
        Message(Primitive.GOODBYE, 1, 7, 7, version),
    )
)


def fuzz_one(data: bytes) -> None:
    """Any bytes are a message or a BfcpError; no role is upset by them, and what it sends can be read."""
    try:
        message = parse(data)
    except BfcpError as error:
        assert error.header is None or not error.header.requests
    else:
        again = parse(serialize(message))
        assert (again.primitive, again.transaction_id, again.user_id) == (
            message.primitive,
            message.transaction_id,
            message.user_id,
        )
    for reliable in (False, True):
        server = FloorServer(reliable, 1, 7, 1)
        client = FloorClient(reliable, 1, 7, 1)
        client.request(0.0)
        for one in SEEDS[:1] if not reliable else ():
            server.receive(one, 0.0)
        for now in (0.1, 0.2):
            server.receive(data, now)
            client.receive(data, now)
        for event in server.events():
            if isinstance(event, FloorRequested):
                server.tell(event.request_id, RequestStatus.GRANTED, 0.3)
        client.release(0.4)
        for side in (server, client):
            for now in (1.0, 3.0, 9.0, 20.0):
                side.handle_timer(now)
            for sent in side.to_send():
                parse(sent)
            assert side.next_deadline() is None
