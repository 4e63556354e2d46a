"""Where a stream that we send begins: numbers that follow from a seed, or go on where another stopped. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

AHEAD = 1500
"""Sequence numbers left out for what was sent since the last report: a jump that receivers take for loss.

At 500 packets a second, which is 4 Mbit/s, that is three seconds. RFC 3550 appendix A.1 takes up to 3000 for loss, and
the roll-over count of SRTP is guessed right up to half of 65536 (RFC 3711 section 3.3.1).
"""


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first packet's ``sequence`` with the roll-overs before it, and ``picture``, its picture id (15 bits).

    ``offset`` is the timestamp of instant 0 of the monotonic clock, which all processes of the machine share, so
    whoever goes on with a stream continues its timestamps exactly. ``resumed``: the receiver knows earlier packets.
    """

    sequence: int
    offset: int
    picture: int
    resumed: bool = False


def derived(seed: int, ssrc: int) -> Beginning:
    """The very first beginning of an SSRC. Not to be guessed without the seed (RFC 3550 section 5.1).

    The sequence number is in the lower half: a peer that misses our first packets must not miss a roll-over (RFC 3711
    section 3.3.1).
    """
    found = hashlib.blake2b(f"{seed}/{ssrc}".encode(), digest_size=8).digest()
    return Beginning(
        sequence=int.from_bytes(found[:2], "big") & 0x7FFF,
        offset=int.from_bytes(found[2:6], "big"),
        picture=int.from_bytes(found[6:8], "big") & 0x7FFF,
    )
