"""Lip sync of one leg: by how much to hold back its sound and its pictures, so that they leave together. Pure.

All delays are in seconds, from the instant that something was said or shown at the sender to the instant of our output
that it belongs to. The sender's clock need not be ours: its difference is in all delays of a leg alike.
"""

from __future__ import annotations

from dataclasses import dataclass

from mcu.media import jitter_peaks

MAX_SOUND_HOLD = 0.3
"""The most that sound waits for a slow picture on top of what the network asks for: longer waits hurt a conversation
more than lips that come late."""

MAX_PICTURE_HOLD = jitter_peaks.MAXIMUM
"""The most that pictures wait for sound: as long as the playout buffer waits on the worst network that it bears."""

DEAD_BAND = 0.010
"""Differences up to this are left alone. The playout buffer moves in ticks of 20 ms, and half a tick is its best."""

MAY_LAG = 0.012
"""Sound may come so much later than pictures before those wait for it: nobody hears that (ITU-R BT.1359 has it noticed
from 125 ms), and what pictures wait everybody has in every answer."""

AT_REST = 0.004
"""Sound whose delay changed by less than this since the last review is not on its way to what it was told before."""

BEGINNING, PATIENCE = 3, 10
"""Reviews after a correction in which sound may not have begun to move, and after which it is corrected although it has
never come to rest."""

CONTENT_SLACK = 0.03
"""Slides may come so much later than face and voice, which nobody notices, before those wait for them."""

MAX_CONTENT_WAIT = 0.1
"""The most that face and voice wait for slides: that these two go together matters more."""

IMPLAUSIBLE = 3.0
"""With a greater difference the clocks that the sender reports tell are not one clock; nothing is corrected by them."""


@dataclass(frozen=True)
class Delays:
    """What is measured of a leg. Pictures without what they are held back, sound with it; None: there is none now."""

    sound: float | None = None
    picture: float | None = None
    content: float | None = None


@dataclass(frozen=True)
class Holds:
    """By how much to hold back, seconds. ``sound`` comes on top of what the network asks for."""

    sound: float = 0.0
    picture: float = 0.0
    content: float = 0.0


class LipSync:
    """One leg's. Call ``review`` about once a second, and ``follow`` between where sound moves.

    Whoever is faster waits. Pictures can be held back to the millisecond; sound follows by and by, and so what it lacks
    is measured again at each review.
    """

    def __init__(self) -> None:
        self._lead = 0.0
        """How much later the pictures would come than sound that is not held back; negative: so much earlier."""
        self._sound: float | None = None
        self._waited = BEGINNING

    def review(self, delays: Delays) -> Holds:
        """What to hold back from now on."""
        at_rest = delays.sound is not None and self._is_at_rest(delays.sound)
        self._sound = delays.sound
        return self._correct(delays, at_rest)

    def follow(self, delays: Delays) -> Holds:
        """The same, for pictures only that wait for sound: that is on its way to where the network takes it."""
        return self._correct(delays, at_rest=False)

    def _correct(self, delays: Delays, at_rest: bool) -> Holds:
        slowest = _slowest_picture(delays)
        if slowest is None or delays.sound is None:
            self._lead = 0.0
        else:
            lacking = slowest + max(0.0, -self._lead) - delays.sound
            off = _off(lacking, self._lead)
            if abs(lacking) > IMPLAUSIBLE:
                self._lead = 0.0
            elif abs(off) > DEAD_BAND:
                # Sound that is to be held back must be at rest: it may be on its way to what it was told before.
                most = MAX_SOUND_HOLD if at_rest else max(0.0, self._lead)
                least = -MAX_PICTURE_HOLD if at_rest or self._lead <= 0 else self._lead
                lead = min(most, max(least, self._lead + off))
                self._waited = 0 if lead != self._lead else self._waited
                self._lead = lead
        goal = None if slowest is None else slowest + max(0.0, -self._lead)
        return Holds(max(0.0, self._lead), _hold(goal, delays.picture), _hold(goal, delays.content))

    def _is_at_rest(self, sound: float) -> bool:
        """The playout buffer takes its time to follow; what is lacking meanwhile must not be asked for twice."""
        self._waited += 1
        still = self._sound is not None and abs(sound - self._sound) < AT_REST
        return (still and self._waited > BEGINNING) or self._waited > PATIENCE


def _off(lacking: float, lead: float) -> float:
    """By how much the lead is to change. Sound that is not held back may lag a little before pictures wait for it."""
    if lead > 0:
        return lacking
    off = lacking + MAY_LAG
    # From waiting pictures on to sound that is held back only for what is lacking in earnest.
    return off if lead + off <= 0 else max(-lead, lacking)


def _slowest_picture(delays: Delays) -> float | None:
    if delays.content is None:
        return delays.picture
    if delays.picture is None:
        return delays.content
    if abs(delays.content - delays.picture) > IMPLAUSIBLE:
        return delays.picture
    wait = delays.content - CONTENT_SLACK - delays.picture
    return delays.picture + min(MAX_CONTENT_WAIT, max(0.0, wait))


def _hold(goal: float | None, delay: float | None) -> float:
    if goal is None or delay is None or abs(goal - delay) > IMPLAUSIBLE:
        return 0.0
    return min(MAX_PICTURE_HOLD, max(0.0, goal - delay))
