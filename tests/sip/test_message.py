"""Whole messages, with the hard cases that RFC 4475 describes."""

from __future__ import annotations

import pytest

from sip.body import is_understood, session_description
from sip.errors import SipParseError
from sip.headers import Headers
from sip.message import MAX_MESSAGE_SIZE, Request, Response, parse
from sip.uri import OtherUri

BASE = {
    "Via": "SIP/2.0/UDP h.example;branch=z9hG4bK1",
    "From": "<sip:a@h.example>;tag=f",
    "To": "<sip:b@s.example>",
    "Call-ID": "c1",
    "CSeq": "1 INVITE",
}


def raw(start: str = "INVITE sip:b@s.example SIP/2.0", body: bytes = b"", **changes: str | None) -> bytes:
    """A message with some headers changed (underscore for hyphen) or, with None, left out."""
    headers: dict[str, str | None] = dict(BASE)
    headers.update({name.replace("_", "-"): value for name, value in changes.items()})
    lines = [start, *(f"{name}: {value}" for name, value in headers.items() if value is not None)]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


def request(data: bytes) -> Request:
    message = parse(data)
    assert isinstance(message, Request)
    return message


def fault(data: bytes) -> SipParseError:
    with pytest.raises(SipParseError) as caught:
        parse(data)
    return caught.value


def test_a_request_is_read_and_written() -> None:
    message = request(
        raw(body=b"v=0\r\n", Content_Type="application/sdp", Content_Length="5", Contact="<sip:a@1.2.3.4>")
    )
    assert (message.method, str(message.uri), message.body) == ("INVITE", "sip:b@s.example", b"v=0\r\n")
    assert (message.from_address.tag, message.to_address.tag, message.cseq.number) == ("f", None, 1)
    assert session_description(message) == "v=0\r\n"
    again = request(bytes(message))
    assert again.body == message.body and bytes(again) == bytes(message)


def test_a_response_is_read_and_written() -> None:
    message = parse(raw("SIP/2.0 200 很好", To="<sip:b@s.example>;tag=t"))
    assert isinstance(message, Response)
    assert (message.status, message.reason, message.is_success, message.is_provisional) == (200, "很好", True, False)
    assert parse(bytes(message)) == parse(bytes(message))
    assert isinstance(parse(raw("SIP/2.0 100 ")), Response)
    assert isinstance(parse(raw("SIP/2.0 100")), Response)


def test_white_space_folding_and_compact_forms() -> None:
    data = (
        b"INVITE sip:room@s.example;unknown SIP/2.0\r\nTO :\r\n sip:room@s.example ;   tag    = 19n\r\n"
        b'from   : "J \\\\\\""       <sip:j@h.example>\r\n  ;\r\n  tag = 98\r\nMaX-fOrWaRdS: 0068\r\n'
        b"i: x@192.0.2.1\r\nl   : 0\r\ncseq: 0009\r\n  INVITE\r\n"
        b"v:  SIP  / 2.0  / TCP     spindle.example   ;\r\n  branch  =   z9hG4bK9  ,\r\n"
        b" SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30\r\ns :\r\n"
        b'Odd: ;;,,;;,;\r\nm:"Quoted \\"\\"" <sip:j@h.example> ; newparam =\r\n      v ;\r\n  second ; q = 0.33\r\n\r\n'
    )
    message = request(data)
    assert [via.host for via in message.vias] == ["spindle.example", "192.168.255.111"]
    assert (message.from_address.name, message.from_address.tag) == ('J \\"', "98")
    assert (message.to_address.tag, message.cseq.number, message.call_id) == ("19n", 9, "x@192.0.2.1")
    assert message.contacts[0].name == 'Quoted ""'


def test_wide_range_of_characters() -> None:
    method = "!odd-Method0123456789_*+`.%indeed'~"
    uri = "sip:1_odd.URI~(sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(no)@h.example"
    start = f"{method} {uri} SIP/2.0"
    message = request(raw(start, CSeq=f"1 {method}", To='"BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f" <sip:x@h.example>'))
    assert message.method == method and str(message.uri) == uri
    assert message.to_address.shown_name == "BEL:\ufffd NUL:\ufffd DEL:\ufffd"


def test_bytes_that_are_no_utf8_come_back_unchanged() -> None:
    data = raw(From='"\udcbb\udce1" <sip:a@h.example>;tag=1')
    assert b'"\xbb\xe1"' in bytes(request(data).response(200))


@pytest.mark.parametrize("uri", ["nobodyknows:room", "tel:+861380000", "soap.beep://192.0.2.103:3002"])
def test_other_schemes_are_read(uri: str) -> None:
    assert isinstance(request(raw(f"INVITE {uri} SIP/2.0")).uri, OtherUri)


def test_bytes_beyond_content_length_are_dropped() -> None:
    assert request(raw(body=b"abcdef", Content_Length="3")).body == b"abc"
    assert request(raw(body=b"abcdef")).body == b"abcdef"


