"""What a sender is told of a stream that we do not decode: a report block from the packet layer's counters. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from mcu.media.rtp.clock import SenderClock
from mcu.media.rtp.rtcp import ReportBlock

# A rate follows its source within a second or two, and not the size of single pictures.
_RATE_GAIN = 0.4
# Half a second of a stream has enough pictures to tell a rate from.
RATE_INTERVAL = 0.5


@dataclass(frozen=True, slots=True)
class SourceCounters:
    """``MediaPort.source_statistics`` with names. ``highest`` is a sequence number with its cycles."""

    packets: int
    octets: int
    missed: int
    recovered: int
    key_frames: int
    highest: int
    timestamp: int
    arrival: float


class SourceReport:
    """Loss, jitter and rate of one source since it began."""

    def __init__(self, ssrc: int, clock_rate: int, now: float) -> None:
        self.ssrc = ssrc
        self.clock = SenderClock(clock_rate)
        self.rate = 0.0
        self._clock_rate = clock_rate
        self._jitter = 0.0
        self._seen: tuple[int, float] | None = None
        self._before = (0, 0)
        self._rated = (0, now)
        self._rate_known = False
        self._report: tuple[int, float] | None = None

    def observe(self, counters: SourceCounters, now: float) -> None:
        """Look at the counters: often, since jitter is taken from the packets that happen to be the last."""
        if counters.packets and (self._seen is None or counters.timestamp != self._seen[0]):
            self.clock.arrived(counters.timestamp, counters.arrival)
            if self._seen is not None:
                self._note_jitter(counters.timestamp - self._seen[0], counters.arrival - self._seen[1])
            self._seen = counters.timestamp, counters.arrival
        octets, since = self._rated
        if now - since >= RATE_INTERVAL:
            rate = (counters.octets - octets) * 8 / (now - since)
            self.rate += (rate - self.rate) * (_RATE_GAIN if self._rate_known else 1.0)
            self._rate_known = True
            self._rated = counters.octets, now

    def sender_report(self, ntp_time: int, rtp_timestamp: int, now: float) -> None:
        """The source's own report (RFC 3550 section 6.4.1)."""
        self._report = (ntp_time >> 16) & 0xFFFFFFFF, now
        self.clock.sender_report(ntp_time, rtp_timestamp)

    def block(self, counters: SourceCounters, now: float) -> ReportBlock:
        """The report block on the time since the last one."""
        lost = max(0, counters.missed - counters.recovered)
        packets_before, lost_before = self._before
        new_lost = max(0, lost - lost_before)
        expected = max(0, counters.packets - packets_before) + new_lost
        self._before = counters.packets, lost
        fraction = min(255, (new_lost << 8) // expected) if expected else 0
        last, since = self._report if self._report is not None else (0, now)
        delay = int((now - since) * 65536)
        return ReportBlock(self.ssrc, fraction, lost, counters.highest, int(self._jitter), last, delay)

    def _note_jitter(self, ticks: int, seconds: float) -> None:
        ticks &= 0xFFFFFFFF
        if ticks >= 0x80000000:
            ticks -= 0x100000000
        variation = abs(seconds * self._clock_rate - ticks)
        if variation < self._clock_rate:  # a pause of the sender is no jitter of the network
            self._jitter += (variation - self._jitter) * 0.0625
