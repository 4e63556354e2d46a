"""Drawings become layouts as they look."""

from __future__ import annotations

from fractions import Fraction

import pytest

from layouts.drawings import DRAWINGS, draw
from layouts.layout import Cell, square


def test_letters_are_tiles_and_dots_are_background():
    layout = draw(
        "drawn",
        """
        b A A
        . A A
        . B .
        """,
    )
    third = Fraction(1, 3)
    assert layout.cells == (
        square(third, Fraction(0), 2 * third),
        square(third, 2 * third, third),
        square(Fraction(0), Fraction(0), third),
    )
    assert not layout.overlapping


def test_a_tile_may_be_of_any_rectangular_shape():
    assert draw("wide", "A A").cells == (Cell(Fraction(0), Fraction(0), Fraction(1), Fraction(1)),)


@pytest.mark.parametrize("name", DRAWINGS)
def test_every_tile_is_drawn_as_a_full_rectangle_on_lines_of_one_length(name):
    rows = [line.split() for line in DRAWINGS[name].strip().splitlines()]
    assert len({len(row) for row in rows}) == 1
    letters = {letter for row in rows for letter in row} - {"."}
    for letter in letters:
        places = [(x, y) for y, row in enumerate(rows) for x, one in enumerate(row) if one == letter]
        columns, lines = {x for x, _ in places}, {y for _, y in places}
        assert len(places) == len(columns) * len(lines)
        assert max(columns) - min(columns) + 1 == len(columns) and max(lines) - min(lines) + 1 == len(lines)
