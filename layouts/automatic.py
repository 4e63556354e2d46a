"""The layout that goes by itself with the number of people, and with what they are doing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from layouts.catalogue import CATALOGUE, MAX_TILES, Layout, grid
from layouts.rules import Mode, SeatingRules, Sitter

AUTOMATIC = "auto"

# By number of tiles. Two people are equals, whoever of them speaks.
_WITH_ONE_LARGE = ("1", "2", "1+2", "1+3", "1+4", "1+5", "1+7", "1+9", "1+12", "1+16", "1+20", "1+33")


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


def layout_for(
    name: str,
    rules: SeatingRules,
    people: Sequence[Sitter],
    own: Mapping[str, Layout] | None = None,
    *,
    others: int = 0,
) -> Layout:
    """The layout called ``name`` for ``people`` seated by ``rules``, and so many ``others`` that need a tile.

    The automatic one has a large tile for the voice or the lecturer, and in a round one tile besides those of people
    with priority. Raises KeyError like ``layout_named``.
    """
    seated = [one for one in people if rules.may_seat(one)]
    count = len(seated)
    if name == AUTOMATIC and rules.mode is Mode.POLLING:
        count = min(count, 1 + sum(1 for one in seated if one.priority > 0))
    count += others
    if name == AUTOMATIC and rules.mode in (Mode.VOICE, Mode.LECTURE):
        fitting = (CATALOGUE[one] for one in _WITH_ONE_LARGE if len(CATALOGUE[one].cells) >= count)
        return next(fitting, CATALOGUE[_WITH_ONE_LARGE[-1]])
    return layout_named(name, count, own)
