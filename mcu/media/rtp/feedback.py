"""RTCP feedback messages: NACK and PLI (RFC 4585), FIR (RFC 5104, and the old one of RFC 2032), TMMBR, REMB.

REMB is draft-alvestrand-rmcat-remb-03, which browsers speak and no RFC holds.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from mcu.media.rtp.errors import RtcpError

_HEADER = struct.Struct("!BBH")
_TWO_SSRCS = struct.Struct("!II")
_NACK_ITEM = struct.Struct("!HH")
_FIR_ITEM = struct.Struct("!IB3x")

TRANSPORT_FEEDBACK = 205
PAYLOAD_FEEDBACK = 206
FORMAT_NACK = 1
FORMAT_MAXIMUM_REQUEST = 3
FORMAT_MAXIMUM_NOTIFICATION = 4
FORMAT_PLI = 1
FORMAT_FIR = 4
FORMAT_APPLICATION = 15


def frame(packet_type: int, count: int, body: bytes) -> bytes:
    """An RTCP packet: the common header (RFC 3550 section 6.4.1) before ``body``, whose size is a multiple of four."""
    return _HEADER.pack(0x80 | count, packet_type, len(body) // 4) + body


@dataclass(frozen=True, slots=True)
class PictureLossIndication:
    """PLI (RFC 4585 section 6.3.1): the sender of ``media_ssrc`` is asked for a key frame."""

    sender_ssrc: int
    media_ssrc: int

    def serialise(self) -> bytes:
        """The packet's bytes."""
        return frame(PAYLOAD_FEEDBACK, FORMAT_PLI, _TWO_SSRCS.pack(self.sender_ssrc, self.media_ssrc))


@dataclass(frozen=True, slots=True)
class FullIntraRequest:
    """FIR (RFC 5104 section 4.3.1): (SSRC, command sequence number) of each sender asked for a key frame."""

    sender_ssrc: int
    entries: tuple[tuple[int, int], ...]

    def serialise(self) -> bytes:
        """The packet's bytes."""
        items = b"".join(_FIR_ITEM.pack(ssrc, number & 0xFF) for ssrc, number in self.entries)
        return frame(PAYLOAD_FEEDBACK, FORMAT_FIR, _TWO_SSRCS.pack(self.sender_ssrc, 0) + items)


@dataclass(frozen=True, slots=True)
class LegacyIntraRequest:
    """Packet type 192 of RFC 2032, made for H.261: baresip 1.0 and old rooms still ask for key frames with it."""

    ssrc: int

    def serialise(self) -> bytes:
        """The packet's bytes."""
        return frame(192, 0, self.ssrc.to_bytes(4, "big"))


# Packets that one NACK is believed to miss: as many as are kept. Each word of one may name seventeen.
MAX_LOST = 512


@dataclass(frozen=True, slots=True)
class GenericNack:
    """Generic NACK (RFC 4585 section 6.2.1). ``lost`` are 16-bit sequence numbers in rising (wrapping) order."""

    sender_ssrc: int
    media_ssrc: int
    lost: tuple[int, ...]

    def serialise(self) -> bytes:
        """The packet's bytes; neighbours share an item of a first number and a mask of the 16 after it."""
        items = bytearray()
        first, mask = -1, 0
        for number in self.lost:
            distance = (number - first) & 0xFFFF
            if first >= 0 and 0 < distance <= 16:
                mask |= 1 << (distance - 1)
                continue
            if first >= 0:
                items += _NACK_ITEM.pack(first, mask)
            first, mask = number, 0
        if first >= 0:
            items += _NACK_ITEM.pack(first, mask)
        return frame(TRANSPORT_FEEDBACK, FORMAT_NACK, _TWO_SSRCS.pack(self.sender_ssrc, self.media_ssrc) + bytes(items))


@dataclass(frozen=True, slots=True)
class ReceiverEstimatedMaximumBitrate:
    """REMB: the ``ssrcs`` together shall not exceed ``bitrate`` bit/s."""

    sender_ssrc: int
    bitrate: int
    ssrcs: tuple[int, ...]

    def serialise(self) -> bytes:
        """The packet's bytes; the rate is cut to a mantissa of 18 bits."""
        exponent = max(0, self.bitrate.bit_length() - 18)
        rate = (exponent << 18) | (self.bitrate >> exponent)
        body = _TWO_SSRCS.pack(self.sender_ssrc, 0) + b"REMB" + bytes((len(self.ssrcs),)) + rate.to_bytes(3, "big")
        return frame(PAYLOAD_FEEDBACK, FORMAT_APPLICATION, body + struct.pack(f"!{len(self.ssrcs)}I", *self.ssrcs))


