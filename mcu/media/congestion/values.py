"""What goes into an estimate, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

PacketTold = tuple[float, float, int, int]
"""A packet of which a receiver has told, as ``MediaPort.take_feedback`` gives it: sent, come (by the receiver's clock),
octets, and its fate."""

UNTOLD, LOST, CAME, FOUND = 0, 1, 2, 3
"""Fates; those of ``mcu.media.packets.PacketFate``."""


class Usage(Enum):
    """What the delay says: a queue grows, empties, or neither."""

    OVER = "over"
    NORMAL = "normal"
    UNDER = "under"


@dataclass(frozen=True, slots=True)
class LossAndDelay:
    """The network to a receiver, as known now; None for what is not.

    ``rate`` is the most that it carries, bit/s; None while it has not bound. ``loss`` is the share of packets that do
    not come, 0 to 1, over the last second or two. ``round_trip`` and ``queueing`` are seconds; ``queueing`` is how much
    longer packets take now than at best. ``limited``: less is sent than would get through, so ``rate`` is not tested.
    ``falls`` counts how often the rate had to fall.
    """

    rate: int | None = None
    loss: float = 0.0
    round_trip: float | None = None
    queueing: float | None = None
    limited: bool = False
    falls: int = 0
