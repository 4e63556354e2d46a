import re
from fractions import Fraction

import av
import numpy as np
import pytest

from mcu.media.codec.colour_matrix import usual_matrix
from mcu.media.codec.video_decoder import VideoDecoder
from mcu.media.codec.video_encoder import BUFFER_SECONDS, REFRESH_SECONDS, EncoderError, VideoEncoder
from mcu.media.picture.planes import Colour, Planes
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
    # The first picture that libvpx makes at a constant rate is a coarse one.
    assert found == pytest.approx((colour.y, colour.u, colour.v), abs=8)


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


def restless(rung, frames, keys=(0,)):
    """Coded noise that is new in every picture, and still for a while in the middle: hard for rate control."""
    encoder = VideoEncoder(rung)
    random = np.random.default_rng(5)
    noise = [random.integers(16, 235, (rung.height, rung.width), np.uint8) for _ in range(4)]
    units = []
    for index in range(frames):
        frame = pattern_frame(rung.width, rung.height, 0)
        if not frames // 3 < index < frames // 2:
            Planes.of(frame).y[:] = noise[index % 4]
        units.append(encoder.encode(frame, index / rung.frame_rate, index in keys))
    return units


@pytest.mark.parametrize(
    "rung",
    [
        Rung(640, 360, 30, 384_000),
        Rung(416, 234, 15, 128_000),
        Rung(640, 360, 30, 384_000, intra_refresh=True),
        Rung(640, 360, 30, 384_000, profile="high"),
        Rung(640, 360, 60, 768_000),
    ],
    ids=str,
)
def test_a_decoder_with_a_small_buffer_never_overflows(rung):
    """A leaky bucket of the buffer's size that the line empties at the rung's rate (ITU-T H.264 annex C)."""
    bucket = 0.0
    fullest = 0.0
    for unit in restless(rung, 5 * rung.frame_rate, keys=(0, 2 * rung.frame_rate)):
        bucket = max(0.0, bucket + len(unit.data) * 8)
        fullest = max(fullest, bucket)
        bucket = max(0.0, bucket - rung.bitrate / rung.frame_rate)
    assert fullest <= rung.bitrate * BUFFER_SECONDS * 1.02
    assert fullest > rung.bitrate * BUFFER_SECONDS / 10  # the material is hard enough to tell


@pytest.mark.parametrize(
    ("rung", "most"),
    [
        (Rung(352, 288, 30, 64_000), 1.0),
        (Rung(704, 576, 30, 384_000), 1.0),
        (Rung(352, 288, 30, 64_000, "H263"), 1.15),
        (Rung(704, 576, 30, 384_000, "H263"), 1.15),
        (Rung(352, 288, 30, 64_000, "H261"), 1.15),
        (Rung(352, 288, 30, 64_000, "VP8"), 1.35),
        (Rung(704, 576, 30, 384_000, "VP8"), 1.35),
    ],
    ids=str,
)
def test_a_slow_line_gets_what_fits_it_and_all_of_it_decodes(rung, most):
    """A face-like picture that moves all the time, with a key frame asked for in the middle, over 8 seconds."""
    encoder, decoder = VideoEncoder(rung), VideoDecoder(rung.codec)
    bucket = fullest = total = 0.0
    sent, last = 0, 0.0
    for index in range(8 * rung.frame_rate):
        time = index / rung.frame_rate
        unit = encoder.encode(moving(rung, index), time, index in (0, 4 * rung.frame_rate))
        if unit is None:
            continue
        sent += 1
        bucket = max(0.0, bucket - (time - last) * rung.bitrate) + 8 * len(unit.data)
        last, total, fullest = time, total + 8 * len(unit.data), max(fullest, bucket)
        assert decoder.decode(unit.data) is not None
    assert fullest <= rung.bitrate * BUFFER_SECONDS * most
    assert 0.6 * rung.bitrate <= total / 8 <= 1.1 * rung.bitrate
    assert sent >= 8 * 7, "no slide show"


