"""Who sits in which tile."""

from __future__ import annotations

from collections.abc import Sequence


def seats(tiles: int, order: Sequence[str], promoted: str | None = None) -> tuple[str | None, ...]:
    """The occupant of each of ``tiles`` tiles; None is an empty tile.

    ``order`` is the order of joining, which is the order of the tiles. When there are more people than tiles, the last
    tile goes to ``promoted`` (who spoke last) if that person would have none.
    """
    seated: list[str | None] = list(order[:tiles])
    if promoted is not None and promoted in order[tiles:] and seated:
        seated[-1] = promoted
    return (*seated, *[None] * (tiles - len(seated)))
