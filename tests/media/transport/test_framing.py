"""Packets on a stream come out as they went in, however the stream was cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.media.transport.framing import LONGEST_FRAME, FrameReader, FramingError, framed

PACKETS = st.lists(st.binary(min_size=1, max_size=300), max_size=8)


@given(PACKETS, st.lists(st.integers(1, 50), min_size=1, max_size=30))
def test_packets_come_out_as_they_went_in(packets: list[bytes], steps: list[int]) -> None:
    reader, stream, found, step = FrameReader(), framed(packets), [], 0
    while stream:
        length = steps[step % len(steps)]
        found += reader.feed(stream[:length])
        stream, step = stream[length:], step + 1
    assert found == packets and reader.waiting == 0


def test_empty_packets_are_left_out() -> None:
    assert FrameReader().feed(b"\0\0\0\0\0\1x\0\0") == [b"x"]


def test_the_longest_packet_comes_through_and_one_longer_ends_it() -> None:
    assert FrameReader().feed(framed([bytes(LONGEST_FRAME)])) == [bytes(LONGEST_FRAME)]
    for length in (LONGEST_FRAME + 1, 0xFFFF):
        with pytest.raises(FramingError, match=str(length)):
            FrameReader().feed(framed([b"before"]) + length.to_bytes(2))


def test_what_waits_is_never_more_than_one_packet() -> None:
    reader = FrameReader()
    for octet in framed([bytes(LONGEST_FRAME)])[:-1]:
        reader.feed(bytes((octet,)))
        assert reader.waiting <= LONGEST_FRAME + 2
    assert reader.feed(b"\0") == [bytes(LONGEST_FRAME)] and reader.waiting == 0
