"""How much RTCP a leg is listened to for: each octet of it costs more to read than one of media. Time is passed in."""

from __future__ import annotations

import logging
from collections.abc import Callable

from mcu.media.spec import Line

logger = logging.getLogger(__name__)

# Octets a second, and at once. A browser that tells of each packet at 10 Mbit/s, and asks for every fifth again, sends
# a fifth of it; RTCP may have a twentieth of the rate of a call (RFC 3550 section 6.2), which is less as well.
REPORTED_PER_SECOND = 65_536
REPORTED_AT_ONCE = 131_072

RtcpReceiver = Callable[[Line | None, bytes], None]


class ReportFlood:
    """Stands before whoever takes reports, and lets those pass that there is time for."""

    def __init__(self, take: RtcpReceiver, clock: Callable[[], float]) -> None:
        self._take = take
        self._clock = clock
        self._allowance = float(REPORTED_AT_ONCE)
        self._looked = clock()
        self.dropped = 0

    def __call__(self, line: Line | None, data: bytes) -> None:
        """Take a compound that came, or drop it; the first one dropped is logged."""
        now = self._clock()
        earned = (now - self._looked) * REPORTED_PER_SECOND
        self._allowance = min(REPORTED_AT_ONCE, self._allowance + earned)
        self._looked = now
        if len(data) > self._allowance:
            if not self.dropped:
                logger.info("a leg reports more than it can have to say; what is too much is counted from now on")
            self.dropped += 1
            return
        self._allowance -= len(data)
        self._take(line, data)
