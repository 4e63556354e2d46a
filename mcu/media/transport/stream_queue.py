"""What waits to go to a browser by TCP: bounded, sound and control before pictures. Pure.

A stream keeps the order in which it was written and holds back everything behind what was lost. So little is written
ahead, and here is where it is decided what goes next, and what does not go at all when the network is slower than what
is to be sent: browsers ask for pictures again, and the rest sees the loss as on any other network.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection

from mcu.media.transport.framing import framed

# A key frame at 1080p in whole, and some.
MAX_PICTURES = 256 * 1024
# Seconds of sound; what is older than that nobody wants to hear.
MAX_OTHERS = 32 * 1024


class StreamQueue:
    """``sound`` are the payload types that are no pictures. ``dropped`` counts packets that found no room."""

    def __init__(self, sound: Collection[int]) -> None:
        self._sound = sound
        self._pictures: deque[bytes] = deque()
        self._others: deque[bytes] = deque()
        self._picture_octets = self._other_octets = 0
        self.dropped = 0

    def put(self, packet: bytes) -> None:
        """Take one; of pictures the latest finds no room, of the rest the oldest makes room."""
        if self._is_picture(packet):
            if self._picture_octets + len(packet) > MAX_PICTURES:
                self.dropped += 1
                return
            self._pictures.append(packet)
            self._picture_octets += len(packet)
            return
        self._others.append(packet)
        self._other_octets += len(packet)
        while self._other_octets > MAX_OTHERS:
            self._other_octets -= len(self._others.popleft())
            self.dropped += 1

    def take(self, octets: int) -> bytes:
        """What goes next, framed: whole packets until there are at least so many octets."""
        packets: list[bytes] = []
        taken = 0
        while taken < octets and self._others:
            packets.append(self._others.popleft())
            self._other_octets -= len(packets[-1])
            taken += 2 + len(packets[-1])
        while taken < octets and self._pictures:
            packets.append(self._pictures.popleft())
            self._picture_octets -= len(packets[-1])
            taken += 2 + len(packets[-1])
        return framed(packets)

    def _is_picture(self, packet: bytes) -> bool:
        """By what is not encrypted: first octet (RFC 7983) and payload type (RFC 5761)."""
        if len(packet) < 12 or packet[0] >> 6 != 2 or 192 <= packet[1] <= 223:
            return False
        return packet[1] & 0x7F not in self._sound
