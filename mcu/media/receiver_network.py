"""What may be sent of a picture to one receiver, by what is known of the network to it. Pure: time is passed in.

Where the receiver tells of each packet, an estimate of the transport says what gets through (``mcu.media.congestion``),
and here is decided how a ladder with large steps follows it. Of other receivers their reports decide
(``reported_rate.py``).

A shortage that has passed is forgotten within seconds; where rising has just failed it is tried again later.
"""

from __future__ import annotations

from mcu.media.congestion.values import LossAndDelay
from mcu.media.reported_rate import ReportedRate
from mcu.media.rtp.config import ReceiverFeedback

LEAST_RATE = 64_000
"""The lowest rung; bit/s."""

# Calm for so long before what has not been tested is tried; doubled each time when what was gained is lost at once.
FIRST_PATIENCE = 4.0
_RISE_PER_SECOND = 1.15

# A rate that has been tested is followed soon, but not to and fro with every key frame.
_TESTED_PATIENCE = 1.0
# An attempt fails at once, or it has not failed: a queue grows within a second. With an estimate of each packet the
# next one waits no longer than this.
_ATTEMPT, _LONGEST_TESTED = 5.0, 10.0
# Steps of the ladder are up to twice the rate; a larger one begins with a key frame that fills the link for long.
_STEP = 2.0
# By so much more than what failed was tested: it would not fail now.
_BEYOND = 1.2
# A fall lasts for so long, while a queue grows that was there already.
_FALLING = 1.0


class ReceiverNetwork:
    """``rate`` is the most that the receiver should be sent now, bit/s; None while the network does not bind."""

    def __init__(self) -> None:
        self._rate: float | None = None
        self._patience = FIRST_PATIENCE
        self._troubled = float("-inf")
        self._rose = float("-inf")
        self._failed: float | None = None
        self._falls = 0
        self._moved = self._looked = float("-inf")
        self._reported = ReportedRate()

    @property
    def rate(self) -> int | None:
        return None if self._rate is None else int(self._rate)

    def reported(self, feedback: ReceiverFeedback, sent: int, most: int, now: float) -> bool:
        """Look at what the peer reported of a stream that is sent at ``sent`` bit/s; True when ``rate`` changed.

        ``most`` is what the call allows at all. To be called now and then without a new report too: they may stop.
        """
        before = self.rate
        self._reported.take(feedback, sent, most, now)
        self._rate = self._reported.rate
        return self.rate != before

    def estimated(self, network: LossAndDelay, sent: int, most: int, now: float) -> bool:
        """The same by an estimate of the transport, of which this stream may have ``network.rate``."""
        before = self.rate
        since, self._looked = min(now - self._looked, 1.0), now
        falls = network.falls != self._falls or now - self._troubled < _FALLING
        self._falls = network.falls
        if falls and network.rate is not None and network.rate < min(sent, self._rate or sent):
            self._give_way(network.rate, sent, now)
        elif self._rate is not None:
            self._follow(self._rate, network, since, most, now)
        return self.rate != before

    def _give_way(self, rate: float, sent: int, now: float) -> None:
        if now - self._troubled >= _FALLING:
            if now - self._rose < _ATTEMPT:
                self._patience = min(self._patience * 2, _LONGEST_TESTED)
            self._failed = float(sent)
        self._rate = max(float(LEAST_RATE), rate)
        self._troubled = now

    def _follow(self, rate: float, network: LossAndDelay, since: float, most: int, now: float) -> None:
        """Up with what has been tested; beyond that by an attempt, now and then: the ladder's next step is the test."""
        calm = now - self._troubled
        if self._failed is not None and self._rose > self._troubled and now - self._rose > _ATTEMPT:
            self._failed, self._patience = None, FIRST_PATIENCE  # what failed before holds by now
        if network.rate is None or (self._failed is not None and network.rate > _BEYOND * self._failed):
            # The loss that had lowered it has turned out to be the network's own, or more was found to get through.
            self._failed = None
        wanted = tested = rate * _STEP if network.rate is None else max(rate, network.rate)
        if calm >= self._patience and network.limited:
            wanted = max(wanted, rate * _RISE_PER_SECOND**since)
        if self._failed is not None and wanted >= self._failed:
            if calm < self._patience:
                wanted = tested = max(rate, self._failed * 0.99)
            elif rate < self._failed:
                self._rose = now
        if wanted > tested:
            self._rose = now
        if calm < _TESTED_PATIENCE or wanted <= rate or now - self._moved < _TESTED_PATIENCE:
            return
        if wanted > rate * _STEP:
            wanted, self._moved = rate * _STEP, now
        self._rate = wanted
        if self._rate >= most:
            self._rate = None
            self._rose = now
