"""Reading is lenient, bounded and has one error; writing is strict."""

from __future__ import annotations

import pytest

from sip.sdp.grammar import (
    MAX_CHARACTERS,
    MAX_FORMATS,
    MAX_LINES,
    MAX_MEDIA,
    Attribute,
    Bandwidth,
    Connection,
    MediaDescription,
    Origin,
    SdpError,
    SessionDescription,
    parse,
)

RFC_EXAMPLE = """v=0
o=jdoe 3724394400 3724394405 IN IP4 198.51.100.1
s=Call to John Smith
i=SDP Offer #1
u=http://www.jdoe.example.com/home.html
e=Jane Doe <jane@jdoe.example.com>
p=+1 617 555-6011
c=IN IP4 198.51.100.1
b=AS:512
t=3724394400 3724398000
r=7d 1h 0 25h
z=3724394400 -1h
k=prompt
a=recvonly
m=audio 49170/2 RTP/AVP 0
m=video 51372 RTP/AVP 99
i=the camera
c=IN IP6 2001:db8::2
b=TIAS:256000
a=rtpmap:99 h263-1998/90000
a=rtcp-mux
"""


def test_the_example_of_the_rfc_is_read() -> None:
    session = parse(RFC_EXAMPLE)

    assert session.origin == Origin("jdoe", 3724394400, 3724394405, "198.51.100.1")
    assert session.session_name == "Call to John Smith"
    assert session.connection == Connection("198.51.100.1")
    assert session.bandwidths == (Bandwidth("AS", 512),)
    assert session.timing == "3724394400 3724398000"
    assert session.attributes == (Attribute("recvonly"),)
    audio, video = session.media
    assert (audio.media, audio.port, audio.protocol, audio.formats) == ("audio", 49170, "RTP/AVP", ("0",))
    assert audio.connection is None
    assert video.connection == Connection("2001:db8::2")
    assert video.bandwidths == (Bandwidth("TIAS", 256000),)
    assert video.value("rtpmap") == "99 h263-1998/90000"
    assert video.has("rtcp-mux")
    assert video.value("rtcp-mux") == ""
    assert video.value("fmtp") is None


def test_what_is_written_is_read_back_as_the_same_value() -> None:
    session = parse(RFC_EXAMPLE)

    text = str(session)

    assert parse(text) == session
    assert text.startswith("v=0\r\no=jdoe 3724394400 3724394405 IN IP4 198.51.100.1\r\ns=")
    assert text.endswith("\r\na=rtcp-mux\r\n")
    assert "\n" not in text.replace("\r\n", "")
    assert "c=IN IP6 2001:db8::2\r\n" in text


@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\r\n\r\n", " \n"])
def test_any_line_ending_is_taken(ending: str) -> None:
    assert parse(RFC_EXAMPLE.replace("\n", ending)) == parse(RFC_EXAMPLE)


def test_missing_obligatory_lines_and_a_missing_last_line_end_are_taken() -> None:
    session = parse("v=0\nm=audio 4000 RTP/AVP 8")

    assert session.media == (MediaDescription("audio", 4000, "RTP/AVP", ("8",)),)
    assert str(session).startswith("v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n")


def test_blanks_and_case_of_careless_writers_are_evened_out() -> None:
    session = parse("\n v = 0 \nc = in ip4 192.0.2.1/127 \ns=\nb=as: 64 \nm=Audio 4000 rtp/avp  8 \na= sendonly \n")

    assert session.connection == Connection("192.0.2.1")
    assert session.bandwidths == (Bandwidth("AS", 64),)
    assert session.session_name == "-"
    assert session.media[0].media == "audio"
    assert session.media[0].protocol == "RTP/AVP"
    assert session.media[0].has("sendonly")


def test_unreadable_hints_are_passed_over() -> None:
    assert parse("v=0\nb=AS:much\nb=X-NEW\n").bandwidths == ()
    assert parse("v=0\no=x letters -5 IN IP4 192.0.2.1\n").origin == Origin("x", 0, 0, "192.0.2.1")


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("", 0, "v=0"),
        ("\n\nhello", 3, "v=0"),
        ("v=1\n", 1, "v=0"),
        ("o=- 1 1 IN IP4 192.0.2.1\nv=0\n", 1, "v=0"),
        ("v=0\nhello\n", 2, "<letter>=<value>"),
        ("v=0\nab=c\n", 2, "<letter>=<value>"),
        ("v=0\nß=c\n", 2, "<letter>=<value>"),
        ("v=0\no=- 1 1\n", 2, "six words"),
        ("v=0\nc=IN IP4\n", 2, "c="),
        ("v=0\nc=IN IP5 192.0.2.1\n", 2, "c="),
        ("v=0\nc=ATM NSAP 47.0091\n", 2, "c="),
        ("v=0\nm=audio 4000\n", 2, "m="),
        ("v=0\nm=audio 65536 RTP/AVP 0\n", 2, "port"),
        ("v=0\nm=audio -1 RTP/AVP 0\n", 2, "port"),
        ("v=0\nm=audio ٤٠٠٠ RTP/AVP 0\n", 2, "port"),
        ("v=0\nm=audio " + "9" * 5000 + " RTP/AVP 0\n", 2, "port"),
        ("v=0\ns=a\0b\n", 0, "NUL"),
    ],
)
def test_what_cannot_be_read_is_one_error_that_says_where(text: str, line: int, what: str) -> None:
    with pytest.raises(SdpError) as caught:
        parse(text)

    assert caught.value.line == line
    assert what in str(caught.value)
    assert str(caught.value).startswith(f"line {line}: ") is (line > 0)


@pytest.mark.parametrize(
    "text",
    [
        "v=0\n" + "s=" + "x" * MAX_CHARACTERS,
        "v=0\n" + "a=x\n" * MAX_LINES,
        "v=0\n" + "m=audio 0 RTP/AVP 0\n" * (MAX_MEDIA + 1),
        "v=0\nm=audio 0 RTP/AVP" + " 0" * (MAX_FORMATS + 1),
    ],
)
def test_limits_are_errors_too(text: str) -> None:
    with pytest.raises(SdpError):
        parse(text)


def test_just_within_the_limits_is_read() -> None:
    assert len(parse("v=0\n" + "m=audio 0 RTP/AVP 0\n" * MAX_MEDIA).media) == MAX_MEDIA
    assert len(parse("v=0\nm=audio 0 RTP/AVP" + " 0" * MAX_FORMATS).media[0].formats) == MAX_FORMATS


@pytest.mark.parametrize("end", ["\r", "\n", "\0"])
def test_a_line_end_cannot_be_smuggled_into_what_we_write(end: str) -> None:
    with pytest.raises(ValueError, match="line ends"):
        str(SessionDescription(attributes=(Attribute("tool", f"x{end}m=audio 1 RTP/AVP 0"),)))
