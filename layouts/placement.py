"""Into which tiles a choice of people goes, so that as few as possible change places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def placed(groups: Sequence[Sequence[str]], tiles: Sequence[int], before: Mapping[str, int]) -> dict[int, str]:
    """Everybody's tile. ``groups`` take the ``tiles`` in order, each as many as it has people.

    Within a group, who had one of its tiles ``before`` keeps it; the others fill what is left, in order. There are at
    least as many tiles as people.
    """
    seats: dict[int, str] = {}
    start = 0
    for group in groups:
        own = tiles[start : start + len(group)]
        start += len(group)
        staying = {before[who]: who for who in group if before.get(who) in own}
        coming = iter([who for who in group if before.get(who) not in own])
        for tile in own:
            seats[tile] = staying[tile] if tile in staying else next(coming)
    return seats
