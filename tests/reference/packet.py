"""RTP packets (RFC 3550 section 5) and their header extensions (RFC 8285)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mcu.media.rtp.errors import RtpError

HEADER_SIZE = 12
FIXED_HEADER = struct.Struct("!BBHII")
_EXTENSION_HEADER = struct.Struct("!HH")
_ONE_BYTE_PROFILE = 0xBEDE
_TWO_BYTE_PROFILE = 0x1000

# (marker, payload type, sequence, timestamp, SSRC, start of the payload, end of the payload)
Header = tuple[bool, int, int, int, int, int, int]


def parse_header(data: bytes) -> Header:
    """Read the header and find the payload. Raises RtpError."""
    size = len(data)
    if size < HEADER_SIZE:
        raise RtpError(f"RTP packet of {size} bytes is shorter than its header")
    first, second, sequence, timestamp, ssrc = FIXED_HEADER.unpack_from(data)
    if first >> 6 != 2:
        raise RtpError(f"RTP version {first >> 6}, expected 2")
    start = HEADER_SIZE
    if first != 0x80:
        start, size = _payload_bounds(data, first, size)
    return second > 127, second & 0x7F, sequence, timestamp, ssrc, start, size


def _payload_bounds(data: bytes, first: int, end: int) -> tuple[int, int]:
    """Where the payload lies in a packet with CSRCs, extension or padding."""
    start = HEADER_SIZE + 4 * (first & 0x0F)
    if first & 0x10:
        if start + 4 > end:
            raise RtpError("RTP header extension is cut off")
        start += 4 + 4 * ((data[start + 2] << 8) | data[start + 3])
    if start > end:
        raise RtpError("RTP header runs past the end of the packet")
    if first & 0x20:
        if start == end:
            raise RtpError("RTP padding flag without padding")
        padding = data[end - 1]
        if padding == 0 or start + padding > end:
            raise RtpError(f"RTP padding of {padding} bytes does not fit the packet")
        end -= padding
    return start, end


def read_extension(data: bytes, number: int) -> bytes | None:
    """The value of one header extension of a packet that ``parse_header`` accepts; None where there is none."""
    if not data[0] & 0x10:
        return None
    offset = HEADER_SIZE + 4 * (data[0] & 0x0F)
    profile, words = _EXTENSION_HEADER.unpack_from(data, offset)
    position = offset + 4
    return _parse_extensions(profile, data[position : position + 4 * words]).get(number)


def pack_extensions(elements: Iterable[tuple[int, bytes]]) -> bytes:
    """The extension block of one-byte-header elements (RFC 8285 section 4.2): ids 1 to 14, values of 1 to 16 bytes."""
    body = bytearray()
    for identifier, value in elements:
        if not 1 <= identifier <= 14 or not 1 <= len(value) <= 16:
            raise RtpError(f"extension {identifier} of {len(value)} bytes does not fit the one-byte form")
        body.append((identifier << 4) | (len(value) - 1))
        body += value
    if not body:
        return b""
    body += bytes(-len(body) % 4)
    return _EXTENSION_HEADER.pack(_ONE_BYTE_PROFILE, len(body) // 4) + bytes(body)


def _parse_extensions(profile: int, body: bytes) -> dict[int, bytes]:
    """Elements of either form of RFC 8285; of another profile nothing. A broken tail is left out, not refused."""
    elements: dict[int, bytes] = {}
    two_byte = profile & 0xFFF0 == _TWO_BYTE_PROFILE
    if profile != _ONE_BYTE_PROFILE and not two_byte:
        return elements
    position = 0
    while position < len(body):
        lead = body[position]
        position += 1
        if lead == 0:
            continue
        if two_byte:
            if position == len(body):
                break
            identifier, length = lead, body[position]
            position += 1
        else:
            identifier, length = lead >> 4, (lead & 0x0F) + 1
            if identifier == 15:
                break
        if position + length > len(body):
            break
        elements[identifier] = body[position : position + length]
        position += length
    return elements


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
        marker, payload_type, sequence, timestamp, ssrc, start, end = parse_header(data)
        count = data[0] & 0x0F
        csrc = struct.unpack_from(f"!{count}I", data, HEADER_SIZE)
        extensions: dict[int, bytes] = {}
        if data[0] & 0x10:
            offset = HEADER_SIZE + 4 * count
            profile, _ = _EXTENSION_HEADER.unpack_from(data, offset)
            extensions = _parse_extensions(profile, data[offset + 4 : start])
        return cls(payload_type, sequence, timestamp, ssrc, data[start:end], marker, csrc, extensions, len(data) - end)

    def serialise(self) -> bytes:
        """The packet's bytes. Raises RtpError for values that no packet can carry."""
        if len(self.csrc) > 15 or not 0 <= self.padding <= 255:
            raise RtpError("more than 15 CSRCs or 255 bytes of padding")
        extension = pack_extensions(self.extensions.items())
        first = 0x80 | len(self.csrc) | (0x10 if extension else 0) | (0x20 if self.padding else 0)
        try:
            header = FIXED_HEADER.pack(
                first, (self.marker << 7) | self.payload_type, self.sequence, self.timestamp, self.ssrc
            )
            sources = struct.pack(f"!{len(self.csrc)}I", *self.csrc)
        except struct.error as error:
            raise RtpError(f"field out of range: {error}") from None
        padding = bytes(self.padding - 1) + bytes([self.padding]) if self.padding else b""
        return header + sources + extension + self.payload + padding


def write_packets(
    payloads: Sequence[bytes],
    marker: bool,
    payload_type: int,
    sequence: int,
    timestamp: int,
    ssrc: int,
    extensions: bytes,
) -> list[bytes]:
    """A packet for each payload, numbered from ``sequence`` on; ``extensions`` is a whole block, or empty."""
    first = 0x90 if extensions else 0x80
    last = len(payloads) - 1
    return [
        FIXED_HEADER.pack(
            first,
            payload_type | ((marker and index == last) << 7),
            (sequence + index) & 0xFFFF,
            timestamp,
            ssrc,
        )
        + extensions
        + payload
        for index, payload in enumerate(payloads)
    ]


def repetition(packet: bytes, payload_start: int, payload_type: int, sequence: int, ssrc: int) -> bytes:
    """The packet as it goes out again (RFC 4588). It has neither CSRCs nor padding."""
    first, second, original, timestamp, _ = FIXED_HEADER.unpack_from(packet)
    header: bytes = FIXED_HEADER.pack(first, (second & 0x80) | payload_type, sequence & 0xFFFF, timestamp, ssrc)
    number: bytes = original.to_bytes(2, "big")
    return header + packet[FIXED_HEADER.size : payload_start] + number + packet[payload_start:]
