from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from recorder.errors import H264Error
from recorder.h264 import parameter_sets, split_nal_units, to_sample
from tests.recorder.material import pictures


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 720), (640, 360), (322, 182), (352, 288)])
def test_the_size_in_an_sps_is_the_picture_s(size: tuple[int, int]) -> None:
    sets = parameter_sets(split_nal_units(pictures([0.0], *size)[0].data))
    assert sets is not None and (sets.width, sets.height) == size
    assert (sets.chroma_format, sets.bit_depth_luma, sets.bit_depth_chroma) == (1, 8, 8)
    assert sets.codec.startswith("avc1.64")


@pytest.mark.parametrize(
    ("profile", "prefix"), [("baseline", "avc1.42c0"), ("main", "avc1.4d40"), ("high", "avc1.6400")]
)
def test_the_codec_string_names_the_profile(profile: str, prefix: str) -> None:
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 320, 240, "yuv420p"
    encoder.time_base = Fraction(1, 30)
    encoder.options = {"profile": profile, "tune": "zerolatency", "x264-params": "annexb=1:repeat-headers=1"}
    frame = av.VideoFrame.from_ndarray(np.zeros((360, 320), np.uint8), format="yuv420p")
    units = split_nal_units(bytes(encoder.encode(frame)[0]))
    sets = parameter_sets(units)
    assert sets is not None and sets.codec.startswith(prefix)
    assert (sets.width, sets.height) == (320, 240)


def test_start_codes_of_three_and_four_bytes_and_trailing_zeros_are_no_part_of_a_unit() -> None:
    assert split_nal_units(b"\0\0\0\1\x09\xf0\0\0\1\x65ab\0\0\0\0\1\x41c\0\0") == [b"\x09\xf0", b"\x65ab", b"\x41c"]
    assert split_nal_units(b"no start code") == []


def test_a_sample_holds_no_parameter_sets_delimiters_or_filler() -> None:
    assert to_sample([b"\x09\xf0", b"\x67a", b"\x68b", b"\x06sei", b"\x65idr", b"\x0cff"]) == (
        b"\0\0\0\4\x06sei\0\0\0\4\x65idr"
    )


def test_without_both_parameter_sets_there_are_none() -> None:
    assert parameter_sets([b"\x65abc"]) is None
    assert parameter_sets([b"\x67abc"]) is None


@pytest.mark.parametrize(
    "sps", [b"\x67", b"\x67\x42\xc0", b"\x67\x42\xc0\x1f", b"\x67\x42\xc0\x1f" + bytes(40), b"\x67" * 2000]
)
def test_an_sps_that_cannot_be_read_is_one_error(sps: bytes) -> None:
    with pytest.raises(H264Error):
        parameter_sets([sps, b"\x68\xce"])
