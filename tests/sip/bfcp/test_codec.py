"""Floor control messages as bytes."""

from __future__ import annotations

import pytest

from sip.bfcp.codec import MAX_ATTRIBUTES, StreamReader, parse, serialize
from sip.bfcp.errors import BfcpError, ErrorCode
from sip.bfcp.message import ErrorReport, Message, Person, Primitive, RequestInformation, RequestStatus

# A FloorRequest written by hand from RFC 8855 section 5: version 2, floor 1, normal priority.
FLOOR_REQUEST = bytes.fromhex("40 01 0002 00000001 0005 0029  05 04 0002  09 04 4000".replace(" ", ""))


def test_a_floor_request_written_by_hand_is_read() -> None:
    assert parse(FLOOR_REQUEST) == Message(Primitive.FLOOR_REQUEST, 1, 5, 41, version=2, floor_ids=(2,), priority=2)


def test_a_request_status_is_written_as_the_rfc_lays_it_out() -> None:
    information = RequestInformation(3, RequestStatus.ACCEPTED, queue_position=2, floor_ids=(1,))
    data = serialize(Message(Primitive.FLOOR_REQUEST_STATUS, 1, 5, 41, 2, response=True, requests=(information,)))

    assert data == bytes.fromhex(
        "50040005 00000001 00050029"  # R flag set; five words follow
        "1f140003"  # FLOOR-REQUEST-INFORMATION of request 3
        "25080003 0b040202"  # OVERALL-REQUEST-STATUS: accepted, second in the queue
        "23080001 0b040202".replace(" ", "")  # FLOOR-REQUEST-STATUS of floor 1
    )
    assert parse(data).requests == (information,)


@pytest.mark.parametrize("version", [1, 2])
def test_everything_survives_the_trip(version: int) -> None:
    message = Message(
        Primitive.FLOOR_STATUS,
        0xFFFFFFFF,
        0xFFFF,
        0xFFFF,
        version,
        response=version == 2,
        floor_ids=(1, 2),
        request_id=9,
        beneficiary_id=8,
        priority=4,
        participant_info="超声图像",
        status_info="wait",
        error=ErrorReport(ErrorCode.GENERIC, b"\1\2", "no"),
        requests=(
            RequestInformation(
                9,
                RequestStatus.GRANTED,
                0,
                (1, 2),
                "yes",
                Person(3, "放射科", "sip:r@h.example"),
                Person(4),
                1,
                "x-ray",
            ),
        ),
        beneficiary=Person(8, "Dr. Wu"),
        supported_primitives=(1, 2, 17),
        supported_attributes=(1, 18),
    )
    assert parse(serialize(message)) == message


def test_long_texts_are_cut_between_characters() -> None:
    read = parse(serialize(Message(Primitive.FLOOR_REQUEST, 1, 1, 1, participant_info="内" * 200)))
    assert read.participant_info == "内" * 84


def test_an_attribute_that_nobody_knows_is_passed_over_unless_it_is_mandatory() -> None:
    optional = bytes.fromhex("2001000100000001000100016004abcd")
    assert parse(optional).primitive == Primitive.FLOOR_REQUEST

    with pytest.raises(BfcpError) as caught:
        parse(optional[:12] + b"\x61" + optional[13:])
    assert caught.value.code is ErrorCode.UNKNOWN_MANDATORY_ATTRIBUTE
    assert caught.value.details == b"\x60"
    assert caught.value.header is not None and caught.value.header.transaction_id == 1


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", ErrorCode.UNABLE_TO_PARSE),
        (FLOOR_REQUEST[:11], ErrorCode.UNABLE_TO_PARSE),
        (FLOOR_REQUEST[:-4], ErrorCode.INCORRECT_LENGTH),
        (b"\x60" + FLOOR_REQUEST[1:], ErrorCode.UNSUPPORTED_VERSION),
        (b"\x48" + FLOOR_REQUEST[1:], ErrorCode.UNABLE_TO_PARSE),  # a fragment
        (FLOOR_REQUEST[:13] + b"\x01" + FLOOR_REQUEST[14:], ErrorCode.UNABLE_TO_PARSE),
        (FLOOR_REQUEST[:13] + b"\xff" + FLOOR_REQUEST[14:], ErrorCode.UNABLE_TO_PARSE),
        (FLOOR_REQUEST[:2] + b"\xff\xff" + FLOOR_REQUEST[4:], ErrorCode.INCORRECT_LENGTH),
        (
            FLOOR_REQUEST[:2] + (MAX_ATTRIBUTES + 1).to_bytes(2) + FLOOR_REQUEST[4:12] + FLOOR_REQUEST[12:16] * 129,
            ErrorCode.UNABLE_TO_PARSE,
        ),
    ],
)
def test_what_is_no_message_is_one_error(data: bytes, code: ErrorCode) -> None:
    with pytest.raises(BfcpError) as caught:
        parse(data)
    assert caught.value.code is code


def test_a_stream_is_cut_into_messages_wherever_it_was_torn() -> None:
    one = serialize(Message(Primitive.HELLO, 1, 1, 1))
    two = serialize(Message(Primitive.FLOOR_QUERY, 1, 2, 1, floor_ids=(1,)))
    for tear in range(len(one + two)):
        found: list[bytes] = []
        reader = StreamReader()
        assert reader.feed((one + two)[:tear], found.append)
        assert reader.feed((one + two)[tear:], found.append)
        assert found == [one, two]


def test_a_stream_of_something_else_is_given_up() -> None:
    reader = StreamReader()
    assert not reader.feed(b"GET / HTTP/1.1\r\n\r\n", lambda _: None)
    assert not reader.feed(serialize(Message(Primitive.HELLO, 1, 1, 1)), lambda _: None)
