"""One received source (SSRC): sequence numbers, loss and jitter (RFC 3550 appendices A.1, A.3, A.8)."""

from __future__ import annotations

from mcu.media.packets import SourceNumbers
from mcu.media.rtp.clock import SenderClock
from mcu.media.rtp.rtcp import ReportBlock


class Source(SourceNumbers):
    """Statistics of a source; compiled code counts its packets, by ``receive``."""

    __slots__ = ("_report_ntp", "_report_time", "clock", "ssrc")

    def __init__(self, ssrc: int, sequence: int, timestamp: int, clock_rate: int, now: float) -> None:
        super().__init__(sequence, timestamp, clock_rate, now)
        self.ssrc = ssrc
        self.clock = SenderClock(clock_rate)
        self._report_ntp = 0
        self._report_time = 0.0

    def set_clock_rate(self, clock_rate: int) -> None:
        """The payload type changed to one with another RTP clock."""
        if clock_rate != self.clock_rate:
            self.clock_rate = clock_rate
            self.clock.set_clock_rate(clock_rate)
            self.jitter = 0.0

    def sender_report(self, ntp_time: int, rtp_timestamp: int, now: float) -> None:
        """Take the source's sender report: 64-bit NTP time and the RTP timestamp of the same instant."""
        self._report_ntp = (ntp_time >> 16) & 0xFFFFFFFF
        self._report_time = now
        self.clock.sender_report(ntp_time, rtp_timestamp)

    @property
    def lost(self) -> int:
        """Packets that never came; duplicates count against loss (RFC 3550 section 6.4.1), but not below zero."""
        return max(0, self.highest - self.base + 1 - self.received)

    @property
    def missing(self) -> int:
        """Packets since the last report that have not come so far; duplicates count against loss."""
        expected = self.highest - self.base + 1 - self.expected_before
        return expected - (self.received - self.received_before)

    @property
    def jitter_seconds(self) -> float:
        """Interarrival jitter."""
        return self.jitter / self.clock_rate

    def report(self, now: float) -> ReportBlock:
        """The report block on the time since the last one."""
        expected = self.highest - self.base + 1
        interval = expected - self.expected_before
        lost = interval - (self.received - self.received_before)
        self.expected_before = expected
        self.received_before = self.received
        fraction = min(255, (lost << 8) // interval) if interval > 0 and lost > 0 else 0
        delay = int((now - self._report_time) * 65536) if self._report_ntp else 0
        return ReportBlock(
            self.ssrc,
            fraction,
            expected - self.received,
            self.highest & 0xFFFFFFFF,
            int(self.jitter),
            self._report_ntp,
            delay,
        )
