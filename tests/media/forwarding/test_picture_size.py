"""The size of a picture by the head of its key frame."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.media.forwarding.parameter_sets import parse_sps
from mcu.media.forwarding.picture_size import picture_size
from mcu.media.packets import nal_units
from mcu.media.rtp.errors import PayloadError
from tests.media.rtp.link import PPS, SPS
from tests.media.rtp.test_h264 import encode

SPS_720 = bytes.fromhex("6742c01fda014016ec0440000003004000000f03c60ca8")


def vp8_head(width: int, height: int) -> bytes:
    """RFC 6386 section 9.1, with scaling in the two upper bits."""
    return bytes([0x50, 2, 0, 0x9D, 1, 0x2A]) + struct.pack("<HH", width | 1 << 14, height | 2 << 14)


def test_heads_of_both_codecs_tell_the_size() -> None:
    assert picture_size("VP8", vp8_head(640, 360)) == (640, 360)
    assert picture_size("H264", SPS_720) == (1280, 720)


@pytest.mark.parametrize("head", [b"", vp8_head(640, 360)[:9], bytes(10), vp8_head(0, 360), SPS_720])
def test_what_is_no_head_tells_nothing(head: bytes) -> None:
    assert picture_size("VP8", head) is None


@given(st.sampled_from(("VP8", "H264")), st.binary(max_size=64))
def test_anything_may_come(codec: str, head: bytes) -> None:
    size = picture_size(codec, head)
    assert size is None or min(size) > 0


@pytest.mark.parametrize("profile", ["baseline", "main", "high"])
@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1280, 720), (352, 288), (176, 144), (322, 182)])
def test_the_picture_size_is_read_from_real_parameter_sets(width: int, height: int, profile: str) -> None:
    coded = encode(width, height, 1, preset="superfast", profile=profile)[0]
    sps = next(unit for unit in nal_units(coded) if unit[0] & 0x1F == 7)
    found = parse_sps(sps)
    assert (found.width, found.height) == (width, height)
    assert found.profile == {"baseline": 66, "main": 77, "high": 100}[profile]


@pytest.mark.parametrize("unit", [b"", b"\x67", PPS, SPS[:8], b"\x67\x42\x00\x1f" + bytes(40), b"\x67" + b"\xff" * 3])
def test_damaged_parameter_sets_are_refused(unit: bytes) -> None:
    with pytest.raises(PayloadError):
        parse_sps(unit)
