"""H.224 frames as RTP carries them (RFC 4573; ITU-T H.323 Annex Q): one frame in a packet.

A frame is what HDLC would carry, a Q.922 header and an information field, but without flags, bit stuffing and
checksum: RTP and UDP have their own.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from mcu.media.camera.errors import CameraProtocolError

CME = 0x00
"""Client management entity: tells which clients there are (H.224 clause 9)."""

H281 = 0x01

_EXTENDED, _NON_STANDARD = 0x7E, 0x7F

# Octets that follow a client's number: an extended number; country, extension, maker and the maker's own number.
_MORE_OCTETS = {_EXTENDED: 1, _NON_STANDARD: 5}

# The data link connection of H.224, for data of high and of low priority, and "unnumbered information" (Q.922).
_HIGH_PRIORITY, _LOW_PRIORITY = 0x0071, 0x0061
_UNNUMBERED = 0x03

_HEADER = struct.Struct("!HBHHB")
_BEGIN, _END, _SEGMENT = 0x80, 0x40, 0x0F

# The longest information field of H.224 has 260 octets; the longest message that we know has 30.
MAX_FRAME = 300


@dataclass(frozen=True, slots=True)
class H224Frame:
    """A frame. Addresses of terminals are 0 where all are meant; ``begins`` and ``ends`` tell segments apart."""

    client: int
    data: bytes
    high_priority: bool = True
    destination: int = 0
    source: int = 0
    begins: bool = True
    ends: bool = True
    segment: int = 0
    more_client: bytes = b""

    @property
    def is_whole(self) -> bool:
        """Not one of several segments. A frame that says neither begin nor end is taken for whole: some rooms do so."""
        return self.begins == self.ends and self.segment == 0

    @classmethod
    def parse(cls, data: bytes) -> H224Frame:
        """Read a packet's payload. Raises CameraProtocolError."""
        if not _HEADER.size < len(data) <= MAX_FRAME:
            raise CameraProtocolError(f"H.224 frame of {len(data)} octets")
        link, control, destination, source, client = _HEADER.unpack_from(data)
        if link not in (_HIGH_PRIORITY, _LOW_PRIORITY) or control != _UNNUMBERED:
            raise CameraProtocolError(f"link {link:#06x} with control {control:#04x} is not that of H.224")
        client &= 0x7F
        flags_at = _HEADER.size + _MORE_OCTETS.get(client, 0)
        if len(data) <= flags_at:
            raise CameraProtocolError("H.224 frame that ends within its header")
        flags = data[flags_at]
        return cls(
            client,
            data[flags_at + 1 :],
            link == _HIGH_PRIORITY,
            destination,
            source,
            bool(flags & _BEGIN),
            bool(flags & _END),
            flags & _SEGMENT,
            data[_HEADER.size : flags_at],
        )

    def serialise(self) -> bytes:
        """A packet's payload."""
        link = _HIGH_PRIORITY if self.high_priority else _LOW_PRIORITY
        flags = self.begins * _BEGIN | self.ends * _END | self.segment & _SEGMENT
        header = _HEADER.pack(link, _UNNUMBERED, self.destination, self.source, self.client)
        return header + self.more_client + bytes((flags,)) + self.data
