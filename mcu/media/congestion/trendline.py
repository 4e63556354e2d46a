"""Whether a queue grows on the way: the trend of the delay, and the threshold that it is held against.

The draft filters the delay by Kalman (section 5.3); browsers fit a line to it, which does as well and is simpler. The
threshold adapts as in its section 5.4: too low a one would starve beside a stream that fills queues.
"""

from __future__ import annotations

from collections import deque

from mcu.media.congestion.values import Usage

WINDOW = 20
"""Groups that the line is fitted to: at 30 pictures a second some 0.6 s, with many packets less."""

_SMOOTHING = 0.9
# The slope counts the more the longer it lasts: it is taken times the number of groups, up to so many, and a gain.
_MOST_GROUPS, _GAIN = 60, 4.0

FIRST_THRESHOLD = 12.5
_LOWEST, _HIGHEST = 6.0, 600.0
_UP, _DOWN = 0.0087, 0.039
# What is beyond the threshold by more than this is a jump, and says nothing about how much noise there is.
_JUMP = 15.0
_LONGEST_STEP = 0.1

OVERUSE_TIME = 0.010
"""A queue has grown for so long, and in more than one group, before it is believed."""


class Trendline:
    """``add`` takes distances of groups; ``usage`` is what they say. Milliseconds inside."""

    def __init__(self) -> None:
        self.usage = Usage.NORMAL
        self._first_arrival: float | None = None
        self._accumulated = self._smoothed = 0.0
        self._lowest: deque[tuple[float, float]] = deque()
        self._line = _Line()
        self._groups = 0
        self._trend = 0.0
        self._threshold = FIRST_THRESHOLD
        self._adapted: float | None = None
        self._over_for: float | None = None
        self._over_count = 0

    def add(self, sent: float, came: float, arrival: float) -> None:
        """A group that left ``sent`` and came ``came`` seconds after the one before, at ``arrival``."""
        if self._first_arrival is None:
            self._first_arrival = arrival
        self._groups = min(self._groups + 1, 1000)
        self._accumulated += (came - sent) * 1000
        self._smoothed = _SMOOTHING * self._smoothed + (1 - _SMOOTHING) * self._accumulated
        self._line.add((arrival - self._first_arrival) * 1000, self._smoothed)
        trend = self._line.slope(self._trend)
        self._judge(trend, sent * 1000, arrival)
        self._note_lowest(arrival)

    @property
    def queueing(self) -> float:
        """Seconds that packets take longer now than at best within the last seconds."""
        lowest = min((value for _, value in self._lowest), default=self._smoothed)
        return max(0.0, self._smoothed - lowest) / 1000

    def _judge(self, trend: float, step: float, now: float) -> None:
        change = min(self._groups, _MOST_GROUPS) * trend * _GAIN if self._groups > 1 else 0.0
        if change > self._threshold:
            # The first counts half: it may have begun at any time since the group before.
            self._over_for = step / 2 if self._over_for is None else self._over_for + step
            self._over_count += 1
            if self._over_for > OVERUSE_TIME * 1000 and self._over_count > 1 and trend >= self._trend:
                self._over_for, self._over_count = 0.0, 0
                self.usage = Usage.OVER
        else:
            self._over_for, self._over_count = None, 0
            self.usage = Usage.UNDER if change < -self._threshold else Usage.NORMAL
        self._trend = trend
        self._adapt(abs(change), now)

    def _adapt(self, change: float, now: float) -> None:
        before, self._adapted = self._adapted, now
        if before is None or change > self._threshold + _JUMP:
            return
        speed = _DOWN if change < self._threshold else _UP
        step = min(max(0.0, now - before), _LONGEST_STEP) * 1000
        self._threshold += speed * (change - self._threshold) * step
        self._threshold = min(_HIGHEST, max(_LOWEST, self._threshold))

    def _note_lowest(self, now: float) -> None:
        """The best of the last seconds, by second."""
        second = float(int(now))
        if self._lowest and self._lowest[-1][0] == second:
            self._lowest[-1] = (second, min(self._lowest[-1][1], self._smoothed))
            return
        self._lowest.append((second, self._smoothed))
        while len(self._lowest) > _LOWEST_OF:
            self._lowest.popleft()


# Clocks drift, so the best delay is that of the last seconds only.
_LOWEST_OF = 20


class _Line:
    """The line through the last points with the least squares, by sums that are kept up."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, float]] = deque()
        self._base = 0.0, 0.0
        self._x = self._y = self._xx = self._xy = 0.0
        self._changes = 0

    def add(self, at: float, delay: float) -> None:
        if len(self._points) == WINDOW:
            self._change(*self._points.popleft(), -1)
        self._points.append((at, delay))
        self._change(at, delay, 1)
        if self._changes > _REBASED_AFTER:
            self._rebase()

    def slope(self, otherwise: float) -> float:
        """``otherwise`` while there are not enough, or where all points are at one instant."""
        below = WINDOW * self._xx - self._x * self._x
        if len(self._points) < WINDOW or below <= _ONE_INSTANT:
            return otherwise
        return (WINDOW * self._xy - self._x * self._y) / below

    def _change(self, at: float, delay: float, sign: int) -> None:
        x, y = at - self._base[0], delay - self._base[1]
        self._x += sign * x
        self._y += sign * y
        self._xx += sign * x * x
        self._xy += sign * x * y
        self._changes += 1

    def _rebase(self) -> None:
        """Large numbers would leave no digits for their differences."""
        self._base = self._points[0]
        self._x = self._y = self._xx = self._xy = 0.0
        for at, delay in self._points:
            self._change(at, delay, 1)
        self._changes = 0


_REBASED_AFTER, _ONE_INSTANT = 200, 1e-6
