"""A layout: how a canvas is divided into tiles, in fractions of the canvas, so that one serves every canvas size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from layouts.geometry import ASPECT_TOLERANCE, Rect, even

# Space between tiles as a part of the canvas width: eight pixels at 1920.
_GAP = Fraction(1, 240)


# Divisions of one size that are kept: working with fractions takes a millisecond for 34 tiles, and pictures ask often.
_KEPT = 256


@dataclass(frozen=True, slots=True)
class Cell:
    """A tile's place as fractions of the canvas, from 0 to 1."""

    left: Fraction
    top: Fraction
    right: Fraction
    bottom: Fraction

    @property
    def width(self) -> Fraction:
        return self.right - self.left

    @property
    def height(self) -> Fraction:
        return self.bottom - self.top

    def overlaps(self, other: Cell) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


def square(left: Fraction, top: Fraction, side: Fraction) -> Cell:
    """A cell of the canvas's own aspect: ``side`` is its part of both width and height."""
    return Cell(left, top, left + side, top + side)


WHOLE = square(Fraction(0), Fraction(0), Fraction(1))


@dataclass(frozen=True, slots=True)
class Layout:
    """A named division of the canvas. The first cell is the most prominent one.

    Cells do not overlap, unless ``overlapping`` says so: then later ones lie over earlier ones.
    """

    name: str
    cells: tuple[Cell, ...]
    overlapping: bool = False

    def tiles(self, width: int, height: int) -> tuple[Rect, ...]:
        """The tiles in pixels on a canvas of ``width`` × ``height`` (even numbers), gaps left between them."""
        return _tiles(self, width, height)


@lru_cache(maxsize=_KEPT)
def _tiles(layout: Layout, width: int, height: int) -> tuple[Rect, ...]:
    gap = width * _GAP
    return tuple(_pixels(cell, width, height, Fraction(0) if cell == WHOLE else gap) for cell in layout.cells)


def _pixels(cell: Cell, width: int, height: int, gap: Fraction) -> Rect:
    """The cell less half a gap on each side. Both sides shrink by the same ratio, so a cell keeps its aspect."""
    cell_width = cell.width * width
    cell_height = cell.height * height
    kept = max(1 - gap / cell_width, Fraction(1, 2))
    tile_width, tile_height = _even_below(cell_width * kept), _even_below(cell_height * kept)
    if abs(Fraction(tile_width, max(2, tile_height)) * cell_height / cell_width - 1) > ASPECT_TOLERANCE:
        # Small tiles: rounded up, a picture fits without bars.
        tile_height = even(tile_width * cell_height / cell_width)
    if gap:
        # Rounding moves an edge by up to a pixel; neighbours never meet when each is two pixels smaller than its cell.
        tile_width = max(2, min(tile_width, _even_below(cell_width - 2)))
        tile_height = max(2, min(tile_height, _even_below(cell_height - 2)))
    x = even(cell.left * width + (cell_width - tile_width) / 2)
    y = even(cell.top * height + (cell_height - tile_height) / 2)
    return Rect(x, y, min(tile_width, width - x), min(tile_height, height - y))


def _even_below(value: Fraction) -> int:
    return 2 * math.floor(value / 2)
