"""Layouts for when something is shared."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import pytest

from layouts.sharing import beside_content


@pytest.mark.parametrize("people", range(30))
@pytest.mark.parametrize("size", [(1920, 1080), (1280, 720), (640, 360), (320, 180)])
def test_what_is_shared_is_large_and_nothing_overlaps(people: int, size: tuple[int, int]) -> None:
    large, *faces = beside_content(people).tiles(*size)
    assert large.width * large.height > size[0] * size[1] / 2
    assert len(faces) >= min(people, 9)
    for one, other in combinations([large, *faces], 2):
        assert not one.overlaps(other)
    for tile in (large, *faces):
        assert tile.right <= size[0] and tile.bottom <= size[1]


@pytest.mark.parametrize("people", range(1, 5))
def test_a_few_people_sit_in_a_strip_and_keep_their_aspect(people: int) -> None:
    layout = beside_content(people)
    assert len(layout.cells) == people + 1
    assert all(cell.right - cell.left == cell.bottom - cell.top for cell in layout.cells)
    assert layout.cells[0].right - layout.cells[0].left == Fraction(3, 4)