def moving(rung: Rung, index: int) -> av.VideoFrame:
    """Soft shapes that turn, with some texture: what a slow line can just about carry."""
    frame = av.VideoFrame(rung.canvas.width, rung.canvas.height, "yuv420p")
    planes = Planes.of(frame)
    height, width = planes.y.shape
    rows, columns = np.arange(height)[:, None], np.arange(width)[None, :]
    shift = 2.5 * index
    texture = np.random.default_rng(1).integers(-6, 7, (height, width + 400))
    luma = 120 + 50 * np.sin((columns + shift) / 23) * np.cos((rows - shift / 2) / 17)
    offset = int(shift) % 400
    planes.y[:] = (luma + texture[:, offset : offset + width]).clip(16, 235)
    planes.u[:] = 120
    planes.v[:] = 134
    return frame


def test_nobody_is_sent_a_key_frame_that_was_not_asked_for_however_long_the_call():
    units = clip(Rung(160, 90, 5, 64_000), 5 * 65)
    assert [index for index, unit in enumerate(units) if unit.keyframe] == [0]


REFRESHED = Rung(320, 180, 10, 400_000, intra_refresh=True)


def test_intra_refresh_makes_a_picture_whole_without_a_key_frame():
    period = REFRESH_SECONDS * REFRESHED.frame_rate
    units = clip(REFRESHED, 3 * period)
    assert not any(unit.keyframe for unit in units[1:])
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    parameter_sets = b"".join(
        b"\0\0\0\1" + nal for nal in re.split(b"\0\0\0?\1", units[0].data) if nal and nal[0] & 0x1F in (7, 8)
    )
    frames = []
    for unit in units[period // 2 :]:  # all before is lost
        frames += decoder.decode(av.Packet(parameter_sets + unit.data))
    assert difference(Planes.of(frames[-1]), pattern(320, 180, 3 * period - 1)) < 12


def test_intra_refresh_makes_no_pulse_where_key_frames_would():
    """Seen once the rate control has settled; the line carries 18 750 bytes in the time of a picture."""
    line = 1_500_000 / 8 / 10
    renewed = clip(Rung(1280, 720, 10, 1_500_000, intra_refresh=True), 100)
    assert max(len(unit.data) for unit in renewed[30:]) < 1.5 * line
    keyed = clip(Rung(1280, 720, 10, 1_500_000), 60, keys=(0, 50))
    assert max(len(unit.data) for unit in keyed[30:]) > 3 * line


@pytest.mark.parametrize("profile", ["main", "high"])
def test_other_profiles_decode_to_themselves(profile):
    decoder = VideoDecoder("H264")
    for index, unit in enumerate(clip(Rung(320, 180, 30, 400_000, profile=profile), 5)):
        assert difference(Planes.of(decoder.decode(unit.data)), pattern(320, 180, index)) < 12


@pytest.mark.parametrize(("codec", "size"), [("H263", (704, 576)), ("H263", (352, 288)), ("H261", (352, 288))])
def test_a_circle_is_one_in_4_cif_and_cif(codec, size):
    """Half the width and half the height of a 4:3 screen have the ratio of 4:3 whatever the pixels are."""
    rung = Rung(*size, 30, 768_000, codec)
    frame = av.VideoFrame(rung.canvas.width, rung.canvas.height, "yuv420p")
    picture = Planes.of(frame)
    picture.fill(Colour(16, 128, 128))
    middle, side = rung.canvas.height // 2, rung.canvas.height // 4
    centre = rung.canvas.width // 2
    picture.y[middle - side : middle + side, centre - side : centre + side] = 200
    decoder = VideoDecoder(codec)
    decoded = decoder.decode(VideoEncoder(rung).encode(frame, 1.0, True).data)
    assert (decoded.width, decoded.height) == size
    bright = Planes.of(decoded).y > 110
    width, height = bright.any(axis=0).sum(), bright.any(axis=1).sum()
    assert decoder.pixel_aspect == Fraction(12, 11)
    assert float(width * decoder.pixel_aspect / height) == pytest.approx(1, abs=0.03)
