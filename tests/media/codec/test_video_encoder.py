import re

import pytest

from mcu.media.codec.colour_matrix import usual_matrix
from mcu.media.codec.video_decoder import VideoDecoder
from mcu.media.codec.video_encoder import EncoderError, VideoEncoder
from mcu.media.picture.planes import Planes
from mcu.media.picture.scaler import Scaler
from mcu.media.picture.state import Rung
from tests.media.picture.material import BLUE, GREEN, RED, clip, coded_colour, difference, pattern, pattern_frame

H264 = Rung(320, 180, 30, 400_000)
VP8 = Rung(320, 180, 30, 400_000, "VP8")


def nal_types(data: bytes) -> list[int]:
    return [unit[0] & 0x1F for unit in re.split(b"\0\0\0?\1", data) if unit]


@pytest.mark.parametrize("rung", [H264, VP8], ids=str)
def test_each_picture_comes_out_at_once_and_decodes_to_itself(rung):
    decoder = VideoDecoder(rung.codec)
    for index, unit in enumerate(clip(rung, 10)):
        frame = decoder.decode(unit.data)
        assert difference(Planes.of(frame), pattern(320, 180, index)) < 12


@pytest.mark.parametrize(
    "rung", [H264, VP8, Rung(1280, 720, 30, 2_000_000), Rung(1280, 720, 30, 2_000_000, "VP8")], ids=str
)
@pytest.mark.parametrize("colour", [RED, GREEN, BLUE])
def test_colours_are_those_that_every_decoder_takes_them_for(rung, colour):
    decoder = VideoDecoder(rung.codec)
    frame = decoder.decode(coded_colour(rung, colour, 0.0).data)
    assert decoder.matrix_of(frame) == usual_matrix(rung.codec, rung.height)
    seen = Scaler().scale(frame, (64, 36), usual_matrix(rung.codec, rung.height))
    found = (int(seen.y[8, 8]), int(seen.u[4, 4]), int(seen.v[4, 4]))
    assert found == pytest.approx((colour.y, colour.u, colour.v), abs=6)


@pytest.mark.parametrize("rung", [H264, VP8], ids=str)
def test_key_frames_come_only_when_asked_for(rung):
    units = clip(rung, 40, keys=(0, 17))
    assert [index for index, unit in enumerate(units) if unit.keyframe] == [0, 17]


def test_every_idr_picture_brings_its_parameter_sets_and_no_other_does():
    for unit in clip(H264, 20, keys=(0, 9)):
        types = nal_types(unit.data)
        assert ({7, 8, 5} <= set(types)) == unit.keyframe
        assert unit.keyframe or set(types) == {1}


def test_times_are_the_instants_given_even_late_in_the_uptime_of_a_machine():
    for rung in (H264, VP8):
        units = clip(rung, 3, start=9e6)
        assert [unit.time for unit in units] == [9e6, 9e6 + 1 / 30, 9e6 + 2 / 30]


def test_a_clock_that_stands_still_does_not_stop_the_encoder():
    encoder = VideoEncoder(H264)
    assert all(encoder.encode(pattern_frame(320, 180, index), 5.0, False) for index in range(3))


def test_slices_stay_below_the_size_for_packetization_mode_0():
    rung = Rung(640, 360, 30, 2_000_000, max_slice=1100)
    for unit in clip(rung, 10):
        assert max(len(nal) for nal in re.split(b"\0\0\0?\1", unit.data)) <= 1100


@pytest.mark.parametrize(("profile", "number"), [("baseline", 66), ("main", 77), ("high", 100)])
def test_profiles(profile, number):
    (unit,) = clip(Rung(320, 180, 30, 400_000, profile=profile), 1)
    parameter_set = next(nal for nal in re.split(b"\0\0\0?\1", unit.data) if nal and nal[0] & 0x1F == 7)
    assert parameter_set[1] == number
    # Constrained baseline (constraint_set1_flag), which is what browsers decode.
    assert profile != "baseline" or parameter_set[2] & 0x40


@pytest.mark.parametrize("rung", [H264, VP8], ids=str)
def test_the_bitrate_is_kept(rung):
    units = clip(rung, 90)
    assert sum(len(unit.data) for unit in units) * 8 / 3 < rung.bitrate * 1.35


def test_what_cannot_be_encoded_is_said():
    with pytest.raises(EncoderError, match="H264 encoder for 0×180"):
        VideoEncoder(Rung(0, 180, 30, 400_000))
