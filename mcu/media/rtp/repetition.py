"""Packets sent again in a stream of their own (RTX, RFC 4588), session-multiplexed by SSRC. Pure.

A repetition has a payload type, a sequence number and an SSRC of its own, the timestamp, marker and extensions of the
original, and the original's sequence number before its payload (section 4). So receivers' reports on the original
stream still tell what the network lost.
"""

from __future__ import annotations

from mcu.media.packets import repetition
from mcu.media.rtp.errors import PayloadError

__all__ = ["LAG", "NUMBER_SIZE", "RepetitionNumbers", "original_number", "repetition"]

NUMBER_SIZE = 2
"""Bytes before the payload: the original sequence number."""

LAG = 256
"""How far numbers of repetitions are behind those of the stream at most.

They follow it, so that whoever continues a stream elsewhere, with numbers above all that it used, does not use one of
a repetition twice either, and that a receiver's roll-over count fits (RFC 3711 section 3.3.1).
"""


def original_number(payload: bytes) -> int:
    """The sequence number of the packet that a repetition's payload repeats. Raises PayloadError."""
    if len(payload) < NUMBER_SIZE:
        raise PayloadError("repetition without the number of what it repeats")
    return (payload[0] << 8) | payload[1]


class RepetitionNumbers:
    """The sequence numbers of our repetitions: rising, behind those of the stream, and close to them."""

    __slots__ = ("_next",)

    def __init__(self, first: int) -> None:
        """``first`` is the stream's first number, with its roll-overs."""
        self._next = first

    def take(self, stream: int) -> int | None:
        """A number while the stream will use ``stream`` next; None when more was repeated than was ever sent."""
        number = max(self._next, stream - LAG)
        if number >= stream:
            return None
        self._next = number + 1
        return number
