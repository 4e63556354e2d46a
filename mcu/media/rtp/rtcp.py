"""RTCP packets (RFC 3550 section 6): reports, source descriptions, goodbyes, and the table of all packet types.

Feedback messages are in ``feedback``. A datagram is a compound of several packets; reduced-size ones (RFC 5506), which
do not begin with a report, are taken too. Types that we do not know are skipped.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from mcu.media.rtp import feedback
from mcu.media.rtp.errors import RtcpError
from mcu.media.rtp.feedback import (
    BitrateLimit,
    FullIntraRequest,
    GenericNack,
    LegacyIntraRequest,
    PictureLossIndication,
    ReceiverEstimatedMaximumBitrate,
    TemporaryMaximumBitrateNotification,
    TemporaryMaximumBitrateRequest,
    frame,
)

__all__ = [
    "BitrateLimit",
    "FullIntraRequest",
    "GenericNack",
    "Goodbye",
    "LegacyIntraRequest",
    "PictureLossIndication",
    "ReceiverEstimatedMaximumBitrate",
    "ReceiverReport",
    "ReportBlock",
    "RtcpError",
    "RtcpPacket",
    "SenderReport",
    "SourceDescription",
    "TemporaryMaximumBitrateNotification",
    "TemporaryMaximumBitrateRequest",
    "parse_compound",
    "serialise_compound",
]

# A datagram has at most 1500 bytes on our networks, so more than this many packets in one is an attack on our time.
MAX_COMPOUND_PACKETS = 64

_SENDER_INFO = struct.Struct("!IQIII")
_REPORT_BLOCK = struct.Struct("!II4I")
_CNAME = 1


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """How a source is received (section 6.4.1). ``fraction_lost`` is in 1/256; ``last_sender_report`` the middle 32
    bits of its NTP time; ``delay`` since it came, in 1/65536 s; ``jitter`` in units of the RTP clock."""

    ssrc: int
    fraction_lost: int
    packets_lost: int
    highest_sequence: int
    jitter: int
    last_sender_report: int = 0
    delay: int = 0

    def serialise(self) -> bytes:
        """The block's 24 bytes; the loss is clamped to its 24 bits."""
        lost = max(-0x800000, min(0x7FFFFF, self.packets_lost)) & 0xFFFFFF
        return _REPORT_BLOCK.pack(
            self.ssrc,
            (self.fraction_lost << 24) | lost,
            self.highest_sequence & 0xFFFFFFFF,
            min(self.jitter, 0xFFFFFFFF),
            self.last_sender_report,
            self.delay & 0xFFFFFFFF,
        )


@dataclass(frozen=True, slots=True)
class SenderReport:
    """SR (section 6.4.1). ``ntp_time`` is the 64-bit NTP timestamp of the instant that ``rtp_timestamp`` stands for."""

    ssrc: int
    ntp_time: int
    rtp_timestamp: int
    packet_count: int
    octet_count: int
    reports: tuple[ReportBlock, ...] = ()

    def serialise(self) -> bytes:
        """The packet's bytes."""
        body = _SENDER_INFO.pack(
            self.ssrc,
            self.ntp_time,
            self.rtp_timestamp,
            self.packet_count & 0xFFFFFFFF,
            self.octet_count & 0xFFFFFFFF,
        )
        return frame(200, len(self.reports), body + b"".join(block.serialise() for block in self.reports))


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """RR (section 6.4.2)."""

    ssrc: int
    reports: tuple[ReportBlock, ...] = ()

    def serialise(self) -> bytes:
        """The packet's bytes."""
        return frame(
            201,
            len(self.reports),
            self.ssrc.to_bytes(4, "big") + b"".join(block.serialise() for block in self.reports),
        )


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """SDES (section 6.5), of which we want the canonical names only: (SSRC, CNAME), the name "" when there is none."""

    chunks: tuple[tuple[int, str], ...]

    def serialise(self) -> bytes:
        """The packet's bytes."""
        body = bytearray()
        for ssrc, cname in self.chunks:
            name = cname.encode()[:255]
            chunk = ssrc.to_bytes(4, "big") + bytes((_CNAME, len(name))) + name + b"\x00"
            body += chunk + bytes(-len(chunk) % 4)
        return frame(202, len(self.chunks), bytes(body))


@dataclass(frozen=True, slots=True)
class Goodbye:
    """BYE (section 6.6)."""

    ssrcs: tuple[int, ...]
    reason: str = ""

    def serialise(self) -> bytes:
        """The packet's bytes."""
        body = struct.pack(f"!{len(self.ssrcs)}I", *self.ssrcs)
        if self.reason:
            text = self.reason.encode()[:255]
            body += bytes((len(text),)) + text
            body += bytes(-len(body) % 4)
        return frame(203, len(self.ssrcs), body)


