"""A room with a clock for each of its media, none of them ours: what it sends, in the order that it arrives."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mcu.media.rtp import rtcp
from mcu.media.rtp.clock import NTP_OFFSET
from mcu.media.rtp.packet import RtpPacket
from mcu.media.spec import CodecSpec

PCMA = CodecSpec(name="PCMA", payload_type=8, clock_rate=8000)
H264 = CodecSpec(name="H264", payload_type=99, clock_rate=90000, parameters={"packetization-mode": "1"})

SIGNAL_EVERY = 5.0
"""Seconds from one beep and flash to the next."""
SIGNAL_SECONDS = 0.1
_QUIET, _LOUD = b"\xd5" * 160, (b"\xaa" * 4 + b"\x2a" * 4) * 20  # 1 kHz as loud as can be
_SSRC = {"audio": 11, "video": 12, "content": 13}

Medium = Literal["audio", "video", "content"]


@dataclass(frozen=True)
class Arrival:
    """A datagram of a medium. ``captured`` is the true time of what begins a signal, else None."""

    at: float
    medium: Medium
    is_rtcp: bool
    data: bytes
    captured: float | None = None


@dataclass(frozen=True)
class Room:
    """Skews are parts by which a clock runs fast against true time, which is ours. Delays in seconds to arrival."""

    skews: dict[Medium, float]
    delays: dict[Medium, float]
    wall_skew: float = 0.0
    jitter: float = 0.008
    reports: bool = True
    frame_rates: tuple[tuple[Medium, int], ...] = (("video", 30),)

    def arrivals(self, seconds: float, seed: int = 1) -> Iterator[Arrival]:
        """All that arrives in this time."""
        rng = random.Random(seed)
        sources = [self._sound(rng), *(self._pictures(medium, rate, rng) for medium, rate in self.frame_rates)]
        sources += [self._reports(medium) for medium in self.delays if self.reports]
        for arrival in heapq.merge(*sources, key=lambda one: one.at):
            if arrival.at > seconds:
                return
            yield arrival

    def _sound(self, rng: random.Random) -> Iterator[Arrival]:
        number = 0
        while True:
            captured = number * 0.02 / (1 + self.skews["audio"])
            loud, before = _signal(captured), _signal(captured - 0.02)
            data = RtpPacket(8, number & 0xFFFF, (7 + 160 * number) & 0xFFFFFFFF, 11, _LOUD if loud else _QUIET)
            at = captured + 0.02 + self.delays["audio"] + rng.random() * self.jitter
            yield Arrival(at, "audio", False, data.serialise(), captured if loud and not before else None)
            number += 1

    def _pictures(self, medium: Medium, rate: int, rng: random.Random) -> Iterator[Arrival]:
        number, last = 0, 0.0
        while True:
            captured = number / rate / (1 + self.skews[medium])
            on, before = _signal(captured), _signal(captured - 1 / rate)
            ticks = (5 + number * 90_000 // rate) & 0xFFFFFFFF
            payload = b"\x65\x88\x80\x01" if number == 0 else b"\x41\x9a\x80" + bytes([2 if on else 1])
            data = RtpPacket(99, number & 0xFFFF, ticks, _SSRC[medium], payload, marker=True)
            last = max(last, captured + self.delays[medium] + rng.random() * self.jitter)
            yield Arrival(last, medium, False, data.serialise(), captured if on and not before else None)
            number += 1

    def _reports(self, medium: Medium) -> Iterator[Arrival]:
        """Sender reports every 5 s: the room's one wall clock beside the medium's own."""
        rate, first = (8000, 7) if medium == "audio" else (90_000, 5)
        number = 0
        while True:
            sent = 0.5 + 5.0 * number
            wall = 1_700_000_000.0 + NTP_OFFSET + sent * (1 + self.wall_skew)
            timestamp = (first + round(sent * (1 + self.skews[medium]) * rate)) & 0xFFFFFFFF
            report = rtcp.SenderReport(_SSRC[medium], round(wall * 2**32), timestamp, 1, 1, ())
            description = rtcp.SourceDescription(((_SSRC[medium], "room"),))
            yield Arrival(sent + 0.02, medium, True, rtcp.serialise_compound((report, description)))
            number += 1


def _signal(captured: float) -> bool:
    return captured > 1.0 and captured % SIGNAL_EVERY < SIGNAL_SECONDS
