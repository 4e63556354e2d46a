"""Puts packets back into sequence, has lost ones sent again, and gives up in time (RFC 4585 section 6.2.1).

Compiled code does it; here is what the rest has to know of its patience.
"""

from __future__ import annotations

from typing import Protocol

from mcu.media.packets import ReorderBuffer

__all__ = ["ReorderBuffer", "Sink"]

MIN_REORDER_WAIT, MAX_REORDER_WAIT = ReorderBuffer.MIN_REORDER_WAIT, ReorderBuffer.MAX_REORDER_WAIT
"""How long a gap may hold up what lies behind it without retransmission, in seconds: first, and once that was short."""

NACK_WAIT = ReorderBuffer.NACK_WAIT
"""With retransmission, at least."""

NACK_DELAY = ReorderBuffer.NACK_DELAY
"""From a packet's absence to the first request for it, where none overtakes another."""

MAX_DISORDER_WAIT = ReorderBuffer.MAX_DISORDER_WAIT
"""Where they do: at most."""

MAX_NACKS, MAX_AHEAD, MAX_MISSING = ReorderBuffer.MAX_NACKS, ReorderBuffer.MAX_AHEAD, ReorderBuffer.MAX_MISSING


class Sink(Protocol):
    """Takes packets in sequence and is told of gaps."""

    def push(self, timestamp: int, marker: bool, payload_type: int, payload: bytes, now: float, /) -> None: ...
    def gap(self, now: float, /) -> None: ...
