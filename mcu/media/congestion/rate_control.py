"""The rate by what the delay says: up by and by, down at once (draft section 5.5)."""

from __future__ import annotations

import math

from mcu.media.congestion.values import Usage

FALL = 0.85
"""Of what gets through is kept when a queue grows: less than the link carries, so that the queue empties."""

LEAST_RATE = 64_000
"""bit/s."""

LEAST_BY_DELAY = 200_000
"""bit/s. Delay alone lowers the rate no further: a receiver that is short of CPU delays as well, and sending less does
not help it. Where a link is as narrow as that, loss tells."""

REGRETTED = 1.5
"""Seconds for which a fall can be taken back."""

# Far from where the link was full the last time: by the second. Near it: a packet in each time to respond.
_RISE_PER_SECOND = 1.08
_LEAST_STEP = 4_000.0
_PACKET_BITS = 1200 * 8
_RESPONSE = 0.1

# No more than this beyond what gets through: more has not been tried.
_UNTRIED, _UNTRIED_MORE = 1.5, 10_000


class LinkCapacity:
    """What got through when the link was full, mean and deviation (draft section 5.5)."""

    _GAIN = 0.05

    def __init__(self) -> None:
        self.mean: float | None = None
        self._deviation = 0.4  # of the rate in kbit/s, relative to its root

    def full_at(self, rate: float) -> None:
        """The link was full at this rate, bit/s."""
        rate /= 1000
        if self.mean is None:
            self.mean = rate
        else:
            self.mean += (rate - self.mean) * self._GAIN
        relative = (self.mean - rate) ** 2 / max(self.mean, 1.0)
        self._deviation = min(2.5, max(0.4, self._deviation * (1 - self._GAIN) + relative * self._GAIN))

    def is_near(self, rate: float) -> bool:
        """Whether the link is about to be full."""
        return self.mean is not None and abs(rate / 1000 - self.mean) <= self._width

    def forget(self) -> None:
        """What was found was none."""
        self.mean = None

    def leave(self, rate: float) -> None:
        """What gets through is beyond all that was seen: the link is another by now."""
        if self.mean is not None and rate / 1000 > self.mean + self._width:
            self.mean = None

    def below(self, rate: float) -> None:
        """The same, downwards."""
        if self.mean is not None and rate / 1000 < self.mean - self._width:
            self.mean = None

    @property
    def _width(self) -> float:
        return 3 * math.sqrt(self._deviation * (self.mean or 0.0))


class RateControl:
    """``rate`` in bit/s is None until a queue has grown for the first time: nothing was found to be too much."""

    def __init__(self) -> None:
        self.rate: float | None = None
        self.fell = float("-inf")
        """When it last did."""
        self.falls = 0
        self._capacity = LinkCapacity()
        self._holds = False
        self._updated: float | None = None
        self._before: tuple[float, float | None] | None = None

    def update(self, usage: Usage, through: float | None, limited: bool, round_trip: float, now: float) -> None:
        """``through`` is what gets through, bit/s. ``limited``: less is sent than could be, so nothing is tested."""
        elapsed = 0.0 if self._updated is None else min(1.0, max(0.0, now - self._updated))
        self._updated = now
        if usage is Usage.OVER:
            self._fall(through, round_trip, now)
            self._holds = True
        elif usage is Usage.UNDER:
            self._holds = True  # the queue empties: more would keep it
        elif self._holds:
            self._holds = False
        elif self.rate is not None and through is not None and not limited:
            self._rise(self.rate, through, elapsed, round_trip)

    def regret(self, now: float) -> None:
        """The falls of the last moments were a mistake."""
        if self._before is not None and now - self._before[0] <= REGRETTED:
            self.rate, self._before = self._before[1], None
            self._capacity.forget()
            self.fell = float("-inf")

    def lift(self, rate: float) -> None:
        """More has been found to get through."""
        self._capacity.leave(rate)
        if self.rate is not None and rate > self.rate:
            self.rate = rate

    def _fall(self, through: float | None, round_trip: float, now: float) -> None:
        if through is None:
            return
        lowered = FALL * through
        if self.rate is not None and lowered > self.rate:
            # What was sent before the last fall still comes.
            mean = self._capacity.mean
            lowered = self.rate if mean is None else min(self.rate, FALL * mean * 1000)
        # One queue is answered once: what follows within a round trip was on its way.
        if self.rate is not None and now - self.fell < max(round_trip, _RESPONSE) and through > self.rate / 2:
            return
        self._capacity.below(through)
        self._capacity.full_at(through)
        before, self.rate = self.rate, max(LEAST_BY_DELAY, min(lowered, self.rate or lowered))
        if self._before is None or now - self._before[0] > REGRETTED:
            self._before = now, before
        self.fell = now
        self.falls += self.rate != before

    def _rise(self, rate: float, through: float, elapsed: float, round_trip: float) -> None:
        self._capacity.leave(through)
        if self._capacity.is_near(rate):
            step = max(_LEAST_STEP, _PACKET_BITS / (round_trip + _RESPONSE)) * elapsed
        else:
            step = rate * (_RISE_PER_SECOND**elapsed - 1)
        most = _UNTRIED * through + _UNTRIED_MORE
        self.rate = max(rate, min(rate + step, most))
