"""Who has been speaking, and who is to be seen for it. Times are seconds on one monotonic clock, passed in."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

# While somebody else speaks, what one has said counts for less and less: this much a second. So two who interrupt each
# other still get there, only later than one who is not interrupted.
_FADING = 0.5

# However long somebody spoke, two seconds after the end nothing of it counts, and a cough is a cough.
_REMEMBERED = 1.0


@dataclass(slots=True)
class _Talk:
    """``amount`` counted at ``until``, the end; ``uninterrupted`` is how long the last of it was."""

    amount: float
    until: float
    uninterrupted: float


class Speech:
    """How much and when everybody has spoken, from the changes of who is the loudest."""

    def __init__(self) -> None:
        self._current: str | None = None
        self._since = float("-inf")
        self._talks: dict[str, _Talk] = {}

    @property
    def current(self) -> str | None:
        """Who speaks now."""
        return self._current

    def speaks(self, who: str | None, now: float) -> None:
        """From ``now`` on it is ``who``; None is silence."""
        if who == self._current:
            return
        if self._current is not None:
            amount = min(self.amount(self._current, now), _REMEMBERED)
            self._talks[self._current] = _Talk(amount, now, now - self._since)
        self._current, self._since = who, now

    def amount(self, who: str, now: float) -> float:
        """Seconds that ``who`` has spoken, interruptions taken off."""
        if who == self._current:
            return self._counting(who, self._since) + now - self._since
        return self._counting(who, now)

    def reaches(self, seconds: float) -> float:
        """When the amount of the current speaker will be so many seconds, or was."""
        before = 0.0 if self._current is None else self._counting(self._current, self._since)
        return self._since + seconds - before

    def _counting(self, who: str, now: float) -> float:
        """What is left at ``now`` of what ``who`` said before falling silent."""
        talk = self._talks.get(who)
        return 0.0 if talk is None else max(0.0, talk.amount - _FADING * (now - talk.until))

    def last(self, who: str, now: float) -> float:
        """When ``who`` was last heard; minus infinity for never."""
        if who == self._current:
            return now
        talk = self._talks.get(who)
        return float("-inf") if talk is None else talk.until

    def keep(self, people: Collection[str]) -> None:
        """Forget all others: they have left."""
        self._talks = {who: talk for who, talk in self._talks.items() if who in people}

    def latest(self, people: Collection[str], seconds: float, now: float) -> str | None:
        """Who of ``people`` was the last to speak for so long."""
        if self._current in people and now - self._since >= seconds:
            return self._current
        heard = [who for who in people if who in self._talks and self._talks[who].uninterrupted >= seconds]
        return max(heard, key=lambda who: self._talks[who].until, default=None)


class VoiceSwitch:
    """Chooses one of a group by voice. Coughs do not switch, and people who talk at once do not make it flicker.

    Somebody is chosen after speaking for ``after`` seconds, if the one before has been chosen for ``hold`` seconds and
    has not been heard for ``after`` seconds.
    """

    def __init__(self, after: float, hold: float) -> None:
        self._after = after
        self._hold = hold
        self._asked = False
        self._since = float("-inf")
        self.chosen: str | None = None
        """None until somebody has been."""
        self.before: list[str] = []
        """Who was chosen before, the latest first."""
        self.deadline: float | None = None
        """When to choose again even if nothing changes until then."""
        self.candidate: str | None = None
        """Who will be chosen then, if it goes on speaking."""

    def choose(self, group: Collection[str], speech: Speech, now: float) -> str | None:
        """Who of ``group`` is chosen at ``now``; None while nobody has spoken long enough."""
        self.before = [who for who in self.before if who in group]
        if self.chosen is not None and self.chosen not in group:
            # Whoever was seen before takes over, and gives way to the next voice at once.
            self.chosen = self.before.pop(0) if self.before else None
            self._since = float("-inf")
        if not self._asked:
            # A picture that begins in the middle of a conversation.
            self._asked = True
            self.chosen = speech.latest(group, self._after, now)
        self.deadline = self.candidate = None
        candidate = speech.current
        if candidate is not None and candidate != self.chosen and candidate in group:
            due = self._due(speech, now)
            if now >= due:
                self._take(candidate, now)
            else:
                self.deadline, self.candidate = due, candidate
        return self.chosen

    def _due(self, speech: Speech, now: float) -> float:
        """When who speaks now is chosen."""
        spoken = speech.reaches(self._after)
        if self.chosen is None:
            return spoken
        return max(spoken, self._since + self._hold, speech.last(self.chosen, now) + self._after)

    def _take(self, who: str, now: float) -> None:
        self.before = [other for other in self.before if other != who]
        if self.chosen is not None:
            self.before.insert(0, self.chosen)
        self.chosen, self._since = who, now
