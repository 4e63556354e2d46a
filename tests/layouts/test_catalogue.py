from collections import Counter
from fractions import Fraction
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layouts.catalogue import CATALOGUE, MAX_TILES, grid, layout_names
from layouts.geometry import Rect
from layouts.grids import bands

layouts = st.sampled_from(sorted(CATALOGUE))
sides = st.integers(64, 1920).map(lambda half: 2 * half)


def test_the_usual_layouts_are_there():
    assert {"1", "2", "3", "4", "6", "9", "16", "25", "1+5", "1+7"} <= CATALOGUE.keys()
    assert layout_names()[0] == "auto"
    assert all(CATALOGUE[name].name == name for name in CATALOGUE)


@given(layouts, sides, sides)
def test_tiles_lie_on_the_canvas_and_do_not_overlap(name, width, height):
    tiles = CATALOGUE[name].tiles(width, height)
    canvas = Rect(0, 0, width, height)
    assert all(canvas.contains(tile) and tile.width >= 2 and tile.height >= 2 for tile in tiles)
    assert any(a.overlaps(b) for a, b in combinations(tiles, 2)) == CATALOGUE[name].overlapping


@pytest.mark.parametrize(
    ("name", "count"),
    [("1+1", 2), ("1+1-side", 2), ("1+2", 3), ("1+3", 4), ("1+4", 5), ("1+5", 6), ("1+7", 8), ("1+9", 10)]
    + [("1+12", 13), ("1+16", 17), ("1+20", 21), ("1+33", 34), ("2+8", 10), ("2+21", 23)]
    + [(str(count), count) for count in range(1, 26)]
    + [("content+1", 2), ("content+4", 5), ("content+5", 6)]
    + [("3-screens", 3), ("3-screens+4", 7), ("content+3-screens", 4)],
)
def test_a_layout_has_as_many_tiles_as_its_name_says(name, count):
    assert len(CATALOGUE[name].cells) == count


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_faces_get_tiles_of_the_pictures_own_aspect(name):
    assert all(cell.width == cell.height for cell in CATALOGUE[name].cells)


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_no_cell_is_larger_than_the_one_before_it_nor_further_from_the_middle_than_it_must(name):
    cells = CATALOGUE[name].cells
    if "3-screens" not in name:  # the room's screens are more important than what is shared below or above
        assert all(after.width <= before.width for before, after in pairwise(cells))
    assert min(cell.left for cell in cells) == 1 - max(cell.right for cell in cells)
    assert min(cell.top for cell in cells) == 1 - max(cell.bottom for cell in cells)


def test_the_small_picture_in_the_large_one_leaves_names_and_edges_free():
    whole, inset = CATALOGUE["1+1"].tiles(1920, 1080)
    assert whole == Rect(0, 0, 1920, 1080)
    assert inset.x > 960 and inset.right < 1920 and inset.bottom < 1080


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_tiles_keep_the_aspect_of_their_cell(name):
    layout = CATALOGUE[name]
    for cell, tile in zip(layout.cells, layout.tiles(1920, 1080), strict=True):
        wanted = Fraction(1920, 1080) * (cell.right - cell.left) / (cell.bottom - cell.top)
        assert tile.width / tile.height == pytest.approx(float(wanted), rel=0.01)


def test_one_tile_fills_the_canvas():
    assert grid(1).tiles(1280, 720) == (Rect(0, 0, 1280, 720),)


def test_two_stand_side_by_side_in_the_middle():
    left, right = grid(2).tiles(1920, 1080)
    assert left.y == right.y == 272
    assert left.size == right.size == (952, 534)
    assert left.right < right.x


def test_an_incomplete_last_row_is_centred():
    *_, last = grid(3).tiles(1920, 1080)
    assert last.x + last.width // 2 == 960


def test_equal_tiles_share_one_size_so_that_a_source_is_scaled_once():
    for count in (2, 3, 4, 6, 9, 12, 16):
        assert len({tile.size for tile in grid(count).tiles(1920, 1080)}) == 1


def test_a_drawn_layout_looks_like_its_drawing():
    large, right, *_, corner = CATALOGUE["1+5"].tiles(1920, 1080)
    assert large.width > 2 * right.width - 20
    assert (right.y, right.size) == (large.y, corner.size)
    assert corner.right == right.right


@pytest.mark.parametrize("count", range(1, MAX_TILES + 1))
def test_rows_of_a_grid_differ_by_one_tile_at_most(count):
    rows = Counter(cell.top for cell in grid(count).cells).values()
    assert max(rows) - min(rows) <= 1


def test_rows_higher_than_the_picture_are_refused():
    with pytest.raises(ValueError, match="higher"):
        bands("no such", 1, 2)


@pytest.mark.parametrize("count", [0, MAX_TILES + 1])
def test_a_grid_has_bounds(count):
    with pytest.raises(ValueError, match="tiles"):
        grid(count)
