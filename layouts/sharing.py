"""Layouts for when something is shared: it is large in the first cell, the people sit in a strip beside or below."""

from __future__ import annotations

from fractions import Fraction

from layouts.drawings import DRAWINGS, draw
from layouts.grids import grid, rows_of
from layouts.layout import Layout, square

# A strip on the right holds so many people, and one below so many.
_BESIDE, _BELOW = 4, 5


def _beside(people: int) -> Layout:
    """Three quarters for what is shared and a quarter for each face, so that all keep the canvas's aspect."""
    quarter = Fraction(1, 4)
    top = (1 - people * quarter) / 2
    faces = (square(3 * quarter, top + index * quarter, quarter) for index in range(people))
    return Layout(f"content+{people}", (square(Fraction(0), quarter / 2, 3 * quarter), *faces))


def _below(people: int) -> Layout:
    fifth = Fraction(1, 5)
    return Layout(f"content+{people}", rows_of([1, people], [4 * fifth, fifth]))


CONTENT_LAYOUTS = (*(_beside(people) for people in range(1, _BESIDE + 1)), _below(_BELOW))
"""The first shows what is shared beside one person: who speaks. The others have a strip of people."""

_MORE = {7: draw("1+7", DRAWINGS["1+7"]), 9: draw("1+9", DRAWINGS["1+9"])}
"""For more people than a strip holds: a column and a row."""


def beside_content(people: int) -> Layout:
    """The first cell for what is shared, then one for each of ``people``; of more than nine, nine are seen."""
    if people <= 0:
        return grid(1)
    if people <= len(CONTENT_LAYOUTS):
        return CONTENT_LAYOUTS[people - 1]
    return _MORE[7 if people <= 7 else 9]
