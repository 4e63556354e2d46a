"""What may be sent of a picture to one receiver, by what is known of the network to it. Pure: time is passed in.

Where the receiver tells of each packet, an estimate of the transport says what gets through (``mcu.media.congestion``),
and here is decided how a ladder with large steps follows it. Of other receivers loss is answered as in the loss-based
part of Google's congestion control (draft-ietf-rmcat-gcc-02 section 6): beyond a tenth the rate falls by half of the
loss, up to a fiftieth it may rise, and in between it stays.

A shortage that has passed is forgotten within a quarter of a minute; where rising has just failed it is tried again
later, and more slowly.
"""

from __future__ import annotations

from collections import deque

from mcu.media.congestion.loss import HEAVY as HEAVY_LOSS
from mcu.media.congestion.loss import LIGHT as LIGHT_LOSS
from mcu.media.congestion.loss import OwnLoss
from mcu.media.congestion.rate_control import FALL
from mcu.media.congestion.values import LossAndDelay
from mcu.media.rtp.config import ReceiverFeedback

LEAST_RATE = 64_000
"""The lowest rung; bit/s."""

# Clean so long before the rate rises; doubled each time when what was gained is lost again at once.
FIRST_PATIENCE = 4.0
LONGEST_PATIENCE = 160.0
# A fall this soon after a rise was the fault of the rise.
_BLAME = 15.0

# The ladder has large steps; where one failed, the next attempt feels its way.
_RISE_PER_SECOND = 1.15
_CAUTIOUS_RISE_PER_SECOND = 1.05

# A receiver's estimate (REMB) wavers around what it gets; only one clearly below binds.
_ESTIMATE_MARGIN = 0.8

# Whoever asks for lost packets reports with every request, of a few packets each time: they are taken together over so
# many seconds. The first report of a call is of no longer than the other.
_LEAST_INTERVAL, _LONGEST_REPORT = 1.0, 5.0

# By so many seconds more than at best of the last while the round trip tells of a full queue.
_FULL_QUEUE, _REMEMBERED = 0.1, 60.0

# A rate that has been tested is followed soon, but not to and fro with every key frame.
_TESTED_PATIENCE = 1.0
# An attempt fails at once, or it has not failed: a queue grows within a second. With an estimate of each packet the
# next one waits no longer than this.
_ATTEMPT, _LONGEST_TESTED = 5.0, 10.0
# Steps of the ladder are up to twice the rate; a larger one begins with a key frame that fills the link for long.
_STEP = 2.0
# A fall lasts for so long, while a queue grows that was there already.
_FALLING = 1.0


class ReceiverNetwork:
    """``rate`` is the most that the receiver should be sent now, bit/s; None while the network does not bind."""

    def __init__(self) -> None:
        self._rate: float | None = None
        self._patience = FIRST_PATIENCE
        self._troubled = float("-inf")
        self._rose = float("-inf")
        self._reported = float("-inf")
        self._reports = 0
        self._failed: float | None = None
        self._own = OwnLoss()
        self._stale = False
        self._heard = float("-inf")
        self._lost = self._lasted = 0.0
        self._round_trips: deque[tuple[float, float]] = deque(maxlen=256)
        self._falls = 0
        self._moved = float("-inf")

    @property
    def rate(self) -> int | None:
        return None if self._rate is None else int(self._rate)

    def reported(self, feedback: ReceiverFeedback, sent: int, most: int, now: float) -> bool:
        """Look at what the peer reported of a stream that is sent at ``sent`` bit/s; True when ``rate`` changed.

        ``most`` is what the call allows at all. Without a new report nothing changes.
        """
        if feedback.reports == self._reports:
            return False
        self._reports = feedback.reports
        before = self.rate
        lasted, self._heard = min(now - self._heard, _LONGEST_REPORT), now
        self._lost, self._lasted = self._lost + feedback.fraction_lost * lasted, self._lasted + lasted
        if now - self._reported < _LEAST_INTERVAL:
            return False
        since, self._reported = now - self._reported, now
        lost = self._lost / self._lasted if self._lasted else feedback.fraction_lost
        self._lost = self._lasted = 0.0
        estimate = feedback.estimated_bitrate
        queueing = self._queueing(feedback.round_trip, now)
        if self._own.note(lost, lost, sent):
            self._rate = None
        beyond, doubt = lost - self._own.share, self._own.doubt
        if self._stale:
            # Most of what this one tells of was sent before the rate fell.
            self._stale, self._troubled = False, now
        elif beyond > HEAVY_LOSS + doubt and queueing > _FULL_QUEUE:
            # Not by chance: the link is full, and what came is what it carries.
            self._fall(min(sent, self._rate or sent) * (1 - lost) * FALL, now)
            self._stale = True
        elif beyond > HEAVY_LOSS + doubt:
            self._own.answered(lost, sent)
            self._fall(min(sent, self._rate or sent) * (1 - beyond / 2), now)
        elif estimate is not None and estimate < sent * _ESTIMATE_MARGIN:
            self._fall(estimate, now)
        elif beyond > LIGHT_LOSS + doubt or queueing > _FULL_QUEUE:
            self._troubled = now
        elif self._rate is not None and now - self._troubled >= self._patience:
            self._rise(min(since, self._patience), most, now)
        return self.rate != before

    def estimated(self, network: LossAndDelay, sent: int, most: int, now: float) -> bool:
        """The same by an estimate of the transport, of which this stream may have ``network.rate``."""
        before = self.rate
        since, self._reported = min(now - self._reported, 1.0), now
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
        wanted = tested = rate if network.rate is None else max(rate, network.rate)
        if calm >= self._patience and (network.rate is None or network.limited):
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

    def _queueing(self, round_trip: float | None, now: float) -> float:
        """Seconds that the way there and back takes longer than at best of late; 0 where that is not known."""
        if round_trip is None:
            return 0.0
        self._round_trips.append((now, round_trip))
        while now - self._round_trips[0][0] > _REMEMBERED:
            self._round_trips.popleft()
        return round_trip - min(one for _, one in self._round_trips)

    def _fall(self, rate: float, now: float) -> None:
        if now - self._rose < _BLAME:
            # Where the round trip is told, a queue shows before much is lost, and the next attempt need not wait long.
            longest = _LONGEST_TESTED if self._round_trips else LONGEST_PATIENCE
            self._patience = max(self._patience, min(self._patience * 2, longest))
        self._rate = max(float(LEAST_RATE), rate)
        self._troubled = now

    def _rise(self, seconds: float, most: int, now: float) -> None:
        assert self._rate is not None
        failed = self._patience > FIRST_PATIENCE and not self._round_trips
        self._rate *= (_CAUTIOUS_RISE_PER_SECOND if failed else _RISE_PER_SECOND) ** seconds
        self._rose = now
        if self._rate >= most:
            self._rate = None
