"""What b= lines let us send."""

from __future__ import annotations

import pytest

from sip.sdp.bandwidth import MINIMUM_VIDEO, forbids_sending, video_limit, video_lines
from sip.sdp.grammar import parse


def limit(session_lines: str, media_lines: str) -> int | None:
    session = parse(f"v=0\n{session_lines}m=video 4000 RTP/AVP 96\n{media_lines}")
    return video_limit(session, session.media[0])


@pytest.mark.parametrize(
    ("session_lines", "media_lines", "expected"),
    [
        ("", "", None),
        ("", "b=TIAS:1000000\n", 1_000_000),
        ("", "b=AS:1000\n", 950_000),
        ("", "b=AS:2000\nb=TIAS:1000000\n", 1_000_000),
        ("b=AS:2000\n", "", 1_820_000),
        ("b=CT:2000\n", "b=AS:1000\n", 950_000),
        ("b=AS:1000\nb=CT:4000\n", "b=AS:3000\n", 870_000),
        ("b=AS:64\n", "", MINIMUM_VIDEO),
        ("b=AS:0\n", "b=AS:0\n", None),
        ("", "b=RS:0\nb=RR:0\n", None),
        ("", "b=AS:99999999999999999999\n", 1_000_000_000),
        ("", "b=AS:1000\nb=AS:9000\n", 950_000),
    ],
)
def test_the_tightest_limit_counts_without_headers_and_without_sound(
    session_lines: str, media_lines: str, expected: int | None
) -> None:
    assert limit(session_lines, media_lines) == expected


@pytest.mark.parametrize(
    ("line", "expected"), [("b=AS:0\n", True), ("b=TIAS:0\n", True), ("b=AS:1\n", False), ("", False)]
)
def test_a_bandwidth_of_zero_asks_for_nothing(line: str, expected: bool) -> None:
    assert forbids_sending(parse(f"v=0\nm=video 4000 RTP/AVP 96\n{line}").media[0]) is expected


def test_our_own_limit_is_written_in_both_units() -> None:
    assert [str(line) for line in video_lines(1_900_000)] == ["AS:2000", "TIAS:1900000"]
