"""One received source (SSRC): sequence numbers, loss and jitter (RFC 3550 appendices A.1, A.3, A.8)."""

from __future__ import annotations

from mcu.media.rtp.clock import SenderClock
from mcu.media.rtp.rtcp import ReportBlock

# A larger jump ahead than this is taken for a restarted sender, not for loss (RFC 3550 appendix A.1).
MAX_DROPOUT = 3000
# So far back a packet may come and still be late rather than of a restarted sender: a second of retransmissions.
MAX_MISORDER = 1000


class Source:
    """Statistics of a source and the extension of its sequence numbers to unbounded integers."""

    __slots__ = (
        "_bad",
        "_base",
        "_expected_before",
        "_jitter",
        "_jitter_arrival",
        "_jitter_timestamp",
        "_received_before",
        "_report_ntp",
        "_report_time",
        "clock",
        "clock_rate",
        "highest",
        "last_arrival",
        "received",
        "restarted",
        "ssrc",
    )

    def __init__(self, ssrc: int, sequence: int, timestamp: int, clock_rate: int, now: float) -> None:
        self.ssrc = ssrc
        self.clock_rate = clock_rate
        self.clock = SenderClock(clock_rate)
        self.highest = sequence
        self.received = 0
        self.last_arrival = now
        self.restarted = False
        self._base = sequence
        self._bad: int | None = None
        self._expected_before = 0
        self._received_before = 0
        self._jitter = 0.0
        self._jitter_timestamp = timestamp
        self._jitter_arrival = now
        self._report_ntp = 0
        self._report_time = 0.0

    def receive(self, sequence: int, timestamp: int, now: float) -> int | None:
        """Count a packet; returns its extended sequence number.

        None for one that is out of all order. Two such in a row are a sender that started anew: the second one is
        taken and ``restarted`` set, for the receiver to start anew too.
        """
        delta = (sequence - self.highest) & 0xFFFF
        if delta < MAX_DROPOUT:
            self.highest = extended = self.highest + delta
        elif delta > 0x10000 - MAX_MISORDER:
            extended = self.highest + delta - 0x10000
        elif sequence == self._bad:
            self._restart(sequence)
            extended = sequence
        else:
            self._bad = (sequence + 1) & 0xFFFF
            return None
        self.received += 1
        self.last_arrival = now
        # Packets of one picture share a timestamp and leave in a burst, which says nothing about the network.
        if timestamp != self._jitter_timestamp and extended == self.highest:
            elapsed = (timestamp - self._jitter_timestamp) & 0xFFFFFFFF
            if elapsed >= 0x80000000:
                elapsed -= 0x100000000
            variation = abs((now - self._jitter_arrival) * self.clock_rate - elapsed)
            # A pause of the sender is no jitter of the network: leave steps of more than a second out.
            if variation < self.clock_rate:
                self._jitter += (variation - self._jitter) * 0.0625
            self._jitter_timestamp = timestamp
            self._jitter_arrival = now
        return extended

    def _restart(self, sequence: int) -> None:
        self.highest = self._base = sequence
        self.received = self._received_before = self._expected_before = 0
        self._bad = None
        self.restarted = True

    def set_clock_rate(self, clock_rate: int) -> None:
        """The payload type changed to one with another RTP clock."""
        if clock_rate != self.clock_rate:
            self.clock_rate = clock_rate
            self.clock.set_clock_rate(clock_rate)
            self._jitter = 0.0

    def sender_report(self, ntp_time: int, rtp_timestamp: int, now: float) -> None:
        """Take the source's sender report: 64-bit NTP time and the RTP timestamp of the same instant."""
        self._report_ntp = (ntp_time >> 16) & 0xFFFFFFFF
        self._report_time = now
        self.clock.sender_report(ntp_time, rtp_timestamp)

    @property
    def lost(self) -> int:
        """Packets that never came; duplicates count against loss (RFC 3550 section 6.4.1), but not below zero."""
        return max(0, self.highest - self._base + 1 - self.received)

    @property
    def jitter_seconds(self) -> float:
        """Interarrival jitter."""
        return self._jitter / self.clock_rate

    def report(self, now: float) -> ReportBlock:
        """The report block on the time since the last one."""
        expected = self.highest - self._base + 1
        interval = expected - self._expected_before
        lost = interval - (self.received - self._received_before)
        self._expected_before = expected
        self._received_before = self.received
        fraction = min(255, (lost << 8) // interval) if interval > 0 and lost > 0 else 0
        delay = int((now - self._report_time) * 65536) if self._report_ntp else 0
        return ReportBlock(
            self.ssrc,
            fraction,
            expected - self.received,
            self.highest & 0xFFFFFFFF,
            int(self._jitter),
            self._report_ntp,
            delay,
        )
