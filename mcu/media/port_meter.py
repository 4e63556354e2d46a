"""Ports as the control side counts them: what there are, and what a conference takes. Implements ``PortMeter``."""

from __future__ import annotations

from collections.abc import Callable

from mcu.media.facts import Capacity
from mcu.media.picture.cost import Shares, cost
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
        capacity = self._capacity() or Capacity(ports=0.0)
        return cost(spec, Shares(capacity.encoding, capacity.composing, capacity.decoding))
