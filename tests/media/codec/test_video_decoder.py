import random
from fractions import Fraction

import av
import pytest

from mcu.media.codec.video_decoder import CLEAN_PICTURES, STRICT_FAILURES, VideoDecoder
from mcu.media.picture.planes import Planes
from mcu.media.picture.state import Rung
from tests.media.picture.material import clip, difference, pattern

H264 = Rung(320, 180, 30, 400_000)
VP8 = Rung(320, 180, 30, 400_000, "VP8")


def damaged(data: bytes, seed: int) -> bytes:
    rng = random.Random(seed)
    octets = bytearray(data)
    for _ in range(1 + len(octets) // 100):
        octets[rng.randrange(len(octets) // 4, len(octets))] = rng.randrange(256)
    return bytes(octets)


@pytest.mark.parametrize("rung", [H264, VP8], ids=str)
def test_a_whole_stream_gives_a_picture_for_each_unit(rung):
    decoder = VideoDecoder(rung.codec)
    assert decoder.key_frame_wanted
    assert all(decoder.decode(unit.data) for unit in clip(rung, 20))
    assert not decoder.key_frame_wanted and not decoder.broken


@pytest.mark.parametrize("rung", [H264, VP8], ids=str)
def test_in_the_middle_of_a_stream_nothing_is_shown_before_a_key_frame(rung):
    decoder = VideoDecoder(rung.codec)
    units = clip(rung, 20, keys=(0, 12))
    shown = [decoder.decode(unit.data) is not None for unit in units[5:]]
    assert shown == [False] * 7 + [True] * 8


def test_a_damaged_picture_is_not_shown_and_a_key_frame_is_wanted_until_it_comes():
    decoder = VideoDecoder("H264")
    units = clip(H264, 20, keys=(0, 12))
    for index, unit in enumerate(units):
        frame = decoder.decode(damaged(unit.data, 7) if index == 5 else unit.data)
        assert (frame is None) == decoder.key_frame_wanted == (5 <= index < 12)
        if frame is not None:
            assert difference(Planes.of(frame), pattern(320, 180, index)) < 12
    assert decoder.broken == 1


def test_units_left_out_on_purpose_need_a_key_frame():
    decoder = VideoDecoder("H264")
    units = clip(H264, 6, keys=(0, 4))
    decoder.decode(units[0].data)
    decoder.missed()
    assert decoder.decode(units[3].data) is None
    assert decoder.decode(units[4].data) is not None


def test_a_stream_that_never_sends_a_key_frame_again_is_shown_after_a_while():
    decoder = VideoDecoder("H264")
    units = clip(H264, CLEAN_PICTURES + 3)
    decoder.decode(units[0].data)
    decoder.missed()
    shown = [decoder.decode(unit.data) is not None for unit in units[1:]]
    assert shown.index(True) == CLEAN_PICTURES - 1


def test_a_change_of_size_in_mid_stream():
    decoder = VideoDecoder("H264")
    sizes = []
    for rung in (H264, Rung(160, 120, 30, 200_000), Rung(640, 360, 30, 400_000)):
        sizes += [(f.width, f.height) for unit in clip(rung, 3) if (f := decoder.decode(unit.data))]
    assert sizes == [(320, 180)] * 3 + [(160, 120)] * 3 + [(640, 360)] * 3


def test_a_picture_larger_than_any_camera_makes_is_refused():
    decoder = VideoDecoder("H264")
    (unit,) = clip(Rung(3872, 2176, 1, 4_000_000), 1)
    assert decoder.decode(unit.data) is None
    assert decoder.broken and decoder.key_frame_wanted


def test_a_stream_that_always_fails_is_read_leniently_in_the_end():
    decoder = VideoDecoder("H264")
    units = clip(H264, 2)
    for index in range(STRICT_FAILURES):
        decoder.decode(damaged(units[0].data, index))
    assert decoder.decode(units[0].data) is not None


def test_pixel_aspect_of_a_television_picture():
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = 352, 288, "yuv420p"
    context.time_base, context.sample_aspect_ratio = Fraction(1, 30), Fraction(12, 11)
    context.options = {"tune": "zerolatency"}
    (packet,) = context.encode(av.VideoFrame(352, 288, "yuv420p"))
    decoder = VideoDecoder("H264")
    assert decoder.pixel_aspect == 1
    decoder.decode(bytes(packet))
    assert decoder.pixel_aspect == Fraction(12, 11)


@pytest.mark.parametrize("rung", [H264, VP8], ids=str)
def test_whatever_is_done_to_a_real_stream_nothing_escapes(rung):
    decoder = VideoDecoder(rung.codec)
    for seed, unit in enumerate(clip(rung, 60, keys=(0, 20, 40))):
        decoder.decode(damaged(unit.data, seed) if seed % 3 else unit.data[: seed * 5])


def test_a_stream_whose_sender_cannot_repeat_is_mended_from_the_next_key_frame_on():
    decoder = VideoDecoder("H264")
    units = clip(H264, 30, keys=(0, 8))
    shown = []
    for index, unit in enumerate(units):
        cut = index in (4, 16)
        data = unit.data[: len(unit.data) // 2] if cut else unit.data
        frame = decoder.decode(data, damaged=cut or 4 <= index < 8 or index > 16)
        shown.append(frame is not None)
        if frame is not None:
            assert difference(Planes.of(frame), pattern(320, 180, index)) < 25
    assert shown == [True] * 4 + [False] * 4 + [True] * 22


def test_a_mended_stream_that_does_not_decode_at_all_shows_nothing_and_goes_on():
    decoder = VideoDecoder("H264")
    units = clip(H264, 12, keys=(0, 4))
    decoder.decode(units[0].data, damaged=True)
    for unit in units[1:8]:
        decoder.decode(unit.data)
    assert decoder.decode(b"\x00\x00\x00\x01\x41\xff", damaged=True) is None
    assert decoder.decode(units[8].data, damaged=True) is not None
