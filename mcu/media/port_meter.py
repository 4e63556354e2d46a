"""Ports as the control side counts them: what there are, and what a conference takes. Implements ``PortMeter``."""

from __future__ import annotations

from collections.abc import Callable

from mcu.media.facts import Capacity
from mcu.media.picture.cost import RATE, Shares, cost, weight
from mcu.media.spec import ConferenceSpec


class WorkerPortMeter:
    """``capacity`` is asked each time, for it is measured while workers start; None: nothing is known."""

    def __init__(self, capacity: Callable[[], Capacity | None]) -> None:
        self._capacity = capacity

    def total(self) -> float | None:
        """See ``PortMeter``."""
        capacity = self._capacity()
        return None if capacity is None else capacity.ports

    def cost(self, spec: ConferenceSpec) -> float:
        """See ``PortMeter``."""
        return cost(spec, self._shares())

    def source(self, width: int, height: int) -> float:
        """See ``PortMeter``."""
        return weight(width, height, RATE) * self._shares().decoding

    def _shares(self) -> Shares:
        capacity = self._capacity()
        if capacity is None:
            return Shares()
        return Shares(capacity.encoding, capacity.composing, capacity.decoding)