@dataclass(frozen=True, slots=True)
class BitrateLimit:
    """An item of TMMBR or TMMBN: ``ssrc`` shall send no more than ``bitrate`` bit/s, ``overhead`` bytes a packet not
    counted.
    """

    ssrc: int
    bitrate: int
    overhead: int = 0

    def serialise(self) -> bytes:
        """The item's bytes; the rate is cut to a mantissa of 17 bits, the overhead to 9 bits."""
        exponent = max(0, self.bitrate.bit_length() - 17)
        word = (exponent << 26) | ((self.bitrate >> exponent) << 9) | min(self.overhead, 0x1FF)
        return _TWO_SSRCS.pack(self.ssrc, word)


@dataclass(frozen=True, slots=True)
class TemporaryMaximumBitrateRequest:
    """TMMBR (RFC 5104 section 4.2.1): senders are asked not to exceed a rate until told otherwise."""

    sender_ssrc: int
    limits: tuple[BitrateLimit, ...]

    def serialise(self) -> bytes:
        """The packet's bytes."""
        items = b"".join(limit.serialise() for limit in self.limits)
        return frame(TRANSPORT_FEEDBACK, FORMAT_MAXIMUM_REQUEST, _TWO_SSRCS.pack(self.sender_ssrc, 0) + items)


@dataclass(frozen=True, slots=True)
class TemporaryMaximumBitrateNotification:
    """TMMBN (RFC 5104 section 4.2.2): which limits hold now; their SSRCs are those of who asked for them."""

    sender_ssrc: int
    limits: tuple[BitrateLimit, ...]

    def serialise(self) -> bytes:
        """The packet's bytes."""
        items = b"".join(limit.serialise() for limit in self.limits)
        return frame(TRANSPORT_FEEDBACK, FORMAT_MAXIMUM_NOTIFICATION, _TWO_SSRCS.pack(self.sender_ssrc, 0) + items)


def parse_legacy_intra_request(_count: int, body: bytes) -> LegacyIntraRequest:
    """Packet type 192. Raises RtcpError."""
    if len(body) < 4:
        raise RtcpError("intra request is cut off")
    return LegacyIntraRequest(int.from_bytes(body[:4], "big"))


def parse_transport_feedback(
    form: int, body: bytes
) -> GenericNack | TemporaryMaximumBitrateRequest | TemporaryMaximumBitrateNotification | None:
    """Packet type 205; None for a message that we do not know. Raises RtcpError."""
    sender, media = _ssrcs(body)
    if form == FORMAT_MAXIMUM_REQUEST:
        return TemporaryMaximumBitrateRequest(sender, _limits(body))
    if form == FORMAT_MAXIMUM_NOTIFICATION:
        return TemporaryMaximumBitrateNotification(sender, _limits(body))
    if form != FORMAT_NACK:
        return None
    lost: list[int] = []
    for position in range(8, len(body) - 3, 4):
        if len(lost) >= MAX_LOST:
            break
        first, mask = _NACK_ITEM.unpack_from(body, position)
        lost.append(first)
        lost += [(first + bit + 1) & 0xFFFF for bit in range(16) if mask >> bit & 1]
    return GenericNack(sender, media, tuple(lost))


def parse_payload_feedback(
    form: int, body: bytes
) -> PictureLossIndication | FullIntraRequest | ReceiverEstimatedMaximumBitrate | None:
    """Packet type 206; None for a message that we do not know. Raises RtcpError."""
    sender, media = _ssrcs(body)
    if form == FORMAT_PLI:
        return PictureLossIndication(sender, media)
    if form == FORMAT_FIR:
        return FullIntraRequest(sender, tuple(_FIR_ITEM.iter_unpack(body[8 : len(body) - len(body) % 8])))
    if form == FORMAT_APPLICATION and body[8:12] == b"REMB":
        return _parse_remb(sender, body)
    return None


def _limits(body: bytes) -> tuple[BitrateLimit, ...]:
    items = (_TWO_SSRCS.unpack_from(body, position) for position in range(8, len(body) - 7, 8))
    return tuple(BitrateLimit(ssrc, (word >> 9 & 0x1FFFF) << (word >> 26), word & 0x1FF) for ssrc, word in items)


def _parse_remb(sender: int, body: bytes) -> ReceiverEstimatedMaximumBitrate:
    if len(body) < 16 or len(body) < 16 + 4 * body[12]:
        raise RtcpError("REMB is cut off")
    rate = int.from_bytes(body[13:16], "big")
    ssrcs = struct.unpack_from(f"!{body[12]}I", body, 16)
    return ReceiverEstimatedMaximumBitrate(sender, (rate & 0x3FFFF) << (rate >> 18), ssrcs)


def _ssrcs(body: bytes) -> tuple[int, int]:
    if len(body) < 8:
        raise RtcpError("feedback message is cut off")
    sender, media = _TWO_SSRCS.unpack_from(body)
    return sender, media
