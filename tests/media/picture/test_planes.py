import av
import numpy as np
import pytest

from layouts.geometry import Rect
from mcu.media.picture.planes import Colour, Planes
from tests.media.picture.material import GREEN, RED, solid


@pytest.mark.parametrize(
    ("rgb", "yuv"),
    [((0, 0, 0), (16, 128, 128)), ((255, 255, 255), (235, 128, 128)), ((255, 0, 0), (63, 102, 240))],
)
def test_colours_in_studio_range(rgb, yuv):
    assert Colour.rgb(*rgb) == Colour(*yuv)


def test_views_write_into_the_frame():
    frame = av.VideoFrame(64, 48, "yuv420p")
    Planes.of(frame).fill(Colour(77, 88, 99))
    array = frame.to_ndarray()
    assert (array[:48] == 77).all()
    assert set(np.unique(array[48:])) == {88, 99}


def test_padding_and_odd_edges_are_left_out():
    assert Planes.of(av.VideoFrame(35, 21, "yuv420p")).size == (34, 20)


def test_other_formats_are_refused():
    with pytest.raises(ValueError, match="yuv420p"):
        Planes.of(av.VideoFrame(32, 32, "rgb24"))


def test_a_window_shares_memory():
    picture = solid(32, 32, RED)
    picture.window(Rect(8, 4, 16, 8)).paste(solid(16, 8, GREEN))
    assert (picture.y[4:12, 8:24] == GREEN.y).all()
    assert (picture.v[2:6, 4:12] == GREEN.v).all()
    assert picture.y[3, 8] == picture.y[12, 8] == picture.y[4, 7] == picture.y[4, 24] == RED.y


def test_dimming_pulls_towards_black_and_grey():
    picture = solid(4, 4, Colour(116, 28, 228))
    picture.dim(0.5, 0.1)
    assert (picture.y[0, 0], picture.u[0, 0], picture.v[0, 0]) == (66, 118, 138)


def test_dimming_by_one_changes_nothing():
    picture = solid(4, 4, RED)
    picture.dim(1.0, 1.0)
    assert (picture.y == RED.y).all() and (picture.u == RED.u).all() and (picture.v == RED.v).all()
