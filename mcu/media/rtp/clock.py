"""Clocks: NTP time for sender reports, and the sender's wall clock behind RTP timestamps."""

from __future__ import annotations

# Seconds between the epochs of NTP (1900) and Unix (1970).
NTP_OFFSET = 2_208_988_800
# How far one unit moves the clock offset. Units come 30 to 50 times a second with some ms of jitter, drift is slow.
_OFFSET_GAIN = 1 / 64
# How far one report moves the mapping. Reports come every few seconds; a skew of 100 ppm makes them differ by 0.5 ms,
# carelessly made ones by many more, and what is heard and seen must not jump with them.
_REPORT_GAIN = 1 / 4
# A larger step than this is a restarted sender or an adjusted clock, not jitter.
_OFFSET_STEP = 0.5


def on_grid(when: float, grid: float) -> float:
    """The nearest multiple of ``grid``: whoever is due about then is due together, and nobody is woken alone."""
    return round(when / grid) * grid


class NtpClock:
    """Translates the monotonic clock into 64-bit NTP timestamps (RFC 3550 section 4)."""

    __slots__ = ("_offset",)

    def __init__(self, now: float, wallclock: float) -> None:
        """``wallclock`` is the Unix time at the monotonic instant ``now``."""
        self._offset = wallclock - now + NTP_OFFSET

    def ntp(self, now: float) -> int:
        """64-bit NTP timestamp of a monotonic instant."""
        return int((now + self._offset) * 4294967296.0) & 0xFFFFFFFFFFFFFFFF

    def middle(self, now: float) -> int:
        """Its middle 32 bits, in 1/65536 s, as report blocks use them."""
        return (self.ntp(now) >> 16) & 0xFFFFFFFF


class SenderClock:
    """Maps RTP timestamps of a received source to its sender's wall clock by the sender reports.

    Sound and picture of one sender share that wall clock, so the ``capture_time`` of two streams can be compared, and
    the difference of their ``capture_offset`` is by how much one arrives later than the other: what lip sync delays.
    """

    __slots__ = ("_clock_rate", "_ntp", "_offset", "_rtp")

    def __init__(self, clock_rate: int) -> None:
        self._clock_rate = clock_rate
        self._ntp: float | None = None
        self._rtp = 0
        self._offset: float | None = None

    def set_clock_rate(self, clock_rate: int) -> None:
        """The payload type changed to one of another RTP clock: the mapping starts anew with the next report."""
        self._clock_rate = clock_rate
        self._ntp = None
        self._offset = None

    def sender_report(self, ntp_time: int, rtp_timestamp: int) -> None:
        """Take the 64-bit NTP time and the 32-bit RTP timestamp of a report."""
        if not ntp_time:  # 0 is "no wall clock" (RFC 3550 section 6.4.1)
            return
        told = ntp_time / 4294967296.0 - NTP_OFFSET
        believed = self.capture_time(rtp_timestamp)
        if believed is None or abs(told - believed) > _OFFSET_STEP:
            believed = told
        self._ntp = believed + (told - believed) * _REPORT_GAIN
        self._rtp = rtp_timestamp

    def arrived(self, timestamp: int, arrival: float) -> None:
        """A unit with this RTP timestamp arrived at a monotonic instant."""
        captured = self.capture_time(timestamp)
        if captured is None:
            return
        offset = arrival - captured
        old = self._offset
        if old is None or abs(offset - old) > _OFFSET_STEP:
            self._offset = offset
        else:
            self._offset = old + (offset - old) * _OFFSET_GAIN

    def capture_time(self, timestamp: int) -> float | None:
        """Sender's wall clock (Unix seconds) at an RTP timestamp, unwrapped or not; None before the first report.

        The timestamp must lie within 2**31 ticks of the report, which is hours.
        """
        if self._ntp is None:
            return None
        ticks = (timestamp - self._rtp) & 0xFFFFFFFF
        if ticks >= 0x80000000:
            ticks -= 0x100000000
        return self._ntp + ticks / self._clock_rate

    @property
    def capture_offset(self) -> float | None:
        """Seconds from the sender's wall clock at capture to our monotonic clock at arrival, smoothed."""
        return self._offset
