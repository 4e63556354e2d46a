"""Which encoding of a picture (simulcast layer) each slot shows. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# A rate is measured and wavers: going up has to fit with this much to spare, so that a layer does not come and go.
HEADROOM = 1.15

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The layers of a slot's sender, the smallest first: bit/s of each, None for one that does not come at present.

    ``current`` is the one that is shown now, ``goal`` the one that fits the tile; None: it is not known how large that
    is.
    """

    rates: tuple[float | None, ...]
    current: int | None = None
    goal: int | None = None


def goal(layers: int, shown: int) -> int:
    """The layer that fits the tile when ``shown`` pictures share a screen: the largest alone, then half the side."""
    if shown <= 1:
        return layers - 1
    return layers // 2 if shown <= 4 else 0


def fitting(sizes: Sequence[Size | None], tile: Size) -> int | None:
    """The layer nearest in size to the tile, in which it is shown whole; None when no layer has told its size.

    A layer that has told nothing is taken for twice as large as the one below it.
    """
    known = next(((index, size) for index, size in enumerate(sizes) if size is not None), None)
    if known is None or not all(tile):
        return None

    def misfit(index: int) -> float:
        width, height = sizes[index] or tuple(side * 2.0 ** (index - known[0]) for side in known[1])
        return abs(math.log(min(tile[0] / width, tile[1] / height)))

    return min(range(len(sizes)), key=misfit)


def covering(sizes: Sequence[Size | None], tile: Size) -> int | None:
    """The smallest layer that has as many pixels as the tile shows of it, so that letters are as sharp as they can be.

    None when no layer has told its size.
    """
    known = [(index, size) for index, size in enumerate(sizes) if size is not None]
    if not known or not all(tile):
        return None
    covers = (index for index, (width, height) in known if min(tile[0] / width, tile[1] / height) <= 1)
    return next(covers, known[-1][0])


def nearest(rates: Sequence[float | None], wanted: int) -> int | None:
    """The layer that comes and is nearest to the wanted one, rather a smaller one; None when none comes."""
    below = [index for index in range(min(wanted, len(rates) - 1), -1, -1) if rates[index] is not None]
    above = [index for index in range(wanted + 1, len(rates)) if rates[index] is not None]
    return next(iter(below + above), None)


def choose(offers: Sequence[Offer], limit: float | None) -> list[int | None]:
    """The layer of each slot, the most important slot first, so that all together stay below ``limit`` bit/s.

    The smallest layer of each is shown whatever the limit; None where nothing comes.
    """
    goals = [nearest(offer.rates, _goal(offer, len(offers))) for offer in offers]
    if limit is None:
        return goals
    chosen: list[int | None] = [nearest(offer.rates, 0) for offer in offers]
    total = sum(_rate(offer, layer) for offer, layer in zip(offers, chosen, strict=True))
    raised = True
    while raised:
        raised = False
        for place, offer in enumerate(offers):
            step = _next(offer, chosen[place], goals[place])
            if step is None:
                continue
            more = total - _rate(offer, chosen[place]) + _rate(offer, step)
            is_new = offer.current is None or step > offer.current
            if more * (HEADROOM if is_new else 1.0) <= limit:
                chosen[place], total, raised = step, more, True
    return chosen


def total_rate(offers: Sequence[Offer], layers: Sequence[int | None]) -> float:
    """What these layers take together, bit/s."""
    return sum(_rate(offer, layer) for offer, layer in zip(offers, layers, strict=True))


def _goal(offer: Offer, shown: int) -> int:
    return goal(len(offer.rates), shown) if offer.goal is None else offer.goal


def _rate(offer: Offer, layer: int | None) -> float:
    return 0.0 if layer is None else offer.rates[layer] or 0.0


def _next(offer: Offer, layer: int | None, most: int | None) -> int | None:
    if layer is None or most is None:
        return None
    return next((index for index in range(layer + 1, most + 1) if offer.rates[index] is not None), None)
