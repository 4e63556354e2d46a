"""Layouts for rooms with three screens: left, middle and right of one room side by side, as they hang on its wall."""

from __future__ import annotations

from fractions import Fraction

from layouts.grids import bands, rows_of
from layouts.layout import Layout

_THIRD = Fraction(1, 3)

SCREENS = (
    bands("3-screens", 3),
    bands("3-screens+4", 3, 4),
    # What is shared stands above the room.
    Layout("content+3-screens", rows_of([1, 3], [2 * _THIRD, _THIRD])),
)
