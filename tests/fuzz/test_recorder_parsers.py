from __future__ import annotations

import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.formats import AudioFormat, Fragment, Picture, Sound
from recorder.h264 import ParameterSets
from recorder.index import FragmentEntry, PartEnd, PartHeader, end_line, entry_line, header_line
from recorder.mp4_writer import fragment, init_segment
from tests.fuzz import fuzz_h264_parameter_sets, fuzz_mp4_boxes, fuzz_recording_index

SETS = ParameterSets(bytes.fromhex("6742c01fda0280bfe5c04400000300040000030"[:38]), b"\x68\xce", 640, 360, 1, 8, 8)
INIT = init_segment(SETS, AudioFormat(), 1_700_000_000.0)
MOOV = INIT[struct.unpack(">I", INIT[:4])[0] :]
FRAGMENT = fragment(
    1, Fragment((Picture(0, b"\0\0\0\1e", True), Picture(3000, b"x", False)), 6000, (Sound(0, b"s"),), 1024)
)
MOOF = FRAGMENT[: struct.unpack(">I", FRAGMENT[:4])[0]]
INDEX = b"".join(
    [
        header_line(PartHeader(1.5, 1000, 640, 360, ("avc1.42c01f", "mp4a.40.2"))),
        entry_line(FragmentEntry(0, 27_000, 1000, 400, True)),
        entry_line(FragmentEntry(27_000, 27_000, 1400, 300, False)),
        end_line(PartEnd.FINAL, 54_000, 1700),
    ]
)


@st.composite
def damaged(draw: st.DrawFn, *originals: bytes) -> bytes:
    """Something real with a few bytes changed, cut out or put in."""
    data = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        cut = draw(st.integers(0, 8))
        data[at : at + cut] = draw(st.binary(max_size=8))
    return bytes(data)


@given(st.one_of(st.binary(max_size=300), damaged(MOOV, MOOF, INIT, FRAGMENT)))
@settings(max_examples=400, deadline=None)
def test_boxes(data: bytes) -> None:
    fuzz_mp4_boxes.fuzz_one(data)


@given(st.one_of(st.binary(max_size=300), damaged(INDEX)))
@settings(max_examples=300, deadline=None)
def test_index(data: bytes) -> None:
    fuzz_recording_index.fuzz_one(data)


NUMBERS = st.integers(0, 1 << 64)


@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS, st.booleans()), max_size=5), NUMBERS)
@settings(max_examples=100, deadline=None)
def test_index_with_right_checksums_and_wild_numbers(rows: list[tuple[int, int, int, int, bool]], size: int) -> None:
    header = PartHeader(0.0, size, 1, 1, ("avc1",))
    fuzz_recording_index.fuzz_one(header_line(header) + b"".join(entry_line(FragmentEntry(*row)) for row in rows))


@given(st.one_of(st.binary(max_size=200), damaged(b"\0\0\0\1" + SETS.sps + b"\0\0\1" + SETS.pps + b"\0\0\1\x65abc")))
@settings(max_examples=300, deadline=None)
def test_parameter_sets(data: bytes) -> None:
    fuzz_h264_parameter_sets.fuzz_one(data)
