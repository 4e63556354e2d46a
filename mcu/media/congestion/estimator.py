"""The estimate of one transport: everything that goes to one receiver, by what it tells of each packet."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from mcu.media.congestion.acknowledged import AcknowledgedRate
from mcu.media.congestion.groups import GroupDistances
from mcu.media.congestion.loss import LossBound
from mcu.media.congestion.rate_control import LEAST_RATE, REGRETTED, RateControl
from mcu.media.congestion.releases import Releases
from mcu.media.congestion.trains import Trains
from mcu.media.congestion.trendline import Trendline
from mcu.media.congestion.values import FOUND, LOST, UNTOLD, LossAndDelay, PacketTold, Usage

SENT_WINDOW = 0.5
"""Seconds over which it is counted how much is sent."""

LIMITED_BELOW = 0.7
"""Of the estimate: less than this being sent, the estimate is not tested, and so must not grow."""

SILENCE = 3.0
"""Feedback that stops for so many seconds is another beginning: clocks and queues may have changed."""

SILENT_FALL, SILENT_INTERVAL = 0.7, 0.5
"""Of the rate is kept each time that nothing has been told for another so many seconds, though it should have been."""

HELD_UP, HOLDING = 10.0, 0.8
"""Seconds for which a network that holds packets up and lets them go is known for it, and for which it may hold them
then before that is taken for a queue."""

_CLEARLY = 1.3
_ROUND_TRIP_GAIN = 0.2
_USUAL_ROUND_TRIP = 0.2
# A train may tell of a link far wider than what is sent; in one step it counts for so much of what gets through.
_TRAIN_MOST = 3.0
# Seconds for which its word holds against what a queue says.
_TRAIN_LIFE = 0.5
# Less than this of what has got through of late is little.
_LITTLE, _MOST_LIFE = 0.5, 20.0
# Seconds of what is counted together.
_STEP = 0.01
# A queue shorter than this is the jitter of radio, or of a receiver that has other work.
_NOTICEABLE = 0.025
# Seconds of queue that a key frame may make.
_OWN_QUEUE = 0.15
# After a fall it takes a round trip and so many seconds until what is lost is of the new rate.
_SETTLING = 0.3
# Seconds in queues that are none.
_CALM = 0.05
# For so long after the rate fell the queue gets room to empty, at most this share of the rate.
_DRAINING, _MOST_DRAINED = 5.0, 0.3


@dataclass(slots=True)
class _Heard:
    """Of one feedback: what the delay says, the fastest train in it, and when the newest packet that came was sent."""

    usage: Usage = Usage.NORMAL
    train: float | None = None
    newest: float | None = None
    released: float = 0.0
    lost: int = 0
    expected: int = 0


class TransportEstimator:
    """``told`` takes feedback; ``state`` is what is known. The rate is None until the network has bound once."""

    def __init__(self) -> None:
        self._groups = GroupDistances()
        self._trend = Trendline()
        self._through = AcknowledgedRate()
        self._control = RateControl()
        self._loss = LossBound()
        self._trains = Trains()
        self._releases = Releases()
        self._released = float("-inf")
        self._too_much = float("-inf"), 0.0
        self._train: tuple[float, float] | None = None
        self._most = self._most_at = 0.0
        self._sent: deque[tuple[float, int]] = deque()
        self._sent_octets = 0
        self._round_trip: float | None = None
        self._last_told: float | None = None
        self._unheard: float | None = None
        self._lowered = float("-inf")
        self._silences = 0

    @property
    def rate(self) -> float | None:
        """The most that the network carries, bit/s; None while it does not bind."""
        bounds = [rate for rate in (self._control.rate, self._loss.rate, self._unheard) if rate is not None]
        return None if not bounds else min(bounds) * (1 - self._draining)

    @property
    def _draining(self) -> float:
        """The share that is left out for a queue to empty, for a while after it has grown: an adaptive threshold alone
        would let it stand."""
        told = self._last_told
        if told is None or told - self._control.fell > _DRAINING or self._is_own_doing(told):
            return 0.0
        return min(_MOST_DRAINED, max(0.0, self._trend.queueing - _CALM))

    @property
    def fell(self) -> float:
        """When the rate last fell."""
        return max(self._control.fell, self._loss.fell)

    @property
    def limited(self) -> bool:
        """Whether less is sent than the estimate allows, so that it is not tested."""
        return self.rate is not None and self.sent_rate < LIMITED_BELOW * self.rate

    @property
    def sent_rate(self) -> float:
        """bit/s, of late."""
        if len(self._sent) < 2:
            return 0.0
        span = max(SENT_WINDOW / 2, self._sent[-1][0] - self._sent[0][0])
        return (self._sent_octets - self._sent[0][1]) * 8 / span

    def state(self) -> LossAndDelay:
        """What is known now."""
        rate = self.rate
        queueing = self._trend.queueing if self._last_told is not None else None
        return LossAndDelay(
            None if rate is None else int(rate),
            self._loss.share,
            self._round_trip,
            queueing,
            self.limited,
            self._control.falls + self._loss.falls + self._silences,
        )

    def untold(self, now: float) -> None:
        """The receiver should have told of what was sent, for some time, and has not: nobody knows how much comes."""
        if self._last_told is None or now - self._lowered < SILENT_INTERVAL:
            return
        self._lowered = now
        self._unheard = max(LEAST_RATE, SILENT_FALL * (self.rate or self.sent_rate))
        self._silences += 1

    def told(self, packets: Sequence[PacketTold], now: float) -> None:
        """Take what the receiver told of these packets, in the order in which they were sent."""
        if not packets:
            return
        self._unheard = None
        if self._last_told is not None and now - self._last_told > SILENCE:
            self._begin_anew()
        self._last_told = now
        heard = self._listen(packets)
        if heard.newest is not None:
            self._take_round_trip(now - heard.newest)
        self._note_train(heard.train or self._trains.so_far(), now)
        if heard.released:
            self._note_release(heard.released, now)
        usage, through = self._answered(heard.usage, now)
        self._note_most(self._through.rate, now)
        round_trip = self._round_trip or _USUAL_ROUND_TRIP
        falls = self._control.falls
        self._control.update(usage, through, self.limited, round_trip, now)
        if self._control.falls != falls and now - self._too_much[0] > REGRETTED:
            self._too_much = now, self.sent_rate
        if now - self.fell < round_trip + _SETTLING:
            self._loss.begin_anew()
        else:
            self._loss.add(heard.lost, heard.expected, self.sent_rate, now, self._through.rate)
        self._join(heard.train, usage)

    def _listen(self, packets: Sequence[PacketTold]) -> _Heard:
        """Pass the packets on to all that measures. What is sent, and what comes, is counted in steps of a few
        milliseconds: most packets leave in bursts.
        """
        heard = _Heard()
        burst, out, came_at, into = packets[0][0], 0, 0.0, 0
        for sent, arrival, octets, fate in packets:
            if fate != FOUND:
                if sent - burst > _STEP:
                    self._count(burst, out)
                    burst, out = sent, 0
                out += octets
                heard.expected += fate != UNTOLD
            if fate == UNTOLD:
                continue
            if fate == LOST:
                heard.lost += 1
                self._trains.add(sent, None, octets)
                continue
            heard.lost -= fate == FOUND
            heard.newest = sent
            heard.released = max(heard.released, self._releases.add(sent, arrival, octets, self.sent_rate) or 0.0)
            train = self._trains.add(sent, arrival, octets)
            if train is not None:
                heard.train = max(train, heard.train or 0.0)
            if not 0 <= arrival - came_at <= _STEP:
                if into:
                    self._through.add(into, came_at)
                came_at, into = arrival, 0
            into += octets
            distance = self._groups.add(sent, arrival)
            if distance is not None:
                self._trend.add(*distance, arrival)
                heard.usage = Usage.OVER if heard.usage is Usage.OVER else self._trend.usage
        self._count(burst, out)
        if into:
            self._through.add(into, came_at)
        return heard

    def _answered(self, usage: Usage, now: float) -> tuple[Usage, float | None]:
        """What the rate is to be told of the delay, and what got through: not every queue is ours."""
        through = self._through.rate
        if usage is Usage.NORMAL and self._draining:
            return Usage.UNDER, through
        if usage is not Usage.OVER or through is None:
            return usage, through
        if self._trend.queueing < _NOTICEABLE or self._is_own_doing(now):
            return Usage.UNDER, through
        if now - self._released < (HOLDING if self._holds_up else 0.0):
            return Usage.UNDER, through
        if self.sent_rate < _LITTLE * self._most:
            # Whoever sends little fills no queue: that is somebody else's, and soon gone as a rule.
            stays = self._trend.queueing > _OWN_QUEUE
            return Usage.OVER if stays else Usage.UNDER, max(through, _LITTLE * self._most)
        return usage, through

    def _note_release(self, rate: float, now: float) -> None:
        """A queue that empties is let go as well, as fast as the link carries it: that is no more than was too much."""
        if rate > _CLEARLY * self._too_much[1]:
            self._control.regret(now)
            self._released = now

    @property
    def _holds_up(self) -> bool:
        """Whether the network is known to."""
        return self._last_told is not None and self._last_told - self._released < HELD_UP

    def _note_train(self, rate: float | None, now: float) -> None:
        if rate is not None:
            self._train = rate, now

    def _note_most(self, through: float | None, now: float) -> None:
        """What got through at most since the rate last fell is forgotten by half in some seconds."""
        elapsed = max(0.0, now - self._most_at)
        lasting = 0.0 if self.fell >= self._most_at else self._most * 0.5 ** (elapsed / _MOST_LIFE)
        self._most, self._most_at = max(through or 0.0, lasting), now

    def _is_own_doing(self, now: float) -> bool:
        """A picture that is sent faster than the link carries grows a queue too, but not for long. While it gets
        through faster than the stream needs, that is no reason to send less."""
        train = self._train
        if train is None or now - train[1] > _TRAIN_LIFE or self._trend.queueing > _OWN_QUEUE:
            return False
        return train[0] > (self.sent_rate if self._control.rate is None else self._control.rate)

    def _join(self, wide: float | None, usage: Usage) -> None:
        through, rate = self._through.rate, self._control.rate
        if wide is not None and through is not None and usage is Usage.NORMAL and self.is_calm:
            self._control.lift(min(wide, _TRAIN_MOST * through))
        if self._loss.rate is not None and rate is not None and self._loss.rate > 1.2 * rate:
            self._loss.forget()

    @property
    def is_calm(self) -> bool:
        """Whether nothing waits in queues."""
        return self._trend.queueing < _CALM

    def _count(self, sent: float, octets: int) -> None:
        if self._sent and sent < self._sent[-1][0]:
            return
        self._sent.append((sent, octets))
        self._sent_octets += octets
        while self._sent[0][0] < sent - SENT_WINDOW:
            self._sent_octets -= self._sent.popleft()[1]

    def _take_round_trip(self, sample: float) -> None:
        if sample < 0:
            return
        before = self._round_trip
        self._round_trip = sample if before is None else before + (sample - before) * _ROUND_TRIP_GAIN

    def _begin_anew(self) -> None:
        """Of delay; what was found of the rate stays."""
        self._groups, self._trend, self._trains = GroupDistances(), Trendline(), Trains()
        self._releases = Releases()
        self._sent.clear()
        self._sent_octets = 0
