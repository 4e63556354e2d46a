"""Forward error correction of pictures in a description: ULPFEC in RED (RFC 5109 section 14.1, RFC 2198)."""

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
