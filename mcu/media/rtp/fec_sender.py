"""Repair packets for a picture that we send (forward error correction). Pure; the arithmetic is compiled.

FlexFEC's go under an SSRC of their own, numbered behind the stream as repetitions are. ULPFEC's go in RED behind the
picture, with the stream's own numbers, and its packets are in RED as well (RFC 5109 section 14.1): browsers and what is
made of their code look nowhere else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from mcu.media.packets import FecSender, write_packets
from mcu.media.rtp.fec_policy import STEP, RepairPolicy
from mcu.media.rtp.packet import HEADER_SIZE
from mcu.media.rtp.repetition import RepetitionNumbers
from mcu.media.spec import RepairSpec

WINDOW_PICTURES = 5
"""Pictures back that a repair packet reaches, so that a burst is mended by those after it; a sixth of a second."""

MOST_PACKETS = 46
"""The same in packets: what the shorter form of a mask spans."""

LEAST_PACKETS = 12
"""And at least, where pictures are of a packet or two: a burst is of several packets whatever the pictures are."""

SINGLE_WINDOW = 16
"""Packets back for a peer that mends one loss of a repair packet at a time: more in one are more lost at once."""

_MEAN_PICTURES = 64
"""Pictures that the measured share goes back."""

CHUNK = 8
"""Packets of one picture after which repair packets go out: a large one is protected while it is being sent."""


@dataclass(frozen=True, slots=True)
class Protected:
    """``own`` are the packets with the stream's numbers, ``out`` all there are, in the order in which they go out."""

    own: list[bytes]
    out: list[bytes]


class RepairWriter:
    """``policy`` is told what the receiver reports. ``first`` is the stream's first number, with its roll-overs.

    ``repeats``: the receiver asks for what it has lost. ``mutable`` are the header extensions that change on the way.
    """

    def __init__(self, spec: RepairSpec, first: int, repeats: bool, seed: int, mutable: tuple[int, ...] = ()) -> None:
        self.policy = RepairPolicy(repeats)
        self._spec = spec
        self._fec = FecSender(spec.form, seed & ((1 << 64) - 1), mutable)
        self._numbers = RepetitionNumbers(first)
        self._credit = 0.0
        self._sizes: list[int] = []
        self._octets = self._repair_octets = 0.0
        self._measured = 0.0
        self.sent = 0
        """Repair packets."""

    def protect(self, packets: list[bytes], sequence: int, extensions: bytes) -> Protected:
        """Take a picture's packets, which are numbered from ``sequence`` on and have these header extensions."""
        share = self.policy.share
        if share <= 0:
            self._credit = 0.0
            payloads: list[list[bytes]] = []
            if self._spec.form == "flexfec-03":
                return Protected(packets, packets)
        else:
            payloads = self._repairs(packets, share)
        if self._spec.form == "ulpfec":
            return self._in_red(packets, payloads, sequence, extensions)
        return self._beside(packets, payloads, sequence, extensions)

    @property
    def octets_share(self) -> float:
        """Octets of repair packets for each of the stream: they are as long as the longest packet that they protect."""
        return max(self.policy.share, self._measured) if self.policy.share else 0.0

    def _measure(self, own: list[bytes], out: list[bytes]) -> None:
        stream = sum(map(len, own))
        self._octets += stream - self._octets / _MEAN_PICTURES
        self._repair_octets += sum(map(len, out)) - stream - self._repair_octets / _MEAN_PICTURES
        share = self._repair_octets / self._octets
        if abs(share - self._measured) > STEP:
            self._measured = math.ceil(share / STEP) * STEP

    def _repairs(self, packets: list[bytes], share: float) -> list[list[bytes]]:
        """The repair payloads for each chunk of a picture."""
        self._sizes = [*self._sizes[1 - WINDOW_PICTURES :], len(packets)]
        window = max(LEAST_PACKETS, min(MOST_PACKETS, sum(self._sizes)))
        if self._spec.single:
            window = SINGLE_WINDOW
        found = []
        for start in range(0, len(packets), CHUNK):
            chunk = packets[start : start + CHUNK]
            self._credit += share * len(chunk)
            repairs = int(self._credit)
            self._credit -= repairs
            found.append(self._fec.protect(chunk, repairs, window))
        return found

    def _beside(self, packets: list[bytes], payloads: list[list[bytes]], sequence: int, extensions: bytes) -> Protected:
        """FlexFEC: a stream of its own, with the timestamps of what it protects."""
        out: list[bytes] = []
        for chunk, repairs in enumerate(payloads):
            own = packets[chunk * CHUNK : (chunk + 1) * CHUNK]
            out += own
            timestamp = int.from_bytes(own[-1][4:8], "big")
            for payload in repairs:
                number = self._numbers.take(sequence + len(packets))
                if number is not None:
                    head = self._spec.payload_type, number, timestamp, self._spec.ssrc or 0, extensions
                    out += write_packets((payload,), False, *head)
                    self.sent += 1
        self._measure(packets, out)
        return Protected(packets, out)

    def _in_red(self, packets: list[bytes], payloads: list[list[bytes]], sequence: int, extensions: bytes) -> Protected:
        """ULPFEC: all in RED, the repair packets behind the picture."""
        red = self._spec.red or 0
        own = [in_red(packet, red, len(extensions)) for packet in packets]
        repairs = [bytes((self._spec.payload_type,)) + payload for chunk in payloads for payload in chunk]
        self.sent += len(repairs)
        last = packets[-1]
        timestamp, ssrc = int.from_bytes(last[4:8], "big"), int.from_bytes(last[8:12], "big")
        every = own + write_packets(repairs, False, red, sequence + len(packets), timestamp, ssrc, extensions)
        self._measure(own, every)
        return Protected(every, every)


def in_red(packet: bytes, red: int, extensions: int) -> bytes:
    """A packet of ours, with so many octets of header extensions, in RED of this payload type (RFC 2198 section 3)."""
    start = HEADER_SIZE + extensions
    kind = packet[1] & 0x7F
    return packet[:1] + bytes((packet[1] & 0x80 | red,)) + packet[2:start] + bytes((kind,)) + packet[start:]


def out_of_red(packet: bytes, start: int) -> bytes:
    """The packet that was put in RED, its payload beginning at ``start``: one block, as no other is of pictures."""
    return packet[:1] + bytes((packet[1] & 0x80 | packet[start] & 0x7F,)) + packet[2:start] + packet[start + 1 :]
