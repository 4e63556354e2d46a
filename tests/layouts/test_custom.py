"""Layouts that somebody makes up: what can be shown is taken, anything else is refused with the cell and the reason."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layouts.automatic import layout_named
from layouts.custom import MAX_CELLS, MIN_SIDE, LayoutError, custom_layout, layout_of
from layouts.geometry import Rect
from layouts.layout import Cell

HALVES = [(0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 0.5, 1.0)]
INSET = [(0.0, 0.0, 1.0, 1.0), (0.7, 0.7, 0.25, 0.25)]


def test_cells_are_where_they_were_said_to_be():
    layout = custom_layout("两半 halves", HALVES)
    assert layout.cells == (Cell(*map(Fraction, ("0", "0", "1/2", "1"))), Cell(*map(Fraction, ("1/2", "0", "1", "1"))))
    assert not layout.overlapping


@pytest.mark.parametrize("third", [1 / 3, 0.3333, 0.33334])
def test_thirds_need_not_be_typed_to_the_last_digit(third):
    layout = custom_layout("thirds", [(index * third, 0.0, third, 1.0) for index in range(3)])
    assert not any(one.overlaps(other) for one, other in combinations(layout.tiles(1920, 1080), 2))
    assert all(tile.right <= 1920 for tile in layout.tiles(1920, 1080))


def test_an_overlap_is_allowed_when_it_is_said():
    with pytest.raises(LayoutError, match="cell 2 overlaps cell 1"):
        custom_layout("inset", INSET)
    assert custom_layout("inset", INSET, overlap=True).overlapping


def test_the_worker_takes_what_was_allowed_and_knows_that_it_overlaps():
    assert layout_of("inset", INSET) == custom_layout("inset", INSET, overlap=True)
    assert layout_of("halves", HALVES) == custom_layout("halves", HALVES)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ([], "1 to 36 cells, not 0"),
        ([(0.0, 0.0, 0.1, 0.1)] * (MAX_CELLS + 1), "not 37"),
        ([*HALVES, (-0.1, 0.0, 0.5, 0.5)], "cell 3 begins outside of the picture: left is -0.1"),
        ([(0.0, -0.2, 0.5, 0.5)], "cell 1 begins outside of the picture: top"),
        ([(0.6, 0.0, 0.5, 0.5)], "cell 1 ends outside of the picture: left and width make 1.1"),
        ([(0.0, 0.6, 0.5, 0.5)], "cell 1 ends outside of the picture: top and height make 1.1"),
        ([(0.0, 0.0, 0.01, 0.5)], "cell 1 is too small: width is 0.01, less than 0.05"),
        ([(0.0, 0.0, 0.5, 0.0)], "cell 1 is too small: height is 0"),
        ([(0.0, 0.0, float("nan"), 0.5)], "cell 1: every number must be finite"),
        ([(float("inf"), 0.0, 0.5, 0.5)], "cell 1: every number must be finite"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_the_cell_and_the_reason(cells, reason):
    with pytest.raises(LayoutError, match=reason):
        custom_layout("mine", cells)


def test_a_cell_that_hides_another_is_refused_even_where_overlaps_are_allowed():
    with pytest.raises(LayoutError, match="cell 2 hides cell 1"):
        custom_layout("mine", [(0.2, 0.2, 0.2, 0.2), (0.0, 0.0, 1.0, 1.0)], overlap=True)


@pytest.mark.parametrize("name", ["", " ", " a", "a" * 33, "a\nb", "<b>", "auto"])
def test_a_name_must_be_fit_for_menus_and_addresses(name):
    with pytest.raises(LayoutError, match="name"):
        custom_layout(name, HALVES)


def test_own_layouts_come_before_those_of_the_catalogue():
    own = {"4": custom_layout("4", HALVES)}
    assert layout_named("4", 9, own) is own["4"]
    assert len(layout_named("auto", 4, own).cells) == 4
    with pytest.raises(KeyError):
        layout_named("mine", 4, own)


numbers = st.floats(allow_nan=True, allow_infinity=True) | st.floats(-0.1, 1.1) | st.sampled_from([0.0, 0.25, 0.5, 1.0])


@given(st.lists(st.tuples(numbers, numbers, numbers, numbers), max_size=6), st.booleans())
def test_whatever_is_accepted_lies_inside_is_large_enough_and_overlaps_only_if_said(cells, overlap):
    try:
        layout = custom_layout("mine", cells, overlap=overlap)
    except LayoutError:
        return
    for width, height in ((1920, 1080), (352, 288)):
        tiles = layout.tiles(width, height)
        assert all(Rect(0, 0, width, height).contains(tile) for tile in tiles)
        assert all(tile.width >= 2 and tile.height >= 2 for tile in tiles)
        assert overlap or not any(one.overlaps(other) for one, other in combinations(tiles, 2))
    assert all(cell.width >= MIN_SIDE - Fraction(1, 1000) for cell in layout.cells)
