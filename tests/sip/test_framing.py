from __future__ import annotations

import pytest

from sip.errors import SipParseError
from sip.framing import MessageStream
from sip.message import MAX_MESSAGE_SIZE, parse
from tests.sip.test_message import raw

ONE = raw(body=b"abc", Content_Length="3")
TWO = raw("OPTIONS sip:b@s.example SIP/2.0", CSeq="1 OPTIONS", Content_Length=None, l="0")


def test_messages_are_cut_wherever_the_bytes_are_cut() -> None:
    stream = MessageStream()
    received = [
        message for index in range(len(ONE + TWO)) for message in stream.receive((ONE + TWO)[index : index + 1])
    ]
    assert received == [ONE, TWO]
    assert not stream.is_partial
    assert MessageStream().receive(ONE + TWO + ONE) == [ONE, TWO, ONE]
    for message in received:
        parse(message)


def test_keep_alives_are_counted_and_skipped() -> None:
    stream = MessageStream()
    assert stream.receive(b"\r\n") == []
    assert stream.receive(b"\r\n") == [] and stream.pings == 1
    assert stream.receive(b"\r\n" + ONE + b"\r\n\r\n") == [ONE] and stream.pings == 2
    assert not stream.is_partial


def test_a_begun_message_is_partial() -> None:
    stream = MessageStream()
    stream.receive(ONE[:20])
    assert stream.is_partial
    stream.receive(ONE[20:-1])
    assert stream.is_partial


@pytest.mark.parametrize("data", [b"x" * 40_000, b"A b SIP/2.0\r\nContent-Length: 70000\r\n\r\n"])
def test_what_cannot_be_framed_raises(data: bytes) -> None:
    with pytest.raises(SipParseError) as caught:
        MessageStream().receive(data)
    assert caught.value.status == 513
    assert MAX_MESSAGE_SIZE < 70000


def test_without_a_length_the_message_has_no_body() -> None:
    assert MessageStream().receive(raw() + TWO) == [raw(), TWO]
