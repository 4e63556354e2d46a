"""What a receiver's reports say of the network to it, where it tells of no single packets (RTCP, RFC 3550).

Whoever asks for lost packets reports with every request, of a few packets each time, and what was sent again hides what
was lost. So the reports of a second are taken together, and what came is held against all that was sent.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from mcu.media.rtp.config import ReceiverFeedback
from mcu.media.rtp.sent_progress import Progress

LEAST_INTERVAL = 0.6
"""Seconds that a word is about at least."""

LEAST_PACKETS = 20
"""The same in packets, up to ``LONGEST_INTERVAL`` seconds."""

LONGEST_INTERVAL = 3.0

# The first report of a call, and one after a pause, is of no longer than this.
_LONGEST_REPORT = 5.0

# Seconds for which the best round trip is remembered.
_REMEMBERED = 60.0


@dataclass(frozen=True, slots=True)
class Word:
    """Of ``seconds``: the share of packets ``lost``, the rate that was ``sent``, repetitions and repairs too, and what
    got ``through`` (bit/s; None where it is not told), and ``queueing``, seconds that the way there and back takes
    longer than at best; 0 where it is not known.
    """

    seconds: float
    lost: float
    sent: float | None
    through: float | None
    queueing: float


@dataclass(frozen=True, slots=True)
class Silence:
    """Since the last report: in seconds, and in ``intervals`` as they usually are between two."""

    seconds: float
    intervals: float


class Reports:
    """``take`` gives a word when there are reports of enough."""

    def __init__(self) -> None:
        self._reports = 0
        self._heard: float | None = None
        self._start: tuple[float, Progress] | None = None
        self._middle: tuple[float, Progress] | None = None
        self._said: float | None = None
        self._lost = self._lasted = 0.0
        self._lowest: deque[tuple[float, float]] = deque()
        self._newest, self._lately = 0.0, float("inf")
        self._interval = 0.0
        self._anew = float("-inf")
        self.round_trip = 0.0

    @property
    def tells_round_trip(self) -> bool:
        """Whether a full queue would show."""
        return bool(self._lowest)

    def silence(self, now: float) -> Silence:
        """Since when there is none; none at all where there has been no second report yet."""
        if self._heard is None or not self._interval:
            return Silence(0.0, 0.0)
        return Silence(now - self._heard, (now - self._heard) / self._interval)

    def begin_anew(self, at: float) -> None:
        """What is reported until then is of another rate."""
        self._anew = at
        self._lately = float("inf")
        self._start = self._middle = self._said = None
        self._lost = self._lasted = 0.0

    def take(self, feedback: ReceiverFeedback, now: float) -> Word | None:
        """A report, which may be one that was taken before."""
        if feedback.reports == self._reports:
            return None
        self._reports = feedback.reports
        before, self._heard = self._heard, now
        lasted = _LONGEST_REPORT if before is None else min(now - before, _LONGEST_REPORT)
        # Requests come at once; what counts is how long it takes at most.
        self._interval = max(lasted, self._interval * 0.9) if before is not None else 0.0
        progress = feedback.progress
        if progress is not None:
            # Sender reports, by which a round trip is measured, are rare, and get lost where a queue is full.
            self._note_round_trip(progress.at_least, progress.at_most, now)
        elif feedback.round_trip is not None:
            self._note_round_trip(feedback.round_trip, feedback.round_trip, now)
        if now < self._anew:
            return None
        self._lost, self._lasted = self._lost + feedback.fraction_lost * lasted, self._lasted + lasted
        if progress is None:
            return self._by_fractions(feedback.fraction_lost, lasted, now)
        if self._start is None or progress.came < self._start[1].came:
            self._start = now, progress
            return None
        since, first = self._start
        if self._middle is None or now - self._middle[0] > LEAST_INTERVAL:
            self._middle = now, progress
        seconds, sent = now - since, progress.packets - first.packets
        if seconds < LEAST_INTERVAL or (sent < LEAST_PACKETS and seconds < LONGEST_INTERVAL):
            return None
        middle, self._start, self._middle = self._middle, (now, progress), None
        self._lost = self._lasted = 0.0
        lost, rate, through = _compared(first, progress, seconds)
        if middle is not None and now - middle[0] >= LEAST_INTERVAL / 3:
            # A link may have become narrower meanwhile: its rate is that of the end.
            through = _compared(middle[1], progress, now - middle[0])[2]
        return Word(seconds, lost, rate, through, self._queueing())

    def _by_fractions(self, fraction: float, lasted: float, now: float) -> Word | None:
        """Where it is not known how much was sent: the loss that was told, each for as long as it is about."""
        self._start = None
        if self._said is None:
            self._said = now - lasted
        seconds = now - self._said
        if seconds < LEAST_INTERVAL:
            return None
        lost = self._lost / self._lasted if self._lasted else fraction
        self._said, self._lost, self._lasted = now, 0.0, 0.0
        return Word(seconds, lost, None, None, self._queueing())

    def _note_round_trip(self, at_least: float, round_trip: float, now: float) -> None:
        self.round_trip = round_trip
        self._newest, self._lately = at_least, min(self._lately, at_least)
        second = float(int(now))
        if self._lowest and self._lowest[-1][0] == second:
            self._lowest[-1] = second, min(self._lowest[-1][1], round_trip)
        else:
            self._lowest.append((second, round_trip))
        while now - self._lowest[0][0] > _REMEMBERED:
            self._lowest.popleft()

    def _queueing(self) -> float:
        """At least, since this was asked last: a key frame makes a queue for a moment."""
        lately, self._lately = self._lately, float("inf")
        if not self._lowest:
            return 0.0
        return max(0.0, min(lately, self._newest) - min(one for _, one in self._lowest))


def _compared(first: Progress, last: Progress, seconds: float) -> tuple[float, float | None, float | None]:
    """The share of what was sent in between that was lost, the rate that was sent, and that of what came."""
    sent = last.packets - first.packets
    if sent <= 0:
        return 0.0, None, None
    came, rate = min(sent, last.came - first.came), (last.octets - first.octets) * 8 / seconds
    return 1 - came / sent, rate, rate * came / sent