RtcpPacket = (
    SenderReport
    | ReceiverReport
    | SourceDescription
    | Goodbye
    | PictureLossIndication
    | FullIntraRequest
    | LegacyIntraRequest
    | GenericNack
    | ReceiverEstimatedMaximumBitrate
    | TemporaryMaximumBitrateRequest
    | TemporaryMaximumBitrateNotification
)


def _parse_report_blocks(body: bytes, position: int, count: int) -> tuple[ReportBlock, ...]:
    if position + 24 * count > len(body):
        raise RtcpError(f"{count} report blocks do not fit the packet")
    blocks = []
    for _ in range(count):
        ssrc, loss, highest, jitter, last, delay = _REPORT_BLOCK.unpack_from(body, position)
        lost = loss & 0xFFFFFF
        blocks.append(
            ReportBlock(ssrc, loss >> 24, lost - 0x1000000 if lost >> 23 else lost, highest, jitter, last, delay)
        )
        position += 24
    return tuple(blocks)


def _parse_sender_report(count: int, body: bytes) -> SenderReport:
    if len(body) < _SENDER_INFO.size:
        raise RtcpError("sender report is cut off")
    ssrc, ntp_time, rtp_timestamp, packets, octets = _SENDER_INFO.unpack_from(body)
    blocks = _parse_report_blocks(body, _SENDER_INFO.size, count)
    return SenderReport(ssrc, ntp_time, rtp_timestamp, packets, octets, blocks)


def _parse_receiver_report(count: int, body: bytes) -> ReceiverReport:
    if len(body) < 4:
        raise RtcpError("receiver report is cut off")
    return ReceiverReport(int.from_bytes(body[:4], "big"), _parse_report_blocks(body, 4, count))


def _parse_source_description(count: int, body: bytes) -> SourceDescription:
    chunks = []
    position = 0
    for _ in range(count):
        if position + 4 > len(body):
            raise RtcpError("SDES chunk is cut off")
        ssrc = int.from_bytes(body[position : position + 4], "big")
        position += 4
        cname = ""
        while position < len(body) and body[position]:
            if position + 2 > len(body) or position + 2 + body[position + 1] > len(body):
                raise RtcpError("SDES item is cut off")
            end = position + 2 + body[position + 1]
            if body[position] == _CNAME:
                cname = body[position + 2 : end].decode(errors="replace")
            position = end
        # The item list ends with at least one zero byte and is padded to the next word.
        position = (position // 4 + 1) * 4
        chunks.append((ssrc, cname))
    return SourceDescription(tuple(chunks))


def _parse_goodbye(count: int, body: bytes) -> Goodbye:
    if 4 * count > len(body):
        raise RtcpError(f"BYE of {count} sources does not fit the packet")
    ssrcs = struct.unpack_from(f"!{count}I", body)
    rest = body[4 * count :]
    reason = rest[1 : 1 + rest[0]].decode(errors="replace") if rest else ""
    return Goodbye(ssrcs, reason)


# packet type → parser of (the five bits behind the padding flag, the body behind the common header)
_PARSERS: dict[int, Callable[[int, bytes], RtcpPacket | None]] = {
    192: feedback.parse_legacy_intra_request,
    200: _parse_sender_report,
    201: _parse_receiver_report,
    202: _parse_source_description,
    203: _parse_goodbye,
    205: feedback.parse_transport_feedback,
    206: feedback.parse_payload_feedback,
}


def parse_compound(data: bytes) -> list[RtcpPacket]:
    """The packets of one datagram in order, without those of unknown type. Raises RtcpError."""
    return list(_packets(data))


def _packets(data: bytes) -> Iterator[RtcpPacket]:
    position = 0
    size = len(data)
    if size < 4:
        raise RtcpError(f"RTCP datagram of {size} bytes is shorter than a header")
    count = 0
    while position < size:
        if position + 4 > size:
            raise RtcpError("RTCP header is cut off")
        count += 1
        if count > MAX_COMPOUND_PACKETS:
            raise RtcpError(f"more than {MAX_COMPOUND_PACKETS} RTCP packets in one datagram")
        first = data[position]
        if first >> 6 != 2:
            raise RtcpError(f"RTCP version {first >> 6}, expected 2")
        end = position + 4 + 4 * ((data[position + 2] << 8) | data[position + 3])
        if end > size:
            raise RtcpError("RTCP packet runs past the end of the datagram")
        body = data[position + 4 : end]
        if first & 0x20:
            if not body or not 0 < body[-1] <= len(body):
                raise RtcpError("RTCP padding does not fit the packet")
            body = body[: -body[-1]]
        parser = _PARSERS.get(data[position + 1])
        if parser is not None:
            packet = parser(first & 0x1F, body)
            if packet is not None:
                yield packet
        position = end


def serialise_compound(packets: Iterable[RtcpPacket]) -> bytes:
    """One datagram of these packets."""
    return b"".join(packet.serialise() for packet in packets)
