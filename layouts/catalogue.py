"""Layouts by name: how a canvas is divided into tiles.

A layout is a set of cells in fractions of the canvas, so one layout serves every canvas size. Plain grids are made by
rule (their names are their numbers of tiles); layouts with a large tile are drawn below, as they look.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from layouts.geometry import Rect, even

MAX_TILES = 25
"""Beyond this, names and faces on a 1080p canvas are too small to be of use."""

# Space between tiles as a part of the canvas width: eight pixels at 1920.
_GAP = Fraction(1, 240)


@dataclass(frozen=True, slots=True)
class Cell:
    """A tile's place as fractions of the canvas, from 0 to 1."""

    left: Fraction
    top: Fraction
    right: Fraction
    bottom: Fraction


@dataclass(frozen=True, slots=True)
class Layout:
    """A named division of the canvas. The first cell is the most prominent one; cells never overlap."""

    name: str
    cells: tuple[Cell, ...]

    def tiles(self, width: int, height: int) -> tuple[Rect, ...]:
        """The tiles in pixels on a canvas of ``width`` × ``height`` (even numbers), gaps left between them."""
        if len(self.cells) == 1:
            return (_pixels(self.cells[0], width, height, Fraction(0)),)
        return tuple(_pixels(cell, width, height, width * _GAP) for cell in self.cells)


def _pixels(cell: Cell, width: int, height: int, gap: Fraction) -> Rect:
    """The cell less half a gap on each side. Both sides shrink by the same ratio, so a cell keeps its aspect."""
    cell_width = (cell.right - cell.left) * width
    cell_height = (cell.bottom - cell.top) * height
    kept = 1 - gap / cell_width
    tile_width, tile_height = _even_below(cell_width * kept), _even_below(cell_height * kept)
    if gap:
        # Rounding moves an edge by up to a pixel; neighbours never meet when each is two pixels smaller than its cell.
        tile_width = max(2, min(tile_width, _even_below(cell_width - 2)))
        tile_height = max(2, min(tile_height, _even_below(cell_height - 2)))
    x = even(cell.left * width + (cell_width - tile_width) / 2)
    y = even(cell.top * height + (cell_height - tile_height) / 2)
    return Rect(x, y, min(tile_width, width - x), min(tile_height, height - y))


def _even_below(value: Fraction) -> int:
    return 2 * math.floor(value / 2)


def grid(count: int) -> Layout:
    """``count`` tiles of equal size and of the canvas's own aspect, in rows, the last row centred.

    Raises ValueError below 1 and above MAX_TILES.
    """
    if not 1 <= count <= MAX_TILES:
        raise ValueError(f"a layout has 1 to {MAX_TILES} tiles, not {count}")
    columns = math.isqrt(count - 1) + 1
    rows = -(-count // columns)
    side = Fraction(1, columns)
    top = (1 - rows * side) / 2
    cells = []
    for index in range(count):
        row, column = divmod(index, columns)
        in_row = min(columns, count - row * columns)
        left = (1 - in_row * side) / 2 + column * side
        y = top + row * side
        cells.append(Cell(left, y, left + side, y + side))
    return Layout(str(count), tuple(cells))


# One letter is one tile (in alphabetical order of importance), a dot is background. Each drawing fills the canvas.
_DRAWINGS = {
    "1+2": """
        . . . . . .
        A A A A B B
        A A A A B B
        A A A A C C
        A A A A C C
        . . . . . .
    """,
    "1+3": """
        . . . .
        A A A B
        A A A B
        A A A C
        A A A C
        A A A D
        A A A D
        . . . .
    """,
    "1+5": """
        A A B
        A A C
        D E F
    """,
    "1+7": """
        A A A B
        A A A C
        A A A D
        E F G H
    """,
    "2+8": """
        A A B B
        A A B B
        C D E F
        G H I J
    """,
    "1+12": """
        B C D E
        F A A G
        H A A I
        J K L M
    """,
    "1+9": """
        A A A A B
        A A A A C
        A A A A D
        A A A A E
        F G H I J
    """,
}


def _draw(name: str, drawing: str) -> Layout:
    rows = [line.split() for line in drawing.strip().splitlines()]
    height, width = len(rows), len(rows[0])
    places: dict[str, list[tuple[int, int]]] = {}
    for y, row in enumerate(rows):
        for x, letter in enumerate(row):
            if letter != ".":
                places.setdefault(letter, []).append((x, y))
    cells = []
    for letter in sorted(places):
        columns = [x for x, _ in places[letter]]
        lines = [y for _, y in places[letter]]
        left, right, top, bottom = min(columns), max(columns) + 1, min(lines), max(lines) + 1
        cells.append(
            Cell(Fraction(left, width), Fraction(top, height), Fraction(right, width), Fraction(bottom, height))
        )
    return Layout(name, tuple(cells))


CATALOGUE: Mapping[str, Layout] = {
    layout.name: layout
    for layout in (
        *(grid(count) for count in range(1, MAX_TILES + 1)),
        *(_draw(name, drawing) for name, drawing in _DRAWINGS.items()),
    )
}


def layout_names() -> tuple[str, ...]:
    """Every name that may be asked for, "auto" first."""
    return ("auto", *CATALOGUE)
