"""What is sent twice in a description: repair packets of pictures, ULPFEC in RED (RFC 5109 section 14.1, RFC 2198), and
sound with earlier frames in RED.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sip.sdp.codecs import OfferedCodec

CLOCK_RATE = 90_000


@dataclass(frozen=True)
class Repair:
    """The payload types of what packs all packets, and of repair packets in it."""

    red: OfferedCodec
    ulpfec: OfferedCodec

    @property
    def codecs(self) -> tuple[OfferedCodec, ...]:
        """As they stand in a description."""
        return self.red, self.ulpfec


def repair_to_offer(first: int) -> tuple[OfferedCodec, ...]:
    """The payload types that we offer, from this number on."""
    return OfferedCodec("red", first, CLOCK_RATE), OfferedCodec("ulpfec", first + 1, CLOCK_RATE)


def redundancy_to_offer(codec: OfferedCodec, number: int) -> OfferedCodec:
    """The payload type for sound of this codec with earlier frames (RFC 2198 section 5)."""
    inner = {"": f"{codec.payload_type}/{codec.payload_type}"}
    return OfferedCodec("red", number, codec.clock_rate, codec.channels, inner)


def agree_redundancy(codecs: Iterable[OfferedCodec], sent: OfferedCodec) -> OfferedCodec | None:
    """The peer's payload type for that of what is sent; with other codecs we have none."""
    for codec in codecs:
        inner = set(codec.parameters.get("", "").split("/"))
        if codec.name == "red" and codec.clock_rate == sent.clock_rate and inner == {str(sent.payload_type)}:
            return replace(codec, feedback=frozenset())
    return None


def agree_repair(codecs: Iterable[OfferedCodec], feedback: frozenset[str]) -> Repair | None:
    """What the peer's payload types come to; ``feedback`` is what both have of a stream.

    None where lost packets can be asked for: repair packets have numbers of the stream, and whoever asks would ask for
    lost ones of them too, and wait.
    """
    if "nack" in feedback:
        return None
    found = {codec.name: codec for codec in codecs if codec.clock_rate == CLOCK_RATE}
    red, ulpfec = found.get("red"), found.get("ulpfec")
    if red is None or ulpfec is None:
        return None
    return Repair(
        replace(red, parameters={}, feedback=frozenset()), replace(ulpfec, parameters={}, feedback=frozenset())
    )
