from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from layouts.geometry import Rect
from mcu.media.picture.compositor import _MOST_PLACES, Compositor, Layer
from mcu.media.picture.items import Drawing, Fill, Group, Item, Picture, difference, intersection
from mcu.media.picture.overlay import Overlay
from mcu.media.picture.planes import Planes
from tests.media.picture.material import BLUE, GREEN, RED, pattern, solid

if TYPE_CHECKING:
    from mcu.media.picture._paint import Stroke

SIZE = (64, 48)
GROUND: Layer = (Fill(Rect(0, 0, *SIZE), BLUE),)
VEIL = Overlay(Image.effect_noise((48, 48), 90).convert("RGBA"))
VEIL_BELOW = Overlay(Image.merge("RGBA", [Image.effect_noise((64, 48), 90) for _ in range(4)]))


def evens(most: int) -> st.SearchStrategy[int]:
    return st.integers(0, most // 2).map(lambda half: 2 * half)


@st.composite
def rects(draw: st.DrawFn) -> Rect:
    x, y = draw(evens(SIZE[0] - 2)), draw(evens(SIZE[1] - 2))
    return Rect(x, y, draw(evens(SIZE[0] - x - 2)) + 2, draw(evens(SIZE[1] - y - 2)) + 2)


@st.composite
def items(draw: st.DrawFn) -> Item:
    rect = draw(rects())
    match draw(st.integers(0, 3)):
        case 0:
            return Fill(rect, draw(st.sampled_from([RED, GREEN, BLUE])))
        case 1:
            return Picture(rect, pattern(*rect.size, draw(st.integers(0, 9))))
        case 2:
            return Drawing(rect, VEIL_BELOW, 0, 0)
        case _:
            left = Rect(rect.x, rect.y, max(2, rect.width // 4 * 2), rect.height)
            return Group(rect, (Drawing(left, VEIL_BELOW, 0, 0),))


layers = st.lists(items(), max_size=3).map(tuple)
states = st.lists(st.tuples(layers, layers, layers), min_size=2, max_size=5)


def composed(state: Sequence[Layer]) -> Planes:
    made = Compositor(solid(*SIZE, GREEN))
    made.show(state)
    return made.picture


def same(one: Planes, other: Planes) -> bool:
    return all((getattr(one, plane) == getattr(other, plane)).all() for plane in "yuv")


@given(states)
@settings(max_examples=50, deadline=None)
def test_whatever_came_before_the_picture_is_that_of_the_layers(sequence):
    compositor = Compositor(solid(*SIZE, RED))
    for state in sequence:
        compositor.show((GROUND, *state))
        assert same(compositor.picture, composed((GROUND, *state)))
        # One layer moves on, the others are the very same tuples.
        moved = (GROUND, state[0], state[1][1:], state[2])
        compositor.show(moved)
        assert same(compositor.picture, composed(moved))


@given(states, st.data())
@settings(max_examples=50, deadline=None)
def test_several_pictures_painted_on_in_turn_are_each_up_to_date_when_it_is_their_turn(sequence, data):
    pictures = [solid(*SIZE, colour) for colour in (RED, GREEN, BLUE)]
    compositor = Compositor(pictures[0])
    for state in sequence:
        compositor.show((GROUND, *state))
        assert same(compositor.picture, composed((GROUND, *state)))
        compositor.turn_to(data.draw(st.sampled_from(pictures)))
    assert not compositor.show((GROUND, *sequence[-1])), "the layers are the same"
    assert same(compositor.picture, composed((GROUND, *sequence[-1])))


def test_a_picture_that_many_changes_have_passed_by_is_painted_as_a_whole():
    first, second = solid(*SIZE, RED), solid(*SIZE, RED)
    ground = Watched(Rect(0, 0, *SIZE), opaque=True)
    compositor = Compositor(first)
    compositor.show(((ground,),))
    compositor.turn_to(second)
    compositor.show(((ground,), ()))
    compositor.turn_to(first)
    compositor.show(((ground,), ()))
    compositor.turn_to(second)
    for index in range(_MOST_PLACES + 1):
        if index == _MOST_PLACES:
            ground.painted.clear()
            compositor.turn_to(first)
        place = Rect(index % 32 * 2, index // 32 * 2, 2, 2)
        compositor.show(((ground,), (Fill(place, RED),)))
        compositor.show(((ground,), ()))
    assert ground.painted[0] == Rect(0, 0, *SIZE)


@dataclass(frozen=True)
class Watched:
    """An item that notes where it was painted."""

    rect: Rect
    painted: list[Rect] = field(default_factory=list, compare=False)
    opaque: bool = False

    def paint(self, strokes: list[Stroke], clip: Rect) -> None:
        self.painted.append(clip)


def test_what_lies_over_a_change_is_painted_anew_only_there():
    over, under = Watched(Rect(20, 0, 20, 48)), Watched(Rect(0, 0, 64, 48))
    place = Rect(0, 8, 32, 8)
    compositor = Compositor(solid(*SIZE, RED))
    compositor.show((GROUND, (under,), (Picture(place, solid(32, 8, RED)),), (over,)))
    over.painted.clear(), under.painted.clear()
    assert compositor.show((GROUND, (under,), (Picture(place, solid(32, 8, GREEN)),), (over,)))
    assert over.painted == [Rect(20, 8, 12, 8)]
    assert under.painted == []  # the picture hides it


def test_nothing_is_painted_twice_when_two_changes_overlap():
    strip, tile = Rect(0, 32, 64, 16), Rect(0, 0, 32, 40)
    ground = Watched(Rect(0, 0, *SIZE), opaque=True)
    compositor = Compositor(solid(*SIZE, RED))
    compositor.show(((ground,), (Drawing(tile, VEIL_BELOW, 0, 0),), (Drawing(strip, VEIL_BELOW, 0, 0),)))
    ground.painted.clear()
    compositor.show(((ground,), (Drawing(tile, VEIL, 0, 0),), (Drawing(strip, VEIL_BELOW, 0, 2),)))
    covered = np.zeros((SIZE[1], SIZE[0]), int)
    for rect in ground.painted:
        covered[rect.y : rect.bottom, rect.x : rect.right] += 1
    assert covered.max() == 1
    assert covered.sum() == 64 * 16 + 32 * 32


def test_the_same_again_changes_nothing():
    state = (GROUND, (Fill(Rect(0, 0, 8, 8), RED),))
    compositor = Compositor(solid(*SIZE, GREEN))
    assert compositor.show(state)
    assert not compositor.show(state)
    assert not compositor.show((GROUND, (Fill(Rect(0, 0, 8, 8), RED),)))


def test_items_in_another_order_are_painted_in_that_order():
    one, other = Fill(Rect(0, 0, 8, 8), RED), Fill(Rect(0, 0, 8, 8), GREEN)
    compositor = Compositor(solid(*SIZE, BLUE))
    compositor.show((GROUND, (one, other)))
    assert compositor.show((GROUND, (other, one)))
    assert compositor.picture.y[0, 0] == RED.y


def test_an_item_that_is_there_twice_all_at_once_is_painted_twice():
    faint = Overlay(Image.new("RGBA", (8, 8), (255, 255, 255, 80)))
    one, other = Drawing.at(faint, 0, 0), Drawing.at(faint, 8, 0)
    compositor = Compositor(solid(*SIZE, BLUE))
    compositor.show((GROUND, (other,)))
    compositor.show((GROUND, (one, other, other)))
    assert same(compositor.picture, composed((GROUND, (one, other, other))))


@given(rects(), rects())
def test_difference_and_intersection_make_up_the_whole(one, other):
    shared = intersection(one, other)
    parts = difference(one, other) + ([shared] if shared is not None else [])
    covered = np.zeros((SIZE[1], SIZE[0]), int)
    for part in parts:
        covered[part.y : part.bottom, part.x : part.right] += 1
    assert (covered[one.y : one.bottom, one.x : one.right] == 1).all()
    assert covered.sum() == one.width * one.height


@pytest.mark.parametrize("clip", [Rect(4, 6, 8, 2), Rect(2, 4, 12, 10)])
def test_a_part_of_a_picture_is_that_part(clip):
    source, canvas = pattern(12, 10, 3), solid(*SIZE, RED)
    strokes: list[Stroke] = []
    Picture(Rect(2, 4, 12, 10), source).paint(strokes, clip)
    canvas.paint(strokes)
    assert (canvas.window(clip).y == source.window(Rect(clip.x - 2, clip.y - 4, *clip.size)).y).all()
    assert (canvas.y != RED.y).sum() <= clip.width * clip.height
