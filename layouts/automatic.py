"""The layout that goes by itself with the number of people."""

from __future__ import annotations

from layouts.catalogue import CATALOGUE, MAX_TILES, Layout, grid

AUTOMATIC = "auto"


def automatic(count: int) -> Layout:
    """The layout for ``count`` people: equal tiles as large as possible. More than MAX_TILES get MAX_TILES tiles."""
    return grid(min(max(count, 1), MAX_TILES))


def layout_named(name: str, count: int) -> Layout:
    """The layout called ``name``, or the automatic one for "auto". Raises KeyError for a name not in the catalogue."""
    return automatic(count) if name == AUTOMATIC else CATALOGUE[name]
