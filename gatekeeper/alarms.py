"""What is wrong now, and what was: alarms of devices, calls, budgets and sources, in bounded number. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gatekeeper.normalisation import Value

MAX_CURRENT = 1000
"""Alarms at once: with more of them nobody looks at single ones. Those beyond are counted and left out."""

MAX_PAST = 500

MAX_TEXT = 256


class AlarmTopic(StrEnum):
    """What is wrong. The first three are of endpoints (see ``inventory.AlarmKind``), ``loss`` also of browsers.

    ``budget``: calls were lowered or refused, since the bandwidth of a zone or class did not suffice. ``lockout``: a
    source sends more than it may, or has tried too many passwords.
    """

    LOSS = "loss"
    SILENT = "silent"
    UNREGISTERED = "unregistered"
    BUDGET = "budget"
    LOCKOUT = "lockout"


class KnownAlarm(Value):
    """An alarm since ``since``; it holds while ``until`` is None.

    ``subject`` is an endpoint's id, ``zone NAME`` or ``class NAME``, or an address; ``name`` is what people call it.
    ``figure`` is the share of packets lost, the seconds of silence, or the share of the bandwidth that is used;
    ``detail`` says more where there is more to say.
    """

    topic: AlarmTopic
    subject: str
    name: str = ""
    since: datetime
    until: datetime | None = None
    figure: float = 0.0
    detail: str = ""


@dataclass
class _Current:
    alarm: KnownAlarm
    last: datetime


class AlarmBook:
    """All alarms of a server. Listeners hear of each once when it is raised and once when it is over."""

    def __init__(self) -> None:
        self._current: dict[tuple[AlarmTopic, str], _Current] = {}
        self._past: deque[KnownAlarm] = deque(maxlen=MAX_PAST)
        self._listeners: list[Callable[[KnownAlarm], None]] = []
        self.left_out = 0

    def on_change(self, listener: Callable[[KnownAlarm], None]) -> None:
        """Be told of alarms that are raised, and that are over (``until`` is set)."""
        self._listeners.append(listener)

    def current(self) -> list[KnownAlarm]:
        """What is wrong now, newest first."""
        return sorted((one.alarm for one in self._current.values()), key=lambda alarm: alarm.since, reverse=True)

    def past(self) -> list[KnownAlarm]:
        """What was wrong, the last to end first."""
        return list(reversed(self._past))

    def holds(self, topic: AlarmTopic, subject: str) -> bool:
        """Whether there is such an alarm now."""
        return (topic, subject) in self._current

    def wrong(
        self, topic: AlarmTopic, subject: str, now: datetime, *, name: str = "", figure: float = 0.0, detail: str = ""
    ) -> None:
        """Something is wrong, or still is: then only the figures change, and nobody is told again."""
        key = topic, subject[:MAX_TEXT]
        known = self._current.get(key)
        changes = {"name": name[:MAX_TEXT], "figure": round(figure, 4), "detail": detail[:MAX_TEXT]}
        if known is not None:
            known.alarm, known.last = known.alarm.model_copy(update=changes), now
            return
        if len(self._current) >= MAX_CURRENT:
            self.left_out += 1
            return
        alarm = KnownAlarm.model_validate({"topic": topic, "subject": key[1], "since": now, **changes})
        self._current[key] = _Current(alarm, now)
        self._tell(alarm)

    def again(self, topic: AlarmTopic, subject: str, now: datetime) -> bool:
        """It is still wrong, as said before; False when there is no such alarm. Floods call it for each packet."""
        known = self._current.get((topic, subject))
        if known is None:
            return False
        known.last = now
        return True

    def right(self, topic: AlarmTopic, subject: str, now: datetime, quiet: timedelta | None = None) -> None:
        """It is not wrong any more; with ``quiet`` only when nothing was said of it for so long."""
        key = topic, subject[:MAX_TEXT]
        known = self._current.get(key)
        if known is None or (quiet is not None and now - known.last < quiet):
            return
        del self._current[key]
        over = known.alarm.model_copy(update={"until": now})
        self._past.append(over)
        self._tell(over)

    def settle(self, topic: AlarmTopic, now: datetime, quiet: timedelta) -> None:
        """End all alarms of a topic of which nothing was said for so long."""
        for kind, subject in tuple(self._current):
            if kind is topic:
                self.right(topic, subject, now, quiet)

    def _tell(self, alarm: KnownAlarm) -> None:
        for listener in self._listeners:
            listener(alarm)
