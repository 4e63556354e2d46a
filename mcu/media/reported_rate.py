"""The rate of a picture to a receiver that tells of it by reports only. Pure: time is passed in.

Loss while the round trip shows a full queue says what the link carries: what came. Other loss may be a link that drops
what is beyond its rate, or radio, which loses however little is sent; what it was is seen when the rate has fallen
(``OwnLoss``). A queue that does not empty when less is sent is somebody else's. Reports that stop lower the rate too.
"""

from __future__ import annotations

from mcu.media.congestion.loss import HEAVY, LIGHT, OwnLoss
from mcu.media.congestion.rate_control import FALL, LEAST_RATE
from mcu.media.receiver_reports import Reports, Word
from mcu.media.rtp.config import ReceiverFeedback

FIRST_PATIENCE, LONGEST_PATIENCE = 2.0, 16.0
"""Seconds without trouble before the rate rises; doubled each time when what was gained is lost again at once."""

BLIND_PATIENCE, LONGEST_BLIND = 4.0, 160.0
"""The same where no round trip is told: a queue does not show before much is lost."""

FULL_QUEUE, LONG_QUEUE = 0.1, 0.3
"""Seconds by which the round trip is longer than at best: the one counts when it is seen twice, or after
a rise, the other at once."""

EXCUSED_FOR = 30.0
"""Seconds for which a delay that is not ours is borne: jitter, or a queue on the way of the reports."""

# A fall this soon after a rise was the fault of the rise, and one that has lasted for so long has not failed.
_BLAME, _HELD = 8.0, 1.8

# The ladder has large steps, each of which is its own test; where one failed, the next attempt feels its way.
_RISE_PER_SECOND, _MOST_AT_ONCE, _ATTEMPT = 1.5, 2.0, 1.3
_BLIND_RISE_PER_SECOND, _CAUTIOUS_RISE_PER_SECOND = 1.15, 1.05

_MOST_FAILURES = 8

# A receiver's estimate (REMB) wavers around what it gets; only one clearly below binds.
_ESTIMATE_MARGIN = 0.8

# Of what got through where no queue shows: a link that drops at once has no queue to empty.
_KEPT = 0.95

# Who sends less than half of what it may is not short of bandwidth by what gets through.
_LITTLE = 0.5

# Of the rate at which a link is full so much is kept at least; a queue longer than this needs the more room to empty.
_LEAST_KEPT, _SHORT_QUEUE = 0.5, 0.2

# Loss that has always been there, and is no more than it was, is no reason not to try more.
_UNUSUAL, _CHANCE, _USUAL_GAIN = 1.5, 0.04, 0.2

# A queue that should have emptied by now, with so much less being sent than the link was found to carry, is not ours.
_LEAST_SPARE, _TIMES = 0.05, 1.5

# After a fall, what was sent before is still reported for a round trip and so many seconds.
_SETTLING = 0.3

# Reports that stay away for so many of their intervals, and for at least so many seconds, have stopped. The rate then
# falls by this each second: whatever is on the way, nobody knows.
_MISSED, _LEAST_SILENCE, _SILENT_FALL = 2.5, 4.0, 0.7


