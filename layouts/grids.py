"""Layouts of tiles in rows: equal ones for any number, and bands of different sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from layouts.layout import Cell, Layout, square

MAX_TILES = 25
"""Of equal size. Beyond this, names and faces on a 1080p canvas are too small to be of use."""


def grid(count: int) -> Layout:
    """``count`` tiles of equal size and of the canvas's own aspect, in rows as even as can be, shorter ones centred.

    Raises ValueError below 1 and above MAX_TILES.
    """
    if not 1 <= count <= MAX_TILES:
        raise ValueError(f"a layout has 1 to {MAX_TILES} tiles, not {count}")
    columns = math.isqrt(count - 1) + 1
    rows = -(-count // columns)
    return Layout(str(count), rows_of(_spread(count, rows), [Fraction(1, columns)] * rows))


def _spread(count: int, rows: int) -> list[int]:
    """How many in each row: symmetric with the longer rows in the middle where that can be, else these first."""
    each, longer = divmod(count, rows)
    shorter = rows - longer
    if rows % 2 == 0 and longer % 2:
        return [each + 1] * longer + [each] * shorter
    half = [each] * (shorter // 2) + [each + 1] * (longer // 2)
    middle = [each + longer % 2] if rows % 2 else []
    return [*half, *middle, *reversed(half)]


def bands(name: str, *counts: int) -> Layout:
    """Rows of so many tiles, each row as wide as the canvas and all together in the middle of it.

    Raises ValueError when they are higher than the canvas.
    """
    return Layout(name, rows_of(counts, [Fraction(1, count) for count in counts]))


def rows_of(counts: Sequence[int], sides: Sequence[Fraction]) -> tuple[Cell, ...]:
    """Rows of ``counts`` tiles whose sides are ``sides``, each row centred, all rows centred."""
    height = sum(sides, Fraction(0))
    if height > 1:
        raise ValueError(f"rows of {counts} are higher than the picture")
    cells: list[Cell] = []
    top = (1 - height) / 2
    for count, side in zip(counts, sides, strict=True):
        left = (1 - count * side) / 2
        cells += [square(left + index * side, top, side) for index in range(count)]
        top += side
    return tuple(cells)
