"""Packets sent lately, for answering generic NACKs (RFC 4585 section 6.2.1)."""

from __future__ import annotations

# A power of two, so that the ring survives the wrap of sequence numbers: 1.5 s at 350 packets/s, at most 0.7 MB.
CACHE_PACKETS = 512
# The same packet asked for again within this time is on its way already.
MIN_RESEND_INTERVAL = 0.02


class RetransmissionCache:
    """A ring of the last ``CACHE_PACKETS`` packets by sequence number."""

    __slots__ = ("_packets", "_resent")

    def __init__(self) -> None:
        self._packets: list[bytes] = [b""] * CACHE_PACKETS
        self._resent: list[float] = [float("-inf")] * CACHE_PACKETS

    def store(self, sequence: int, packet: bytes) -> None:
        """Keep a packet in place of the one ``CACHE_PACKETS`` before it."""
        slot = sequence % CACHE_PACKETS
        self._packets[slot] = packet
        self._resent[slot] = float("-inf")

    def resend(self, sequence: int, now: float) -> bytes | None:
        """The packet of a 16-bit sequence number, or None when it is gone or was sent again a moment ago."""
        slot = sequence % CACHE_PACKETS
        packet = self._packets[slot]
        if len(packet) < 4 or (packet[2] << 8) | packet[3] != sequence:
            return None
        if now - self._resent[slot] < MIN_RESEND_INTERVAL:
            return None
        self._resent[slot] = now
        return packet
