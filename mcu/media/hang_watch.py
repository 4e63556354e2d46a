"""Whether a worker that does not answer hangs, or only gets no processor. Pure: times are passed in.

To replace one that hangs takes less time than calls notice, so it is to be found soon; to kill one that is only slow
makes a busy machine busier. So silence alone counts for little. What counts is what the worker's first thread, which
answers, did meanwhile: it was stopped, or slept without being woken once, or ran all the time without coming to the
end of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mcu.media.thread_times import STOPPED, ThreadTimes

LOOK_INTERVAL = 0.25
"""Seconds between two looks. A worker is asked at each, and answers within milliseconds."""

SUSPECT_AFTER = 0.75
"""Without an answer for so long, its threads are looked at."""

HANGS_AFTER = 1.5
"""Without an answer for so long, it hangs if they have done nothing of use since then."""

BUSY_AFTER = 2.0
"""Seconds that the first thread may run without answering: media stand still meanwhile."""

GIVEN_UP_AFTER = 5.0
"""Without an answer for so long, it hangs, whatever it does; time in which a thread of it had to wait for a processor
does not count.
"""

# So long may a thread of it have waited for a processor, and what the others wait for is not that. Seconds.
_NOT_STARVED = 0.1
# Whoever looks may get no processor either: an answer may be there that has not been read. So much counts at once.
_MOST_AT_ONCE = 2 * LOOK_INTERVAL

Threads = Callable[[], Mapping[int, ThreadTimes] | None]


class HangWatch:
    """Of one process; ``look`` every ``LOOK_INTERVAL``. ``threads`` tells its threads, None where that is unknown."""

    def __init__(self, pid: int, now: float, threads: Threads) -> None:
        self._pid = pid
        self._threads = threads
        self._looked = now
        self._answers = 0
        self._silent = 0.0
        self._suspected: Mapping[int, ThreadTimes] | None = None
        self._since = now

    def look(self, answers: int, now: float) -> str | None:
        """``answers`` is how many have come in all. Why it hangs; None while there is no reason to think so."""
        self._silent += min(now - self._looked, _MOST_AT_ONCE)
        self._looked = now
        if answers != self._answers:
            self._answers = answers
            self._silent, self._suspected = 0.0, None
        if self._silent < SUSPECT_AFTER:
            return None
        threads = self._threads()
        if self._suspected is None:
            self._suspected, self._since = threads, now
        if self._silent < HANGS_AFTER:
            return None
        starved = _most_waited(self._suspected, threads, now - self._since)
        reason = _useless(self._pid, self._suspected, threads, sleeps=starved < _NOT_STARVED)
        if reason is None and self._silent - starved >= GIVEN_UP_AFTER:
            reason = f"no answer for {self._silent:.1f} s"
        return reason


def _useless(
    pid: int, before: Mapping[int, ThreadTimes] | None, now: Mapping[int, ThreadTimes] | None, *, sleeps: bool
) -> str | None:
    """``sleeps``: a thread that sleeps does not wait for another one that gets no processor."""
    if before is None or now is None or pid not in before or pid not in now:
        return None
    then, first = before[pid], now[pid]
    if first.state in STOPPED:
        return "it was stopped"
    if first.ran - then.ran >= BUSY_AFTER:
        return f"it does not come to an end of something for {first.ran - then.ran:.1f} s of processor time"
    # Whoever waits for the interpreter's lock is woken every few milliseconds; whoever can run is no sleeper.
    if sleeps and first.state == "S" and first.turns == then.turns:
        return "its event loop sleeps and is not woken"
    return None


def _most_waited(
    before: Mapping[int, ThreadTimes] | None, now: Mapping[int, ThreadTimes] | None, seconds: float
) -> float:
    """The longest time that one of the threads waited for a processor: others may have waited for that one.

    Of one that still waits the system tells that later, so it counts for all the time in which it did not run.
    """
    if before is None or now is None:
        return 0.0
    waited = [0.0]
    for one, then in before.items():
        if one in now:
            waited.append(now[one].waited - then.waited)
            if now[one].state == "R":
                waited.append(seconds - (now[one].ran - then.ran))
    return max(waited)
