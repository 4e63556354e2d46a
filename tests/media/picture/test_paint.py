"""Compiled painting against painting as it is meant, and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from layouts.geometry import Rect
from mcu.media.picture._paint import BLEND, FILL, MOST_STROKES, PASTE, RELIEF
from mcu.media.picture.overlay import Overlay, Relief
from mcu.media.picture.planes import Planes
from tests.media.picture import painted
from tests.media.picture.material import RED, pattern, solid

if TYPE_CHECKING:
    from mcu.media.picture._paint import Stroke

SIZE = WIDTH, HEIGHT = (70, 46)
SOURCE = 90, 60


def noise(width: int, height: int, seed: int) -> Planes:
    random = np.random.default_rng(seed)
    shapes = ((height, width), (height // 2, width // 2), (height // 2, width // 2))
    y, u, v = (random.integers(0, 256, shape, np.uint8) for shape in shapes)
    return Planes(y, u, v)


OVERLAY = Overlay(Image.merge("RGBA", [Image.effect_noise(SOURCE, 90) for _ in range(4)]))
HILLS = Relief(noise(*SOURCE, 1).y, noise(*SOURCE, 2).y)


def evens(least: int, most: int) -> st.SearchStrategy[int]:
    return st.integers(least // 2, most // 2).map(lambda half: 2 * half)


@st.composite
def strokes(draw: st.DrawFn) -> Stroke:
    x, y = draw(evens(0, WIDTH)), draw(evens(0, HEIGHT))
    part = Rect(x, y, draw(evens(0, WIDTH - x)), draw(evens(0, HEIGHT - y)))
    from_x, from_y = draw(evens(0, SOURCE[0] - part.width)), draw(evens(0, SOURCE[1] - part.height))
    place = part.x, part.y, part.width, part.height
    match draw(st.sampled_from([FILL, PASTE, BLEND, RELIEF])):
        case kind if kind == FILL:
            return (FILL, *place, *draw(st.tuples(*[st.integers(0, 255)] * 3)))
        case kind if kind == PASTE:
            # A window of a larger picture: its rows do not adjoin.
            source = noise(SOURCE[0] + 6, SOURCE[1] + 4, draw(st.integers(0, 9))).window(Rect(4, 2, *SOURCE))
            return (PASTE, *place, from_x, from_y, source.y, source.u, source.v)
        case kind if kind == BLEND:
            return OVERLAY.stroke(part, part.x - from_x, part.y - from_y)
        case _:
            return HILLS.stroke(part, part.x - from_x, part.y - from_y)


@settings(max_examples=200, deadline=None)
@given(st.lists(strokes(), max_size=8), st.integers(0, 99))
def test_it_paints_what_is_meant(several: list[Stroke], seed: int) -> None:
    # In a window of a larger picture, so that what runs over is seen.
    around, meant = noise(WIDTH + 8, HEIGHT + 8, seed), noise(WIDTH + 8, HEIGHT + 8, seed)
    inner = Rect(4, 4, *SIZE)
    around.window(inner).paint(several)
    painted.paint(meant.window(inner), several)
    for made, wanted in ((around.y, meant.y), (around.u, meant.u), (around.v, meant.v)):
        assert (made == wanted).all()


def test_a_large_picture_is_painted_without_the_interpreters_lock_to_the_same_result() -> None:
    one, other, source = solid(640, 360, RED), solid(640, 360, RED), noise(640, 360, 3)
    several: list[Stroke] = [(PASTE, 0, 0, 640, 360, 0, 0, source.y, source.u, source.v), (FILL, 2, 4, 600, 8, 1, 2, 3)]
    one.paint(several)
    painted.paint(other, several)
    assert (one.y == other.y).all() and (one.u == other.u).all() and (one.v == other.v).all()


GOOD = pattern(*SIZE)
PLANES = GOOD.y, GOOD.u, GOOD.v
WIDE = np.zeros((HEIGHT, WIDTH), np.uint16)


@pytest.mark.parametrize(
    "wrong",
    [
        (FILL, 0, 0, WIDTH + 2, 2, 0, 0, 0),
        (FILL, 0, 0, 2, HEIGHT + 2, 0, 0, 0),
        (FILL, -2, 0, 4, 4, 0, 0, 0),
        (FILL, 0, -2, 4, 4, 0, 0, 0),
        (FILL, 0, 0, -2, 4, 0, 0, 0),
        (FILL, 2**31 - 2, 0, 4, 4, 0, 0, 0),
        (FILL, 4, 0, 2**31 - 2, 4, 0, 0, 0),
        (FILL, 1, 0, 4, 4, 0, 0, 0),
        (FILL, 0, 0, 4, 3, 0, 0, 0),
        (PASTE, 0, 0, 4, 4, WIDTH - 2, 0, *PLANES),
        (PASTE, 0, 0, 4, 4, 0, HEIGHT - 2, *PLANES),
        (PASTE, 0, 0, 4, 4, -2, 0, *PLANES),
        (PASTE, 0, 0, 4, 4, 1, 0, *PLANES),
        (PASTE, 0, 0, 4, 4, 2**31 - 2, 0, *PLANES),
        (PASTE, 0, 0, WIDTH, 4, 0, 0, GOOD.y, GOOD.u[:, :-1], GOOD.v),
        (PASTE, 0, 0, WIDTH, 4, 0, 0, GOOD.y, GOOD.u, GOOD.v[:1]),
        (PASTE, 0, 0, 4, 4, 0, 0, GOOD.y[:, ::2], GOOD.u, GOOD.v),
        (PASTE, 0, 0, 4, 4, 0, 0, GOOD.y[::-1], GOOD.u, GOOD.v),
        (PASTE, 0, 0, 4, 4, 0, 0, GOOD.y.ravel(), GOOD.u, GOOD.v),
        (PASTE, 0, 0, 4, 4, 0, 0, WIDE, GOOD.u, GOOD.v),
        (BLEND, 0, 0, 4, 4, 0, 0, WIDE, WIDE, WIDE, WIDE, WIDE, GOOD.v),
        (BLEND, 0, 0, 4, 4, 0, 0, WIDE, WIDE[:2], WIDE, WIDE, WIDE, WIDE),
        (RELIEF, 0, 0, 4, 4, 0, 0, WIDE),
        (RELIEF, 4, 4, 6, 6, WIDTH, 0, GOOD.y),
        (4, 0, 0, 4, 4),
        (-1, 0, 0, 4, 4),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_painted(wrong: Any) -> None:
    picture = solid(*SIZE, RED)
    with pytest.raises(ValueError, match=r"stroke|plane"):
        picture.paint([(FILL, 0, 0, 8, 8, 1, 2, 3), wrong])
    assert (picture.y == RED.y).all()


@pytest.mark.parametrize(
    "wrong", [(), (FILL,), (FILL, 0, 0, 4, 4, 0, 0), (PASTE, 0, 0, 4, 4, 0, 0, 1, 2, 3), ("x",), 7, None]
)
def test_what_is_no_stroke_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError):
        solid(*SIZE, RED).paint([wrong])


def test_a_colour_or_a_place_that_is_no_such_number_is_refused() -> None:
    wrong: list[Any] = [(FILL, 0, 0, 4, 4, 256, 0, 0), (FILL, 2**40, 0, 4, 4, 0, 0, 0)]
    for stroke in wrong:
        with pytest.raises(OverflowError):
            solid(*SIZE, RED).paint([stroke])


def test_planes_that_make_no_picture_or_cannot_be_written_are_refused() -> None:
    y, u, v = PLANES
    for planes in ((y, u[:-1], v), (y, u, v[:, :-1]), (y[:-1], u, v), (u, u, v)):
        with pytest.raises(ValueError, match="picture"):
            Planes(*planes).paint([])
    locked = y.copy()
    locked.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        Planes(locked, u, v).paint([])


def test_no_more_strokes_than_a_picture_needs() -> None:
    picture = solid(*SIZE, RED)
    picture.paint([(FILL, 0, 0, 2, 2, 1, 2, 3)] * MOST_STROKES)
    with pytest.raises(ValueError, match="too many"):
        picture.paint([(FILL, 0, 0, 2, 2, 1, 2, 3)] * (MOST_STROKES + 1))