@pytest.mark.parametrize(
    ("start", "changes", "status"),
    [
        ("INVITE <sip:b@s.example> SIP/2.0", {}, 400),
        ("INVITE sip:b@s.example; lr SIP/2.0", {}, 400),
        ("INVITE  sip:b@s.example  SIP/2.0", {}, 400),
        ("INVITE sip:b@s.example SIP/2.0 ", {}, 400),
        ("INVITE sip:b@s.example?Route=%3Csip:x%3E SIP/2.0", {}, 400),
        ("INVITE sip:b@s.example SIP/7.0", {}, 505),
        ("INVITE sip:" + "b" * 3000 + "@s.example SIP/2.0", {}, 414),
        ("INVITE sip:b@s.example SIP/2.0", {"CSeq": "1 OPTIONS"}, 400),
        ("INVITE sip:b@s.example SIP/2.0", {"CSeq": "36893488147419103232 INVITE"}, 400),
        ("INVITE sip:b@s.example SIP/2.0", {"Content-Length": "-999"}, 400),
        ("INVITE sip:b@s.example SIP/2.0", {"Content-Length": "9999"}, 400),
        ("INVITE sip:b@s.example SIP/2.0", {"Content-Length": "99999999999999999999"}, 400),
        ("INVITE sip:b@s.example SIP/2.0", {"Max-Forwards": "300"}, 400),
        ("INVITE sip:b@s.example SIP/2.0", {"To": '"Mr. User <sip:b@s.example>'}, 400),
        ("INVITE sip:b@s.example SIP/2.0", {"From": "Bell, A <sip:a@h.example>;tag=4"}, 400),
        ("INVITE sip:b@s.example SIP/2.0", {"Contact": "sip:a@h.example?Route=%3Csip:x%3E"}, 400),
        ("INVITE sip:b@s.example SIP/2.0", {"Call-ID": "two words"}, 400),
        ("INVITE sip:b@s.example SIP/2.0", {"Route": "<nothing>"}, 400),
        ("INVITE sip:b@s.example SIP/2.0", {"f": "<sip:second@h.example>"}, 400),
        ("INVITE sip:b@s.example SIP/2.0", {"Bad Name": "x"}, 400),
    ],
)
def test_malformed_requests_can_be_refused(start: str, changes: dict[str, str], status: int) -> None:
    error = fault(raw(start, b"", **changes))
    assert error.status == status
    assert error.request is not None
    refusal = error.request.response(error.status, "tag")
    assert (refusal.headers.get("Via"), refusal.headers.get("Call-ID")) == (
        BASE["Via"],
        error.request.headers.get("Call-ID"),
    )


def without(name: str) -> bytes:
    return b"\r\n".join(line for line in raw().split(b"\r\n") if not line.startswith(name.encode() + b":"))


@pytest.mark.parametrize("name", ["Via", "CSeq"])
def test_without_a_required_header_no_refusal_is_possible(name: str) -> None:
    assert fault(without(name)).request is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        raw("SIP/2.0 4294967301 better not"),
        raw("SIP/2.0 099 x"),
        raw("SIP/2.0 700 x"),
        raw("SIP/1.0 200 OK"),
        raw("SIP/2.0 200 OK", Via="garbage"),
        raw("SIP/2.0 200 OK", Subject="x\r\nBad Name: x"),
        raw(Via="garbage", Contact="<"),
        b"\xff" * 100,
    ],
)
def test_what_is_no_message_raises_without_a_request(data: bytes) -> None:
    assert fault(data).request is None


def test_size_limits() -> None:
    assert fault(b"x" * (MAX_MESSAGE_SIZE + 1)).status == 513
    assert fault(raw(Subject="x" * 40_000)).status == 513
    assert fault(raw()[:-2] + b"X: y\r\n" * 300 + b"\r\n").status == 513


def test_responses_copy_what_they_must() -> None:
    message = request(raw(Timestamp="54", Record_Route="<sip:p;lr>"))
    trying = message.response(100)
    assert (trying.headers.get("Timestamp"), trying.headers.get("To")) == ("54", BASE["To"])
    answer = message.response(200, "mine")
    assert answer.to_address.tag == "mine" and answer.headers.get("CSeq") == "1 INVITE"
    tagged = request(raw(To="<sip:b@s.example>;tag=old")).response(200, "mine")
    assert tagged.to_address.tag == "old"


def test_a_reason_phrase_cannot_smuggle_a_header_in() -> None:
    assert b"\r\nEvil" not in bytes(Response(headers=Headers(), status=400, reason="x\r\nEvil: y"))


def test_session_description_in_multipart() -> None:
    body = (
        b"preamble\r\n--b1\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
        b"--b1\r\nC: application/sdp; x=y\r\n\r\nv=0\r\ns=-\r\n--b1--\r\n"
    )
    message = request(raw(body=body, Content_Type='multipart/mixed; boundary="b1"'))
    assert session_description(message) == "v=0\r\ns=-\r\n"
    assert is_understood(message)
    without = request(raw(body=body, Content_Type="multipart/mixed"))
    assert session_description(without) is None and not is_understood(without)


def test_bodies_that_may_be_ignored() -> None:
    message = request(raw(body=b"x", Content_Type="image/png", Content_Disposition="icon; handling = optional"))
    assert session_description(message) is None and is_understood(message)
    assert session_description(request(raw())) is None


def test_a_refusal_repeats_a_to_that_cannot_be_read() -> None:
    error = fault(raw(To="<<>", Via="SIP/2.0/UDP h.example;branch=z9hG4bK1, garbage"))
    assert error.request is not None
    refusal = bytes(error.request.received_from("192.0.2.1", 9).response(400, "mine"))
    assert b"To: <<>;tag=mine\r\n" in refusal and b"received=192.0.2.1, garbage\r\n" in refusal


@pytest.mark.parametrize("spelling", ["content-length", "CONTENT-LENGTH", "l", "L"])
def test_a_message_is_written_with_one_content_length_however_it_was_spelt(spelling: str) -> None:
    message = parse(raw(body=b"abc", **{spelling: "3"}))
    assert bytes(message).lower().count(b"content-length") == 1
    assert bytes(parse(bytes(message))) == bytes(message)
