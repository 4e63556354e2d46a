"""H.261 in RTP (RFC 4587): pictures to payloads and back."""

from __future__ import annotations

from itertools import pairwise

from mcu.media.rtp.errors import PayloadError
from mcu.media.rtp.joined_picture import JoinedPicture

# A CIF picture has 152 kB uncompressed, and coded never more than 64 kB (ITU-T H.261 section 5.2: 256 kbit).
MAX_PICTURE = 64 << 10
_HEADER_SIZE = 4
_GROUP_START = "0000000000000001"  # GBSC; the picture start code begins with the same bits (section 4.2.2)
_VECTORS = 0x01  # the V flag of the payload header: motion vectors may be used


def is_key_frame(picture: bytes) -> bool:
    """Whether a picture says that it ends a freeze: what an encoder sends when asked for an update.

    H.261 has no other mark for a picture without references (section 4.2.1, PTYPE bit 3).
    """
    return has_start(picture) and len(picture) > 3 and bool(picture[3] & 0x10)


def has_start(picture: bytes) -> bool:
    """Whether this begins with a picture start code on an octet."""
    return picture[:2] == b"\x00\x01" and len(picture) > 2 and picture[2] & 0xF0 == 0


class H261Packetizer:
    """Cuts pictures before groups of blocks, so that each packet can be decoded without the one before."""

    def __init__(self, mtu: int = 1200) -> None:
        self.mtu = mtu

    def packetize(self, data: bytes) -> tuple[bytes, ...]:
        """The payloads of a picture, in order.

        A group that is larger than a packet goes in several of which the later ones say nothing of the macroblock that
        they begin in: a receiver that lost the one before has to wait for the next group.
        """
        if not data:
            return ()
        room = 8 * (self.mtu - _HEADER_SIZE - 1)  # the octet that is shared with the packet before counts twice
        starts = [*_group_starts(data), 8 * len(data)]
        cuts = [0]
        for start, end in pairwise(starts):
            if end - cuts[-1] > room and start > cuts[-1]:
                cuts.append(start)
            while end - cuts[-1] > room:
                cuts.append((cuts[-1] + room) // 8 * 8)
        return tuple(_payload(data, start, end) for start, end in pairwise([*cuts, 8 * len(data)]))


def _group_starts(data: bytes) -> list[int]:
    """Bit positions of all groups; the first one's is the picture's."""
    bits = f"{int.from_bytes(data):0{8 * len(data)}b}"
    starts = [0]
    at = bits.find(_GROUP_START, 20)  # behind the picture start code, which the first group stays with
    while at >= 0:
        starts.append(at)
        at = bits.find(_GROUP_START, at + 16)
    del starts[1:2]  # the group that the picture header leads to
    return starts


def _payload(data: bytes, start: int, end: int) -> bytes:
    skipped, free = start % 8, -end % 8
    header = bytes((skipped << 5 | free << 2 | _VECTORS, 0, 0, 0))
    return header + data[start // 8 : (end + 7) // 8]


class H261Depacketizer(JoinedPicture):
    """Collects the payloads of one picture. Same use as ``H264Depacketizer``."""

    def __init__(self) -> None:
        super().__init__(MAX_PICTURE, _read, _has_start_somewhere, is_key_frame)


def _read(payload: bytes) -> tuple[bytes, int, int]:
    """RFC 4587 section 4.1: SBIT and EBIT; what the rest says is told by the data as well."""
    if len(payload) <= _HEADER_SIZE:
        raise PayloadError("H.261 payload is cut off")
    return payload[_HEADER_SIZE:], payload[0] >> 5, payload[0] >> 2 & 7


def _has_start_somewhere(picture: bytes) -> bool:
    """Whether a picture start code is in the first four octets: it need not begin on an octet."""
    return "00000000000000010000" in f"{int.from_bytes(picture[:4]):032b}"
