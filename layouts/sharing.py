"""Layouts for when something is shared: it is large, and the people sit in a strip beside it."""

from __future__ import annotations

from fractions import Fraction

from layouts.catalogue import CATALOGUE, Cell, Layout

# A strip on the right holds so many people; for more there is a row below as well.
_STRIP = 4


def beside_content(people: int) -> Layout:
    """The first cell for what is shared, then one for each of ``people``; of more than nine, nine are seen."""
    if people <= 0:
        return CATALOGUE["1"]
    if people <= _STRIP:
        return _STRIPS[people - 1]
    return CATALOGUE["1+7" if people <= 7 else "1+9"]


def _strip(people: int) -> Layout:
    """Three quarters for what is shared and a quarter for each face, so that all keep the canvas's aspect."""
    quarter = Fraction(1, 4)
    large = Cell(Fraction(0), quarter / 2, 3 * quarter, 1 - quarter / 2)
    top = (1 - people * quarter) / 2
    faces = (
        Cell(3 * quarter, top + index * quarter, Fraction(1), top + (index + 1) * quarter) for index in range(people)
    )
    return Layout(f"content+{people}", (large, *faces))


_STRIPS = tuple(_strip(people) for people in range(1, _STRIP + 1))
