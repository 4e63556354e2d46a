"""Repair packets in plain Python, to be read and to be compared with the compiled ones. Not fast, and without limits.

A packet is seen as one large number: what is recovered of its header, its length, and all behind the header, filled up
with zeros. Then the exclusive or of packets is that of numbers.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

BODY = 1488
"""Octets behind the fixed header of the longest packet."""

WINDOW = 46
_MASK64 = (1 << 64) - 1


def number_of(packet: bytes) -> int:
    """The sequence number."""
    return int.from_bytes(packet[2:4], "big")


def sum_of(packet: bytes) -> int:
    """A packet as a number: two octets of header, timestamp, length, and the rest (RFC 5109 section 7.3)."""
    behind = packet[12:]
    return int.from_bytes(packet[:2] + packet[4:8] + struct.pack("!H", len(behind)) + behind.ljust(BODY, b"\0"), "big")


def packet_of(total: int, number: int, ssrc: int) -> bytes:
    """The packet that a number stands for."""
    data = total.to_bytes(8 + BODY, "big")
    length = int.from_bytes(data[6:8], "big")
    first = data[0] & 0x3F | 0x80
    return (
        bytes((first, data[1])) + struct.pack("!H", number) + data[2:6] + struct.pack("!I", ssrc) + data[8 : 8 + length]
    )


@dataclass
class Sender:
    """As ``FecSender``, without header extensions that change on the way."""

    form: str
    state: int

    def __post_init__(self) -> None:
        self.packets: list[bytes] = []
        self.fresh = 0

    def protect(self, packets: list[bytes], repairs: int, window: int) -> list[bytes]:
        self.packets = [*self.packets, *packets][-WINDOW:]
        self.fresh += len(packets)
        return [self._repair(window) for _ in range(repairs)] if self.packets else []

    def _repair(self, window: int) -> bytes:
        newest = number_of(self.packets[-1])
        last = self.packets[-window:]
        while len(last) > 1 and (newest - number_of(last[0])) % 65536 >= WINDOW:
            last = last[1:]
        drawn = self._draw() % (1 << len(last))
        old = len(last) - self.fresh
        chosen = [packet for place, packet in enumerate(last) if place >= old or drawn >> place & 1] or last[-1:]
        self.fresh = 0
        base = number_of(chosen[0])
        total, offsets, length = 0, set(), 0
        for packet in chosen:
            offset = (number_of(packet) - base) % 65536
            if offset < WINDOW and offset not in offsets:
                offsets.add(offset)
                total ^= sum_of(packet)
                length = max(length, len(packet) - 12)
        return self._write(total, base, offsets, length, int.from_bytes(chosen[0][8:12], "big"))

    def _draw(self) -> int:
        """splitmix64."""
        self.state = (self.state + 0x9E3779B97F4A7C15) & _MASK64
        value = self.state
        value = ((value ^ value >> 30) * 0xBF58476D1CE4E5B9) & _MASK64
        value = ((value ^ value >> 27) * 0x94D049BB133111EB) & _MASK64
        return value ^ value >> 31

    def _write(self, total: int, base: int, offsets: set[int], length: int, ssrc: int) -> bytes:
        data = total.to_bytes(8 + BODY, "big")
        first, second, timestamp, size, body = data[0] & 0x3F, data[1], data[2:6], data[6:8], data[8 : 8 + length]
        if self.form == "flexfec-03":
            bits = ["1" if offset in offsets else "0" for offset in range(46)]
            wide = max(offsets) >= 15
            mask = "01"[not wide] + "".join(bits[:15]) + ("1" + "".join(bits[15:]) if wide else "")
            head = bytes((first, second)) + size + timestamp + b"\1\0\0\0" + struct.pack("!IH", ssrc, base)
        else:
            wide = max(offsets) >= 16
            mask = "".join("1" if offset in offsets else "0" for offset in range(48 if wide else 16))
            head = bytes((first | wide << 6, second)) + struct.pack("!H", base) + timestamp + size
            head += struct.pack("!H", length)
        return head + int(mask, 2).to_bytes(len(mask) // 8, "big") + body


def read(form: str, payload: bytes) -> tuple[int, set[int]]:
    """What a repair payload carries, as a number, and the sequence numbers that it is of. All masks that there are."""
    first, second = payload[0] & 0x3F, payload[1]
    if form == "flexfec-03":
        size, timestamp = payload[2:4], payload[4:8]
        (base,) = struct.unpack_from("!H", payload, 16)
        bits = ""
        for start, end in ((18, 20), (20, 24), (24, 32)):
            part = f"{int.from_bytes(payload[start:end], 'big'):0{(end - start) * 8}b}"
            bits += part[1:]
            if part[0] == "1":
                break
    else:
        (base,) = struct.unpack_from("!H", payload, 2)
        timestamp, size = payload[4:8], payload[8:10]
        end = 18 if payload[0] & 0x40 else 14
        bits = f"{int.from_bytes(payload[12:end], 'big'):0{(end - 12) * 8}b}"
    offsets = {place for place, bit in enumerate(bits) if bit == "1"}
    total = int.from_bytes(bytes((first, second)) + timestamp + size + payload[end:].ljust(BODY, b"\0"), "big")
    return total, {(base + offset) % 65536 for offset in offsets}


def solve(form: str, known: dict[int, bytes], payloads: list[bytes], ssrc: int) -> dict[int, bytes]:
    """The packets that are not known, and follow from repair packets: Gauss's elimination over bits."""
    rows: list[tuple[set[int], int]] = []
    for payload in payloads:
        total, numbers = read(form, payload)
        for number in numbers & known.keys():
            total ^= sum_of(known[number])
        numbers -= known.keys()
        for unknown, value in rows:
            if min(unknown) in numbers:
                numbers, total = numbers ^ unknown, total ^ value
        if numbers:
            pivot = min(numbers)
            rows = [(one ^ numbers, value ^ total) if pivot in one else (one, value) for one, value in rows]
            rows.append((numbers, total))
            rows.sort(key=lambda row: min(row[0]))
    return {
        number: packet_of(total, number, ssrc) for numbers, total in rows if len(numbers) == 1 for number in numbers
    }
