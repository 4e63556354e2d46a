"""The rate by what is lost (draft section 6), as far as sending less helps."""

from __future__ import annotations

from mcu.media.congestion.rate_control import FALL, LEAST_RATE

HEAVY, LIGHT = 0.10, 0.02
"""Above the one the rate falls by half of the loss, below the other it may rise."""

_ENOUGH_PACKETS = 40
_SHORTEST, _LONGEST = 0.4, 2.5
_RISE_PER_SECOND = 1.08
# Times what is sent; more has not been tried.
_UNTRIED = 1.5
_GAIN = 0.3

MOST_OWN = 0.3
"""More than this no network loses by itself while somebody still calls it one."""

# Loss that has not fallen by a third after the rate has fallen by a fifth is not due to the rate.
_FALLEN, _HELPED, _WORSE, _BY_CHANCE = 0.8, 0.67, 1.3, 0.1
# Reports that this is judged by.
_SAMPLES = 3
# How fast a network's own loss is found to be less.
_FORGOTTEN = 0.2


class OwnLoss:
    """The ``share`` of loss that is the network's own. Radio loses packets however little is sent: loss that stays the
    same although the rate has fallen is no reason to send less.
    """

    def __init__(self) -> None:
        self.share = 0.0
        self._before: tuple[float, float] | None = None
        self._after: list[float] = []

    @property
    def doubt(self) -> float:
        """By how much more or less may be lost by chance."""
        return self.share / 4

    def note(self, share: float, mean: float, sent: float) -> bool:
        """So much was lost, on average ``mean``, while ``sent`` bit/s were sent; True when it has turned out to be the
        network's own."""
        if mean < self.share:
            self.share += (mean - self.share) * _FORGOTTEN
        if self._before is None:
            return False
        rate, high = self._before
        if sent >= rate * _FALLEN:
            return False
        self._after.append(share)
        if len(self._after) < _SAMPLES:
            return False
        self._before, after = None, sum(self._after) / len(self._after)
        if after > MOST_OWN:
            return False
        self.share = after  # what is left where less is sent
        return after >= high * _HELPED

    def is_judged(self, share: float, sent: float) -> bool:
        """Whether less is sent already, and it is about to be seen whether that helps; not where more is lost now."""
        return (
            self._before is not None
            and sent < self._before[0] * _FALLEN
            and share < self._before[1] * _WORSE + _BY_CHANCE
        )

    def answered(self, share: float, sent: float) -> None:
        """The rate falls for this loss: whether that helps will be seen."""
        if self._before is None:
            self._before, self._after = (sent, share), []

    def passed(self) -> None:
        """There is next to none beyond it."""
        self._before = None


class LossBound:
    """``rate`` in bit/s, None while loss does not bind; ``share`` is what is lost, 0 to 1, over a second or two."""

    def __init__(self) -> None:
        self.rate: float | None = None
        self.share = 0.0
        self.own = OwnLoss()
        self.fell = float("-inf")
        self.falls = 0
        self._lost = self._expected = 0
        self._began: float | None = None
        self._taken: float | None = None

    def begin_anew(self) -> None:
        """What was lost so far was sent at another rate."""
        self._lost = self._expected = 0
        self._began = self._taken = None

    def add(self, lost: int, expected: int, sent: float, now: float, through: float | None = None) -> None:
        """So many of so many packets did not come, while ``sent`` bit/s were sent and ``through`` came. ``lost`` may be
        negative: found."""
        self._lost, self._expected = self._lost + lost, self._expected + expected
        if self._began is None:
            self._began = now
        elapsed = now - self._began
        if elapsed < _SHORTEST or (self._expected < _ENOUGH_PACKETS and elapsed < _LONGEST):
            return
        if self._expected > 0:
            self._take(min(1.0, max(0.0, self._lost / self._expected)), sent, through, now)
        self._lost = self._expected = 0
        self._began = now

    def forget(self) -> None:
        """It is beyond all that could be sent."""
        self.rate = None

    def _take(self, share: float, sent: float, through: float | None, now: float) -> None:
        elapsed = 0.0 if self._taken is None else min(2.0, now - self._taken)
        self.share = share if self._taken is None else self.share + (share - self.share) * _GAIN
        self._taken = now
        if self.own.note(share, self.share, sent):
            self.rate = None
            self.share = self.own.share
        beyond = self.share - self.own.share
        if beyond > HEAVY + self.own.doubt and not self.own.is_judged(self.share, sent):
            self.own.answered(self.share, sent)
            lowered = min(sent, self.rate or sent) * (1 - beyond / 2)
            if through is not None:
                # A queue that was full from the beginning shows by nothing but this, and has to empty.
                # Of feedback that was lost nothing is known, and so not that it came.
                lowered = min(lowered, FALL * max(through, sent * (1 - share)))
            self.rate = max(LEAST_RATE, lowered)
            self.fell = now
            self.falls += 1
        elif beyond < LIGHT + self.own.doubt:
            self.own.passed()
            if self.rate is not None and self.rate < _UNTRIED * sent:
                self.rate *= _RISE_PER_SECOND**elapsed
