"""What the network to one receiver carries, by what the receiver reports. Pure: time in seconds is passed in.

Loss is answered as Google's congestion control does in its loss-based part (draft-ietf-rmcat-gcc-02 section 6): beyond
a tenth the rate falls by half of the loss, up to a fiftieth it may rise, and in between it stays. A shortage that has
passed is forgotten within a quarter of a minute; where rising has just failed it is tried again later, and more slowly.
"""

from __future__ import annotations

from mcu.media.rtp.config import ReceiverFeedback

HEAVY_LOSS = 0.10
LIGHT_LOSS = 0.02

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


class ReceiverNetwork:
    """``rate`` is the most that the receiver should be sent now, bit/s; None while the network does not bind."""

    def __init__(self) -> None:
        self._rate: float | None = None
        self._patience = FIRST_PATIENCE
        self._troubled = float("-inf")
        self._rose = float("-inf")
        self._reported = float("-inf")
        self._reports = 0

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
        since, self._reported = now - self._reported, now
        lost, estimate = feedback.fraction_lost, feedback.estimated_bitrate
        if lost > HEAVY_LOSS:
            self._fall(min(sent, self._rate or sent) * (1 - lost / 2), now)
        elif estimate is not None and estimate < sent * _ESTIMATE_MARGIN:
            self._fall(estimate, now)
        elif lost > LIGHT_LOSS:
            self._troubled = now
        elif self._rate is not None and now - self._troubled >= self._patience:
            self._rise(min(since, self._patience), most, now)
        return self.rate != before

    def _fall(self, rate: float, now: float) -> None:
        if now - self._rose < _BLAME:
            self._patience = min(self._patience * 2, LONGEST_PATIENCE)
        self._rate = max(float(LEAST_RATE), rate)
        self._troubled = now

    def _rise(self, seconds: float, most: int, now: float) -> None:
        assert self._rate is not None
        failed = self._patience > FIRST_PATIENCE
        self._rate *= (_CAUTIOUS_RISE_PER_SECOND if failed else _RISE_PER_SECOND) ** seconds
        self._rose = now
        if self._rate >= most:
            self._rate = None
