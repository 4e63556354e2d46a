"""How much each of several calls gives up so that an important one fits. Pure."""

from __future__ import annotations

from collections.abc import Mapping


def lowered_evenly(pictures: Mapping[str, int], least: int, needed: int) -> dict[str, int]:
    """New rates for calls that together free ``needed`` bit/s, or all that can be had; only those that change.

    The largest come down first, all to the same rate: nobody has a poor picture beside somebody's fine one. None goes
    below ``least``; who has less keeps it.
    """
    if needed <= 0:
        return {}
    high = max(pictures.values(), default=0)
    low = least
    # The highest common rate that frees enough: what is freed only grows as the rate comes down.
    while low < high:
        middle = (low + high + 1) // 2
        if _freed(pictures, middle) >= needed:
            low = middle
        else:
            high = middle - 1
    return {call: low for call, picture in pictures.items() if picture > low}


def _freed(pictures: Mapping[str, int], rate: int) -> int:
    return sum(picture - rate for picture in pictures.values() if picture > rate)
