"""Layouts that somebody makes up: checked, so that every one can be shown."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction

from layouts.automatic import AUTOMATIC
from layouts.layout import Cell, Layout

MAX_CELLS = 36
"""Six by six; each is decoded and scaled for itself."""

MIN_SIDE = Fraction(1, 20)
"""Of the picture's width and height: 96 × 54 pixels at 1080p, below which nothing can be told from anything."""

MAX_NAME = 32

# Fractions are often typed with few digits (0.333), so edges may miss each other by this much: a fifth of a pixel.
_TOLERANCE = Fraction(1, 10_000)

# A number with more digits than a picture has pixels is the fraction nearest to it: 0.3333333 is a third.
_LARGEST_DENOMINATOR = 100_000

# A name is part of addresses, menus and log lines.
_NAME = re.compile(r"[\w+×./ -]+")


class LayoutError(ValueError):
    """A layout cannot be: says which cell, counted from 1, and why."""


def custom_layout(name: str, cells: Sequence[tuple[float, float, float, float]], *, overlap: bool = False) -> Layout:
    """A layout of ``cells`` as (left, top, width, height), fractions of the picture with the origin top left.

    The first cell is the most prominent. With ``overlap`` later cells may lie over earlier ones, but none may be hidden
    by a single other. Raises LayoutError.
    """
    if not _NAME.fullmatch(name) or name != name.strip() or len(name) > MAX_NAME:
        raise LayoutError(f"a layout's name has 1 to {MAX_NAME} letters, digits, spaces or signs of + - × . / _")
    if name == AUTOMATIC:
        raise LayoutError(f"{AUTOMATIC!r} is the name of the layout that goes by the number of people")
    if not 1 <= len(cells) <= MAX_CELLS:
        raise LayoutError(f"a layout has 1 to {MAX_CELLS} cells, not {len(cells)}")
    made = tuple(_cell(number, numbers) for number, numbers in enumerate(cells, 1))
    for number, cell in enumerate(made, 1):
        for other_number, other in enumerate(made[: number - 1], 1):
            if not overlap and _overlap(cell, other):
                raise LayoutError(f"cell {number} overlaps cell {other_number}, which has not been allowed")
            if _covers(cell, other):
                raise LayoutError(f"cell {number} hides cell {other_number}")
    return layout_of(name, cells)


def layout_of(name: str, cells: Sequence[tuple[float, float, float, float]]) -> Layout:
    """The same without any check, for what has been checked before; overlaps are what they are."""
    made = tuple(_fractions(numbers) for numbers in cells)
    overlapping = any(_overlap(cell, other) for index, cell in enumerate(made) for other in made[:index])
    return Layout(name, made, overlapping)


def _cell(number: int, numbers: tuple[float, float, float, float]) -> Cell:
    if not all(math.isfinite(value) for value in numbers):
        raise LayoutError(f"cell {number}: every number must be finite")
    left, top, width, height = numbers
    for what, start, length in (("left", left, width), ("top", top, height)):
        side = "width" if what == "left" else "height"
        if start < 0:
            raise LayoutError(f"cell {number} begins outside of the picture: {what} is {start:g}, less than 0")
        if length < MIN_SIDE:
            raise LayoutError(f"cell {number} is too small: {side} is {length:g}, less than {float(MIN_SIDE):g}")
        if start + length > 1 + _TOLERANCE:
            raise LayoutError(f"cell {number} ends outside of the picture: {what} and {side} make {start + length:g}")
    return _fractions(numbers)


def _fractions(numbers: tuple[float, float, float, float]) -> Cell:
    left, top, width, height = (Fraction(value).limit_denominator(_LARGEST_DENOMINATOR) for value in numbers)
    return Cell(left, top, min(Fraction(1), left + width), min(Fraction(1), top + height))


def _overlap(one: Cell, other: Cell) -> bool:
    """By more than what careless rounding makes."""
    across = min(one.right, other.right) - max(one.left, other.left)
    down = min(one.bottom, other.bottom) - max(one.top, other.top)
    return across > _TOLERANCE and down > _TOLERANCE


def _covers(upper: Cell, lower: Cell) -> bool:
    return (
        upper.left <= lower.left
        and upper.top <= lower.top
        and upper.right >= lower.right
        and upper.bottom >= lower.bottom
    )
