"""H.263 in RTP: RFC 4629 (H263-1998 and H263-2000, what is offered today) and RFC 2190 (H263, payload type 34)."""

from __future__ import annotations

import re
from itertools import pairwise

from mcu.media.rtp.errors import PayloadError
from mcu.media.rtp.joined_picture import JoinedPicture

# Four times CIF uncompressed has 608 kB; sixteen times CIF coded stays far below this.
MAX_PICTURE = 2 << 20
# Picture and group start codes are 17 bits, on an octet in what our encoder makes (ITU-T H.263 section 5.2.2).
_START = re.compile(rb"\x00\x00[\x80-\xff]")
_PLUS_HEADER = 2
_OLD_HEADERS = (4, 8, 12)  # of modes A, B and C


def is_key_frame(picture: bytes) -> bool:
    """Whether a picture is an INTRA one: bit 9 of PTYPE, or the type in PLUSPTYPE (sections 5.1.3 and 5.1.4)."""
    if not has_start(picture) or len(picture) < 9:
        return False
    bits = int.from_bytes(picture[:9])
    if bits >> 72 - 38 & 7 != 7:
        return not bits >> 72 - 39 & 1
    full = bits >> 72 - 41 & 7 == 1  # UFEP: the 18 bits of OPPTYPE come first
    return bits >> 72 - (41 + 18 * full + 3) & 7 == 0


def has_start(picture: bytes) -> bool:
    """Whether this begins with a picture start code (22 bits) on an octet."""
    return picture[:2] == b"\0\0" and len(picture) > 2 and picture[2] & 0xFC == 0x80


class H263PlusPacketizer:
    """RFC 4629: cut before groups of blocks where that fits, else anywhere (section 6.1)."""

    def __init__(self, mtu: int = 1200) -> None:
        self.mtu = mtu

    def packetize(self, data: bytes) -> tuple[bytes, ...]:
        """The payloads of a picture, in order. The two zero octets of a start code are left out and flagged (P)."""
        return tuple(
            b"\x04\x00" + part[2:] if _START.match(part) else b"\x00\x00" + part
            for part in _cut(data, self.mtu - _PLUS_HEADER)
        )


class H263Packetizer:
    """RFC 2190, mode A: cut before groups of blocks.

    A group larger than a packet goes in several, though mode A has no words for it (section 5.1): the modes that have
    need the inside of macroblocks. Receivers put them together all the same as long as nothing is lost.
    """

    def __init__(self, mtu: int = 1200) -> None:
        self.mtu = mtu

    def packetize(self, data: bytes) -> tuple[bytes, ...]:
        """The payloads of a picture, in order."""
        if len(data) < 6:
            return ()
        # SRC, I, U, S, A are bits 6 to 12 of PTYPE, in its order.
        kind = int.from_bytes(data[4:6]) >> 6 & 0x7F
        header = bytes((0, kind << 1, 0, 0))
        return tuple(header + part for part in _cut(data, self.mtu - len(header)))


def _cut(data: bytes, size: int) -> list[bytes]:
    """Parts of at most ``size`` octets, as many whole groups in each as fit."""
    starts = [match.start() for match in _START.finditer(data)]
    bounds = sorted({0, *starts, len(data)})
    cuts = [0]
    for start, end in pairwise(bounds):
        if end - cuts[-1] > size and start > cuts[-1]:
            cuts.append(start)
        while end - cuts[-1] > size:
            cuts.append(cuts[-1] + size)
    return [data[start:end] for start, end in pairwise([*cuts, len(data)]) if start < end]


class H263Depacketizer(JoinedPicture):
    """Collects the payloads of one picture. Same use as ``H264Depacketizer``; ``plus`` for RFC 4629."""

    def __init__(self, plus: bool) -> None:
        super().__init__(MAX_PICTURE, _read_plus if plus else _read_old, has_start, is_key_frame)


def _read_plus(payload: bytes) -> tuple[bytes, int, int]:
    """RFC 4629 section 5.1: RR, P, V, PLEN, PEBIT; a repeated picture header is left out, for none is lost here."""
    if len(payload) < _PLUS_HEADER:
        raise PayloadError("H.263 payload header is cut off")
    header = int.from_bytes(payload[:2])
    size = _PLUS_HEADER + (header >> 9 & 1) + (header >> 3 & 0x3F)
    if len(payload) <= size:
        raise PayloadError("H.263 payload holds no data behind its header")
    return (b"\0\0" if header & 0x400 else b"") + payload[size:], 0, 0


def _read_old(payload: bytes) -> tuple[bytes, int, int]:
    """RFC 2190 section 5: F and P tell the mode, all modes begin with SBIT and EBIT."""
    if not payload:
        raise PayloadError("H.263 payload is empty")
    mode = 0 if not payload[0] & 0x80 else 2 if payload[0] & 0x40 else 1
    size = _OLD_HEADERS[mode]
    if len(payload) <= size:
        raise PayloadError("H.263 payload holds no data behind its header")
    return payload[size:], payload[0] >> 3 & 7, payload[0] & 7
