"""Packets of a bundle find their stream."""

from __future__ import annotations

from mcu.media.demultiplexer import MAX_SOURCES, Demultiplexer, MidExtension
from mcu.media.rtp.packet import RtpPacket

BOTH = Demultiplexer(
    {"audio": frozenset({111}), "video": frozenset({96}), "content": frozenset({96, 98})},
    {"video": MidExtension("1", 4), "content": MidExtension("2", 4)},
)


def packet(payload_type: int, ssrc: int, mid: str | None = None) -> bytes:
    extensions = {} if mid is None else {4: mid.encode()}
    return RtpPacket(payload_type, 1, 2, ssrc, b"x", extensions=extensions).serialise()


def test_a_payload_type_of_one_stream_tells_it() -> None:
    assert BOTH.media_of(packet(111, 1)) == "audio"
    assert BOTH.media_of(packet(98, 1)) == "content"
    assert BOTH.media_of(packet(97, 1)) is None
    assert BOTH.media_of(b"") is None


def test_a_mid_tells_two_pictures_apart_and_is_remembered() -> None:
    assert BOTH.media_of(packet(96, 11)) == "video"
    assert BOTH.media_of(packet(96, 12, "2")) == "content"
    assert BOTH.media_of(packet(96, 12)) == "content"
    assert BOTH.media_of(packet(96, 11, "1")) == "video"
    assert BOTH.media_of(packet(96, 13, "9")) == "video"


def test_a_source_may_move_to_the_other_picture() -> None:
    assert BOTH.media_of(packet(96, 20, "2")) == "content"
    assert BOTH.media_of(packet(96, 20, "1")) == "video"
    assert BOTH.media_of(packet(96, 20)) == "video"


def test_only_so_many_sources_are_remembered() -> None:
    for ssrc in range(100, 100 + 2 * MAX_SOURCES):
        assert BOTH.media_of(packet(96, ssrc, "2")) == "content"
    assert BOTH.media_of(packet(96, 100)) == "video"
    assert BOTH.media_of(packet(96, 100 + 2 * MAX_SOURCES - 1)) == "content"


def test_a_broken_header_is_a_guess_and_no_error() -> None:
    assert BOTH.media_of(packet(96, 300, "2")[:13]) == "video"


def test_packets_that_came_together_are_told_apart_in_rows() -> None:
    demultiplexer = Demultiplexer({"audio": frozenset({111}), "video": frozenset({96})}, {})
    voice, face, nobodys = packet(111, 1), packet(96, 2), packet(97, 3)
    packets = [voice, face, face, nobodys, face, voice, voice, nobodys, b""]
    assert list(demultiplexer.runs_of(packets)) == [
        ("audio", [voice]), ("video", [face, face]), ("video", [face]), ("audio", [voice, voice]),
    ]  # fmt: skip
    assert list(demultiplexer.runs_of([])) == []
