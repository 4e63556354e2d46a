import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.media.picture.state import Rung
from tests.fuzz.fuzz_video_decoder import fuzz_one
from tests.media.picture.material import clip

H264 = clip(Rung(64, 48, 30, 100_000), 2)
VP8 = clip(Rung(64, 48, 30, 100_000, "VP8"), 2)

# Parts of real streams lead deeper into a decoder than noise does.
pieces = st.one_of(
    st.sampled_from([nal for unit in H264 for nal in re.split(b"(?=\0\0\0?\1)", unit.data)]),
    st.sampled_from([unit.data for unit in VP8]),
    st.just(b"\0\0\0\1"),
    st.binary(max_size=60),
)


@settings(max_examples=300, deadline=None)
@given(st.binary(min_size=3, max_size=3), st.lists(pieces, max_size=8))
def test_streams_put_together_at_random(head, parts):
    fuzz_one(head + b"".join(parts))


@settings(max_examples=300, deadline=None)
@given(st.data(), st.booleans())
def test_real_streams_with_octets_changed(data, vp8):
    units = VP8 if vp8 else H264
    octets = bytearray([vp8, *len(units[0].data).to_bytes(2)]) + b"".join(unit.data for unit in units)
    for position, value in data.draw(st.lists(st.tuples(st.integers(3, len(octets) - 1), st.integers(0, 255)))):
        octets[position] = value
    fuzz_one(bytes(octets))


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0", b"\1\0\1\0"])
def test_almost_nothing(data):
    fuzz_one(data)
