"""Packets on a stream, each behind its length in two octets (RFC 4571; STUN and DTLS likewise, RFC 6544). Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterable

# As long as the packet layer takes: media are below 1300 octets, flights of a handshake below the MTU.
LONGEST_FRAME = 2048

_LENGTH = struct.Struct("!H")


class FramingError(Exception):
    """What comes cannot be packets of ours; nothing that follows on this stream can be trusted."""


class FrameReader:
    """Cuts a stream into packets. Holds at most one that is not whole yet."""

    def __init__(self) -> None:
        self._rest = b""

    @property
    def waiting(self) -> int:
        """Octets of a packet that has begun."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[bytes]:
        """The packets that are whole now; empty ones (length 0) are left out. Raises FramingError for one too long."""
        data = self._rest + data if self._rest else data
        packets: list[bytes] = []
        at, end = 0, len(data)
        while at + 2 <= end:
            (length,) = _LENGTH.unpack_from(data, at)
            if length > LONGEST_FRAME:
                raise FramingError(f"a packet of {length} octets")
            if at + 2 + length > end:
                break
            if length:
                packets.append(data[at + 2 : at + 2 + length])
            at += 2 + length
        self._rest = data[at:]
        return packets


def framed(packets: Iterable[bytes]) -> bytes:
    """Packets of at most 65535 octets as they go into a stream."""
    return b"".join(part for packet in packets for part in (_LENGTH.pack(len(packet)), packet))
