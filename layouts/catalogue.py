"""Layouts by name: all that may be chosen.

Plain numbers are grids of so many equal tiles. "1+5" is one large tile and five small ones. "content+…" are made for
something shared in the large tile, "…3-screens…" for rooms with three screens.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from layouts.drawings import DRAWINGS, draw
from layouts.grids import MAX_TILES, bands, grid
from layouts.layout import WHOLE, Cell, Layout, square
from layouts.screens import SCREENS
from layouts.sharing import CONTENT_LAYOUTS

__all__ = ["CATALOGUE", "MAX_TILES", "Cell", "Layout", "grid", "layout_names"]

# A quarter of the picture's sides, a fortieth away from its corner: clear of the name in the lower left one.
_INSET = Fraction(1, 4)
_MARGIN = Fraction(1, 40)

PICTURE_IN_PICTURE = Layout(
    "1+1", (WHOLE, square(1 - _INSET - _MARGIN, 1 - _INSET - _MARGIN, _INSET)), overlapping=True
)

CATALOGUE: Mapping[str, Layout] = {
    layout.name: layout
    for layout in (
        *(grid(count) for count in range(1, MAX_TILES + 1)),
        PICTURE_IN_PICTURE,
        *(draw(name, drawing) for name, drawing in DRAWINGS.items()),
        bands("2+21", 2, 7, 7, 7),
        *CONTENT_LAYOUTS,
        *SCREENS,
    )
}


def layout_names() -> tuple[str, ...]:
    """Every name that may be asked for, "auto" first."""
    return ("auto", *CATALOGUE)
