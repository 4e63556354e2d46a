"""Forwarding in plain Python, to be read and to be compared with the compiled one. Not fast, and without limits.

Sequence numbers are unwrapped: they only grow, so that "before" and "after" are what they look like.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

# As in RFC 3550 appendix A.1: a larger jump is a sender that began anew.
MAX_DROPOUT = 3000
KEPT = 512
CLOCK_RATE = 90_000
LONGEST_STEP = 3600 * CLOCK_RATE


@dataclass(frozen=True)
class Packet:
    """What is needed of an RTP packet (RFC 3550 section 5.1)."""

    marker: bool
    sequence: int
    timestamp: int
    payload: bytes

    @classmethod
    def parse(cls, data: bytes) -> Packet:
        first, second, sequence, timestamp, _ = struct.unpack_from("!BBHII", data)
        start = 12 + 4 * (first & 15)
        if first & 0x10:
            start += 4 + 4 * struct.unpack_from("!H", data, start + 2)[0]
        end = len(data) - (data[-1] if first & 0x20 else 0)
        return cls(bool(second & 0x80), sequence, timestamp, data[start:end])


@dataclass(frozen=True)
class Vp8Numbers:
    """Where the descriptor of RFC 7741 section 4.2 has its numbers, and how wide; None for one that is not there."""

    picture_id: int | None
    wide: bool
    tl0: int | None
    end: int

    @classmethod
    def find(cls, payload: bytes) -> Vp8Numbers:
        picture_id = tl0 = None
        wide, at = False, 1
        if payload[0] & 0x80:
            extension, at = payload[1], 2
            if extension & 0x80:
                picture_id, wide = at, bool(payload[at] & 0x80)
                at += 2 if wide else 1
            if extension & 0x40:
                tl0, at = at, at + 1
            if extension & 0x30:
                at += 1
        return cls(picture_id, wide, tl0, at)

    def read(self, payload: bytes) -> tuple[int, int]:
        """Picture id and TL0PICIDX; 0 for one that is not there."""
        picture = 0
        if self.picture_id is not None:
            wide = int.from_bytes(payload[self.picture_id : self.picture_id + 2], "big") & 0x7FFF
            picture = wide if self.wide else payload[self.picture_id] & 0x7F
        return picture, 0 if self.tl0 is None else payload[self.tl0]

    def write(self, payload: bytes, picture: int, tl0: int) -> bytes:
        changed = bytearray(payload)
        if self.picture_id is not None and self.wide:
            changed[self.picture_id : self.picture_id + 2] = (0x8000 | picture & 0x7FFF).to_bytes(2, "big")
        elif self.picture_id is not None:
            changed[self.picture_id] = picture & 0x7F
        if self.tl0 is not None:
            changed[self.tl0] = tl0 & 0xFF
        return bytes(changed)


def begins_key_frame(codec: str, payload: bytes) -> bool:
    """Whether a receiver can begin with this packet."""
    if codec == "VP8":
        return payload[0] & 0x17 == 0x10 and payload[Vp8Numbers.find(payload).end] & 1 == 0
    if codec == "H264":
        kind, first_slice = payload[0] & 31, bool(payload[1] & 0x80)
        if kind == 28:  # FU-A
            kind, first_slice = payload[1] & 31 if payload[1] & 0x80 else 0, bool(payload[2] & 0x80)
        return kind == 7 or (kind == 5 and first_slice)
    return bool(payload)


@dataclass
class Source:
    """A stream that comes in. ``run`` counts its beginnings."""

    codec: str
    run: int = 0
    highest: int = 0
    kept: dict[int, Packet] = field(default_factory=dict)
    missing: set[int] = field(default_factory=set)

    def receive(self, packet: Packet) -> int | None:
        """The unwrapped sequence number of a packet that is taken."""
        distance = (packet.sequence - self.highest + 0x8000) % 0x10000 - 0x8000
        number = self.highest + distance
        if self.run == 0 or abs(distance) > MAX_DROPOUT:
            self.run += 1
            self.kept.clear()
            self.missing.clear()
            # Far from all numbers before.
            self.highest = number = (self.highest // 0x10000 + 2) * 0x10000 + packet.sequence
        elif distance <= -KEPT or number in self.kept:
            return None
        self.missing |= set(range(self.highest + 1, number))
        self.missing.discard(number)
        self.highest = max(self.highest, number)
        self.kept[number] = packet
        return number


@dataclass
class Outlet:
    """A stream that goes out, fed by one source at a time."""

    ssrc: int
    payload_type: int
    highest: int
    rtx: tuple[int, int] | None = None
    rtx_sequence: int = 0
    source: Source | None = None
    wanted: Source | None = None
    run: int = 0
    begun: bool = False
    first: int = 0
    shift: int = 0
    timestamp_shift: int = 0
    picture_shift: int = 0
    tl0_shift: int = 0
    last: tuple[int, float, int, int] = (0, 0.0, 0, 0)  # timestamp, when, picture id, TL0PICIDX
    carried: dict[str, tuple[int, int]] = field(default_factory=dict)  # payload types of a codec and its repetitions
    sent: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.opened = self.payload_type, 0 if self.rtx is None else self.rtx[1]
        self.rtx_payload_type = self.opened[1]

    @property
    def waits(self) -> bool:
        return self.wanted is not None or (self.source is not None and self.source.run != self.run)

    def route(self, source: Source | None) -> None:
        self.wanted = None if source is self.source else source
        if source is None:
            self.source = None

    def write(self, source: Source, number: int, packet: Packet, now: float) -> bytes | None:
        """The packet as it goes out, when it does."""
        fed = self.source is source and self.run == source.run
        if (self.wanted is source or (self.source is source and not fed)) and begins_key_frame(
            source.codec, packet.payload
        ):
            self._go_over(source, number, packet, now)
            fed = True
        outgoing = number + self.shift
        if not fed or outgoing < self.first:
            return None
        self.sent[outgoing] = number
        written, numbers = self._rewritten(source, packet)
        if outgoing > self.highest:
            self.highest = outgoing
            self.last = ((packet.timestamp + self.timestamp_shift) % (1 << 32), now, *numbers)
        return self._header(packet, self.payload_type, outgoing, self.ssrc) + written

    def resend(self, outgoing: int) -> bytes | None:
        """A packet of the present source once more (RFC 4588 with ``rtx``)."""
        if self.source is None or self.source.run != self.run or outgoing not in self.sent:
            return None
        packet = self.source.kept[self.sent[outgoing]]
        written, _ = self._rewritten(self.source, packet)
        if self.rtx is None or not self.rtx_payload_type:
            return self._header(packet, self.payload_type, outgoing, self.ssrc) + written
        self.rtx_sequence += 1
        number = (outgoing % 0x10000).to_bytes(2, "big")
        return self._header(packet, self.rtx_payload_type, self.rtx_sequence - 1, self.rtx[0]) + number + written

    def _go_over(self, source: Source, number: int, packet: Packet, now: float) -> None:
        if self.wanted is source:
            self.wanted = None
        self.source, self.run = source, source.run
        self.payload_type, self.rtx_payload_type = self.carried.get(source.codec, self.opened)
        self.sent.clear()
        self.first = self.highest + 1
        self.shift = self.first - number
        timestamp, when, picture, tl0 = self.last
        if self.begun:
            step = min(max(1, int((now - when) * CLOCK_RATE + 0.5)), LONGEST_STEP)
            self.timestamp_shift = timestamp + step - packet.timestamp
        if source.codec == "VP8":
            found = Vp8Numbers.find(packet.payload)
            first_picture, first_tl0 = found.read(packet.payload)
            if found.picture_id is not None:
                self.picture_shift = picture + 1 - first_picture if self.begun else 0
            if found.tl0 is not None:
                self.tl0_shift = tl0 + 1 - first_tl0 if self.begun else 0
        self.begun = True

    def _rewritten(self, source: Source, packet: Packet) -> tuple[bytes, tuple[int, int]]:
        """The payload with this outlet's numbers, and these; those that are not there stay what they were."""
        if source.codec != "VP8":
            return packet.payload, self.last[2:]
        found = Vp8Numbers.find(packet.payload)
        picture, tl0 = found.read(packet.payload)
        changed = found.write(packet.payload, picture + self.picture_shift, tl0 + self.tl0_shift)
        picture, tl0 = found.read(changed)
        return changed, (
            self.last[2] if found.picture_id is None else picture,
            self.last[3] if found.tl0 is None else tl0,
        )

    def _header(self, packet: Packet, payload_type: int, sequence: int, ssrc: int) -> bytes:
        timestamp = (packet.timestamp + self.timestamp_shift) % (1 << 32)
        return struct.pack("!BBHII", 0x80, packet.marker << 7 | payload_type, sequence % 0x10000, timestamp, ssrc)
