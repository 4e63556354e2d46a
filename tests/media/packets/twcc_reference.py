"""Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01) in plain Python, to be read and to be
compared with the compiled one. Not fast, and without limits."""

from __future__ import annotations

import struct
from dataclasses import dataclass

TICK = 0.00025
REFERENCE = 0.064


@dataclass(frozen=True)
class Feedback:
    """Arrivals in ticks of a quarter of a millisecond, from ``first`` on; None for a packet that has not come."""

    sender: int
    media: int
    first: int
    number: int
    arrivals: tuple[int | None, ...]

    def serialise(self) -> bytes:
        there = [arrival for arrival in self.arrivals if arrival is not None]
        reference = there[0] // 256 if there else 0
        statuses, deltas, last = [], b"", reference * 256
        for arrival in self.arrivals:
            if arrival is None:
                statuses.append(0)
                continue
            change, last = arrival - last, arrival
            small = 0 <= change < 256
            statuses.append(1 if small else 2)
            deltas += struct.pack("!B", change) if small else struct.pack("!h", change)
        chunks = b""
        for start in range(0, len(statuses), 7):
            chunk = 0xC000
            for place, status in enumerate(statuses[start : start + 7]):
                chunk |= status << (12 - 2 * place)
            chunks += struct.pack("!H", chunk)
        head = struct.pack("!IIHH", self.sender, self.media, self.first, len(statuses))
        head += (reference & 0xFFFFFF).to_bytes(3, "big") + bytes([self.number])
        body = head + chunks + deltas
        body += bytes(-len(body) % 4)
        return struct.pack("!BBH", 0x8F, 205, len(body) // 4) + body

    @classmethod
    def parse(cls, data: bytes) -> Feedback:
        """Raises ValueError or struct.error for what is none."""
        first_octet, kind, words = struct.unpack_from("!BBH", data)
        if (first_octet, kind, len(data)) != (0x8F, 205, 4 * words + 4):
            raise ValueError("not one feedback")
        sender, media, first, count = struct.unpack_from("!IIHH", data, 4)
        at, statuses = 20, list[int]()
        while len(statuses) < count:
            (chunk,) = struct.unpack_from("!H", data, at)
            at += 2
            if chunk >> 15 == 0:
                statuses += [chunk >> 13] * (chunk & 0x1FFF)
            elif chunk >> 14 == 2:
                statuses += [chunk >> bit & 1 for bit in range(13, -1, -1)]
            else:
                statuses += [chunk >> bit & 3 for bit in range(12, -1, -2)]
        ticks, arrivals = int.from_bytes(data[16:19], "big") * 256, list[int | None]()
        for status in statuses[:count]:
            if status == 0:
                arrivals.append(None)
                continue
            ticks += data[at] if status == 1 else struct.unpack_from("!h", data, at)[0]
            at += status
            arrivals.append(ticks)
        return cls(sender, media, first, data[19], tuple(arrivals))


def number_of(packet: bytes, extension: int) -> int | None:
    """The transport-wide number of an RTP packet, from one-byte header extensions (RFC 8285 section 4.2)."""
    start = 12 + 4 * (packet[0] & 15)
    if not packet[0] & 0x10 or packet[start : start + 2] != b"\xbe\xde":
        return None
    (words,) = struct.unpack_from("!H", packet, start + 2)
    block, at = packet[start + 4 : start + 4 + 4 * words], 0
    while at < len(block):
        if block[at] == 0:
            at += 1
            continue
        length = (block[at] & 15) + 1
        if block[at] >> 4 == extension:
            return int.from_bytes(block[at + 1 : at + 1 + length], "big")
        at += 1 + length
    return None
