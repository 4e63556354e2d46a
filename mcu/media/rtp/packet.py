"""RTP packets (RFC 3550 section 5) and their header extensions (RFC 8285), as compiled code reads and writes them.

The hot path works on offsets, not on packet objects: ``parse_header`` tells where the payload lies and nothing more.
``RtpPacket`` is the comfortable form for tests, tools and whoever looks at few packets.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mcu.media.packets import pack_extensions, parse_header, parse_packet, read_extension, write_packet, write_packets
from mcu.media.rtp.errors import RtpError

__all__ = [
    "ABS_SEND_TIME_URI",
    "HEADER_SIZE",
    "RtpError",
    "RtpPacket",
    "abs_send_time",
    "is_rtcp",
    "pack_extensions",
    "parse_header",
    "read_extension",
    "write_packets",
]

ABS_SEND_TIME_URI = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"

HEADER_SIZE = 12


def is_rtcp(data: bytes) -> bool:
    """Tell RTCP from RTP when both share a port: by packet types 192 to 223 (RFC 5761 section 4)."""
    return len(data) >= 2 and 192 <= data[1] <= 223


def abs_send_time(now: float) -> bytes:
    """``now`` in seconds as the 24-bit 6.18 fixed-point number of the abs-send-time extension."""
    return (int(now * 262144.0) & 0xFFFFFF).to_bytes(3, "big")


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One RTP packet in full. ``extensions`` maps RFC 8285 identifiers to values; ``padding`` counts bytes."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes = b""
    marker: bool = False
    csrc: tuple[int, ...] = ()
    extensions: dict[int, bytes] = field(default_factory=dict)
    padding: int = 0

    @classmethod
    def parse(cls, data: bytes) -> RtpPacket:
        """Read a packet. Raises RtpError."""
        return cls(*parse_packet(data))

    def serialise(self) -> bytes:
        """The packet's bytes. Raises RtpError for values that no packet can carry."""
        return write_packet(
            self.payload_type,
            self.sequence,
            self.timestamp,
            self.ssrc,
            self.payload,
            self.marker,
            self.csrc,
            pack_extensions(self.extensions.items()),
            self.padding,
        )
