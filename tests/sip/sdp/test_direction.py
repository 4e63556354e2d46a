"""Directions, and hold in both spellings."""

from __future__ import annotations

import pytest

from sip.sdp.direction import Direction, attribute_direction, connection_address, described_direction, is_nowhere
from sip.sdp.grammar import Attribute, parse

HEAD = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\n"


def described(session_lines: str, media_lines: str) -> Direction:
    session = parse(f"{HEAD}{session_lines}m=audio 4000 RTP/AVP 0\n{media_lines}")
    return described_direction(session, session.media[0])


@pytest.mark.parametrize("direction", Direction)
def test_a_direction_is_what_it_sends_and_receives(direction: Direction) -> None:
    assert Direction.of(send=direction.send, receive=direction.receive) is direction
    assert direction.reversed().reversed() is direction
    assert direction.reversed().send is direction.receive
    assert direction.limited_to(Direction.SENDRECV) is direction
    assert direction.limited_to(Direction.INACTIVE) is Direction.INACTIVE
    assert direction.attribute == Attribute(direction.value)


@pytest.mark.parametrize(
    ("session_lines", "media_lines", "expected"),
    [
        ("c=IN IP4 192.0.2.1\n", "", Direction.SENDRECV),
        ("c=IN IP4 192.0.2.1\n", "a=sendonly\n", Direction.SENDONLY),
        ("c=IN IP4 192.0.2.1\na=inactive\n", "", Direction.INACTIVE),
        ("c=IN IP4 192.0.2.1\na=inactive\n", "a=recvonly\n", Direction.RECVONLY),
        ("c=IN IP4 192.0.2.1\n", "a=sendonly:odd\n", Direction.SENDRECV),
        ("c=IN IP4 0.0.0.0\n", "", Direction.SENDONLY),
        ("c=IN IP4 0.0.0.0\n", "a=recvonly\n", Direction.INACTIVE),
        ("c=IN IP4 192.0.2.1\n", "c=IN IP4 0.0.0.0\n", Direction.SENDONLY),
        ("c=IN IP4 0.0.0.0\n", "c=IN IP4 192.0.2.1\n", Direction.SENDRECV),
        ("c=IN IP6 ::\n", "", Direction.SENDONLY),
        ("", "", Direction.SENDONLY),
    ],
)
def test_the_direction_is_read_from_attributes_and_address(
    session_lines: str, media_lines: str, expected: Direction
) -> None:
    assert described(session_lines, media_lines) is expected


def test_a_browser_without_candidates_is_not_on_hold() -> None:
    session = parse(f"{HEAD}m=audio 9 UDP/TLS/RTP/SAVPF 111\nc=IN IP4 0.0.0.0\na=sendrecv\n")

    assert attribute_direction(session, session.media[0]) is Direction.SENDRECV
    assert is_nowhere(connection_address(session, session.media[0]))
