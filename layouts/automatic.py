"""The layout that goes by itself with the number of people."""

from __future__ import annotations

from collections.abc import Mapping

from layouts.catalogue import CATALOGUE, MAX_TILES, Layout, grid

AUTOMATIC = "auto"


def automatic(count: int) -> Layout:
    """The layout for ``count`` people: equal tiles as large as possible. More than MAX_TILES get MAX_TILES tiles."""
    return grid(min(max(count, 1), MAX_TILES))


def layout_named(name: str, count: int, own: Mapping[str, Layout] | None = None) -> Layout:
    """The layout called ``name``, or the automatic one for "auto". Those of ``own`` come before the catalogue's.

    Raises KeyError for a name of neither.
    """
    if name == AUTOMATIC:
        return automatic(count)
    return own[name] if own is not None and name in own else CATALOGUE[name]
