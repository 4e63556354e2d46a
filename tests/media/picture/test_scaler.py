import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace

from mcu.media.picture.planes import Colour, Planes
from mcu.media.picture.scaler import Scaler
from tests.media.picture.material import RED, difference, pattern, pattern_frame


def grey(pixel_format: str, value: int) -> av.VideoFrame:
    frame = av.VideoFrame(64, 36, pixel_format)
    for index, plane in enumerate(frame.planes):
        np.frombuffer(plane, np.uint8)[:] = value if index == 0 else 128
    return frame


def test_a_picture_of_the_right_size_is_not_copied():
    frame = pattern_frame(64, 36)
    scaled = Scaler().scale(frame, (64, 36))
    assert np.shares_memory(scaled.y, Planes.of(frame).y)


def test_down_and_up():
    for size in ((32, 18), (128, 72)):
        assert Scaler().scale(grey("yuv420p", 100), size).y.tolist() == [[100] * size[0]] * size[1]


def test_one_scaler_takes_a_source_that_changes_its_size():
    scaler = Scaler()
    for width, height in ((128, 72), (64, 36), (320, 180)):
        scaled = scaler.scale(pattern_frame(width, height), (64, 36))
        assert scaled.size == (64, 36)
    assert difference(scaled, pattern(64, 36)) < 60


@pytest.mark.parametrize("pixel_format", ["yuvj420p", "yuvj422p", "yuv420p"])
@pytest.mark.parametrize("size", [(64, 36), (32, 18)])
def test_full_range_becomes_studio_range(pixel_format, size):
    frame = grey(pixel_format, 255)
    frame.color_range = ColorRange.JPEG
    assert Scaler().scale(frame, size).y[4, 4] == 235


@pytest.mark.parametrize("size", [(64, 36), (32, 18), (128, 72)])
def test_pictures_of_standard_definition_change_their_matrix(size):
    frame = av.VideoFrame(64, 36, "yuv420p")
    Planes.of(frame).fill(Colour(91, 104, 198))  # a red in BT.601
    scaled = Scaler().scale(frame, size, Colorspace.ITU601)
    found = (int(scaled.y[4, 4]), int(scaled.u[2, 2]), int(scaled.v[2, 2]))
    assert found == pytest.approx((RED.y, RED.u, RED.v), abs=2)


@pytest.mark.parametrize("pixel_format", ["yuv422p", "yuv444p"])
def test_other_formats_become_420(pixel_format):
    scaled = Scaler().scale(grey(pixel_format, 100), (32, 18))
    assert (int(scaled.y[4, 4]), int(scaled.u[2, 2])) == (100, 128)