class ReportedRate:
    """``rate`` is the most that the receiver should be sent now, bit/s; None while nothing binds."""

    def __init__(self) -> None:
        self.rate: float | None = None
        self._reports = Reports()
        self._own = OwnLoss()
        self._failures = 0
        self._troubled = self._rose = self._fell = self._missed = float("-inf")
        self._failed: float | None = None
        self._heavy = 0
        self._usual = 0.0
        self._full: tuple[float, float] | None = None
        self._waited = self._silent = False
        self._heard_at: float | None = None
        self._excused, self._excused_at = 0.0, float("-inf")

    def take(self, feedback: ReceiverFeedback, sent: int, most: int, now: float) -> None:
        """Look at what the peer reported of a stream that may be sent at ``sent`` bit/s now, ``most`` in the call."""
        word = self._reports.take(feedback, now)
        if word is None:
            self._watch_silence(sent, now)
            return
        if self._own.note(word.lost, word.lost, word.sent or sent):
            self.rate = None
        self._usual += (word.lost - self._usual) * _USUAL_GAIN
        beyond, doubt = word.lost - self._own.share, self._own.doubt
        full = word.queueing > FULL_QUEUE + (self._excused if now - self._excused_at < EXCUSED_FOR else 0.0)
        self._heavy = self._heavy + 1 if beyond > HEAVY + doubt else 0
        waited, self._waited = self._waited, full
        estimate = feedback.estimated_bitrate
        if self._heavy and full:
            # Not by chance: the link is full, and what came is what it carries.
            self._full_at(self._carried(word, sent), word.queueing, sent, now)
        elif self._heavy > 1 or (self._heavy and word.through is None):
            self._own.answered(word.lost, word.sent or sent)
            self._fall(self._kept(word, beyond, sent), sent, now)
        elif estimate is not None and estimate < min(sent, self.rate or sent) * _ESTIMATE_MARGIN:
            self._fall(estimate, sent, now)
        elif full and (waited or word.queueing > LONG_QUEUE or now - self._rose < _BLAME):
            self._answer_queue(word, sent, now)
        elif full:
            self._troubled = now  # one word may be of a peer that had other work
        elif beyond > LIGHT + doubt and (self._heavy or self._is_blind or word.lost > _UNUSUAL * self._usual + _CHANCE):
            self._troubled = now
        elif self._silent:
            self.rate = self._heard_at  # what was sent meanwhile has come
        elif self.rate is not None:
            self._rise(self.rate, word.seconds, most, now)
        self._silent = False
        if not full:
            self._full = None

    def _carried(self, word: Word, sent: int) -> float:
        """bit/s that got through, or at least would have."""
        allowed = min(sent, self.rate or sent)
        if word.through is None:
            return allowed * (1 - word.lost)
        return max(word.through, _LITTLE * allowed * (1 - word.lost))

    def _kept(self, word: Word, beyond: float, sent: int) -> float:
        """Where no queue shows, by half of the loss as the draft has it; what is told to have got through is better."""
        halved = min(sent, self.rate or sent) * (1 - beyond / 2)
        return halved if word.through is None else min(halved, _KEPT * self._carried(word, sent))

    def _answer_queue(self, word: Word, sent: int, now: float) -> None:
        """Nothing is lost, but it waits."""
        carried, queue = self._full or (0.0, 0.0)
        spare = carried - (word.through or 0.0)
        if spare <= _LEAST_SPARE * carried:
            self._full_at(self._carried(word, sent), word.queueing, sent, now)
        elif now - self._fell < _TIMES * queue * carried / spare + _SETTLING:
            self._troubled = now  # it has time to empty
        else:
            self._excused, self._excused_at = word.queueing, now

    def _watch_silence(self, sent: int, now: float) -> None:
        silence = self._reports.silence(now)
        if silence.seconds < _LEAST_SILENCE or silence.intervals < _MISSED or now - self._missed < 1.0:
            return
        if not self._silent:
            self._silent, self._heard_at = True, self.rate
        self._missed = now
        self.rate = max(LEAST_RATE, _SILENT_FALL * (self.rate or sent))

    def _full_at(self, carried: float, queueing: float, sent: int, now: float) -> None:
        """The link is full at this rate: beyond it lies an attempt, and below it room for the queue to empty."""
        kept = max(_LEAST_KEPT, FALL - max(0.0, queueing - _SHORT_QUEUE) / 4)
        wanted = kept * carried
        if self.rate is not None and self.rate < 1.05 * wanted:
            wanted = FALL * self.rate  # what came is what was sent besides: packets that were lost
        self._fall(wanted, sent, now)
        self._failed = min(carried, self._failed or carried)
        self._failures = max(self._failures, 1)
        self._full = carried, queueing

    def _fall(self, rate: float, sent: int, now: float) -> None:
        if now - self._rose < _BLAME:
            self._failures = min(self._failures + 1, _MOST_FAILURES)
            self._failed = float(sent)
        elif self._failed is not None and rate < self._failed / 2:
            self._failed = None
        self.rate = max(float(LEAST_RATE), min(rate, self.rate or rate))
        self._troubled = self._fell = now
        self._reports.begin_anew(now + self._reports.round_trip + _SETTLING)

    @property
    def _is_blind(self) -> bool:
        return not self._reports.tells_round_trip

    @property
    def _patience(self) -> float:
        first, longest = (BLIND_PATIENCE, LONGEST_BLIND) if self._is_blind else (FIRST_PATIENCE, LONGEST_PATIENCE)
        return min(longest, first * 2.0**self._failures)

    def _rise(self, rate: float, seconds: float, most: int, now: float) -> None:
        calm = now - self._troubled
        if self._failed is not None and rate >= self._failed and min(calm, now - self._rose) > _HELD:
            self._failed, self._failures = None, 0
        if calm < (self._patience if self._is_blind else FIRST_PATIENCE):
            return
        pace = _RISE_PER_SECOND
        if self._is_blind:
            pace = _CAUTIOUS_RISE_PER_SECOND if self._failures else _BLIND_RISE_PER_SECOND
        wanted = rate * min(_MOST_AT_ONCE, pace ** min(seconds, calm))
        if self._failed is not None and wanted >= self._failed and not self._is_blind:
            wanted = self._attempt(rate, self._failed, calm, now)
        else:
            self._rose = now
        self.rate = None if wanted >= most else wanted

    def _attempt(self, rate: float, failed: float, calm: float, now: float) -> float:
        """Beyond what has failed: a step, and then it is seen whether that holds."""
        if rate >= failed:
            return rate
        if calm < self._patience:
            return max(rate, 0.99 * failed)
        self._rose = now
        return _ATTEMPT * failed
