import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mcu.media.picture.overlay import Overlay
from mcu.media.picture.planes import Colour
from tests.media.picture.material import RED, blend, solid

byte = st.integers(0, 255)


def painted(rgba: tuple[int, int, int, int]) -> Overlay:
    return Overlay(Image.new("RGBA", (8, 6), rgba))


def test_a_transparent_drawing_changes_nothing():
    picture = solid(16, 16, RED)
    blend(painted((255, 255, 255, 0)), picture, 2, 4)
    assert (picture.y == RED.y).all() and (picture.u == RED.u).all() and (picture.v == RED.v).all()


@given(byte, byte, byte)
def test_an_opaque_drawing_covers(red, green, blue):
    picture = solid(16, 16, RED)
    blend(painted((red, green, blue, 255)), picture, 2, 4)
    wanted = Colour.rgb(red, green, blue)
    assert abs(int(picture.y[4, 2]) - wanted.y) <= 1
    assert abs(int(picture.u[2, 1]) - wanted.u) <= 1
    assert abs(int(picture.v[2, 1]) - wanted.v) <= 1


@given(byte, byte)
def test_blending_stays_between_the_two(alpha, ground):
    picture = solid(8, 6, Colour(ground, 128, 128))
    blend(painted((255, 255, 255, alpha)), picture, 0, 0)
    wanted = ground + (235 - ground) * alpha / 255
    assert abs(int(picture.y[0, 0]) - wanted) <= 1.5


def test_only_its_region_is_touched():
    picture = solid(32, 32, RED)
    drawing = painted((0, 0, 0, 255))
    blend(drawing, picture, 10, 12)
    touched = picture.y != RED.y
    assert touched.sum() == 48
    assert np.argwhere(touched).min(axis=0).tolist() == [12, 10]
    assert drawing.at(10, 12).size == (8, 6)


def test_odd_sizes_and_other_modes_are_refused():
    for image in (Image.new("RGBA", (7, 6)), Image.new("RGB", (8, 6))):
        with pytest.raises(ValueError, match="RGBA image of even size"):
            Overlay(image)
