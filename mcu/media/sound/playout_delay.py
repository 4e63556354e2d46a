"""How long received sound should wait before it is played: what arrival times say. Pure; times are passed in.

The delay is moved in whole ticks only. Packets then stay aligned with the mixer's ticks, which for a given margin
against jitter is the shortest delay there is.
"""

from __future__ import annotations

import math
from collections import deque

from mcu.media import jitter_peaks
from mcu.media.sound.samples import RATE, TICK, TICK_SAMPLES

INITIAL_DELAY = 0.040
"""Seconds between the first packet's arrival and its playing, to the nearest tick, until jitter has been measured."""

MAXIMUM_DELAY = jitter_peaks.MAXIMUM
"""What comes later still is dropped."""

SAFETY = 0.010
"""Wanted margin between a packet's arrival and its playing: a sender's thread is easily a few ms late."""

TOO_TIGHT = 0.002
"""Below this margin the delay grows by a tick."""

HYSTERESIS = 0.003
"""Beyond a whole tick of spare margin the delay waits for this much more before it shrinks."""

IGNORED_SHARE = 40
"""One packet in so many may come too late and be concealed, rather than delay all the others."""

WINDOW = 200
"""Packets (4 s) that the measurement looks back on."""

BASE_WINDOW = 500
"""Packets (10 s) of which the fastest tells how fast the network can be: where there is jitter, few are as fast."""

ENOUGH_TO_SHRINK = 50
ENOUGH_TO_GROW = 10

PLAUSIBLE = 1.5
"""Seconds by which a packet may be earlier or later than the fastest one; beyond, the sender's clock has jumped."""

PEAKS = 2
"""The second stall within ``jitter_peaks.MEMORY`` is waited for from then on."""

LASTING = 0.2
"""After the first one all of what it held up is played, but a delay beyond this is caught up at once: one stall is no
reason to converse with a second of delay."""

BURST = 0.005
"""Seconds; late packets that follow each other more closely have waited in one queue."""

JUMP = 0.25
"""Seconds by which timestamps may leap, with no packet missing and no such time gone by, before it counts as a jump."""

STRAYS_TO_BELIEVE = 3
STRAY_SECONDS = 0.040
"""So many implausible packets in a row over this time are a new beginning; fewer are a fault. The burst after a network
stall comes within less time and is not taken for one."""


class ArrivalClock:
    """How a sender's timestamps relate to our clock: the least offset seen lately is the fastest way here."""

    def __init__(self) -> None:
        # Those that may yet be the least of the last BASE_WINDOW packets, rising: the first one is.
        self._offsets: deque[tuple[int, float]] = deque()
        self._count = 0
        self.base = 0.0

    def plausible(self, position: int, arrival: float) -> bool:
        """Whether a packet for ``position`` (48 kHz) arriving now fits to those before it."""
        return not self._offsets or abs(arrival - position / RATE - self.base) <= PLAUSIBLE

    def observe(self, position: int, arrival: float) -> None:
        """Learn from a plausible packet."""
        offset = arrival - position / RATE
        offsets = self._offsets
        while offsets and offsets[-1][1] >= offset:
            offsets.pop()
        self._count += 1
        offsets.append((self._count, offset))
        if offsets[0][0] <= self._count - BASE_WINDOW:
            offsets.popleft()
        self.base = offsets[0][1]

    def delay(self, position: int, now: float) -> float:
        """Seconds since the fastest packet for this position would have arrived."""
        return now - position / RATE - self.base

    def position(self, now: float, delay: float) -> int:
        """The position whose sound has this delay now."""
        return round((now - delay - self.base) * RATE)

    def reset(self) -> None:
        """Forget everything: the sender's clock has jumped."""
        self._offsets.clear()


class MarginWatch:
    """How much earlier than needed packets arrive, and what that means for the delay."""

    def __init__(self) -> None:
        self._margins: deque[float] = deque(maxlen=WINDOW)
        self._late_at = float("-inf")

    def note_late(self, margin: float, arrival: float) -> None:
        """A packet came after its time. Those that a stall has held up come together and count once."""
        if arrival - self._late_at > BURST:
            self.note(margin)
        self._late_at = arrival

    def note(self, margin: float) -> None:
        """A packet arrived ``margin`` seconds before the tick that needed it; negative when too late."""
        self._margins.append(margin)

    def wanted_change(self, extra: float = 0.0, slack: float = 0.0) -> int:
        """Samples by which the delay should change, in whole ticks: positive to grow, negative to shrink, mostly 0.

        ``extra`` seconds are wanted on top of what the network asks for; so much ``slack`` more is no reason to shrink.
        """
        count = len(self._margins)
        if count < ENOUGH_TO_GROW:
            return 0
        least = sorted(self._margins)[count // IGNORED_SHARE] - extra
        if least < TOO_TIGHT:
            return math.ceil((TOO_TIGHT - least) / TICK) * TICK_SAMPLES
        spare = least - SAFETY - HYSTERESIS - slack
        if count >= ENOUGH_TO_SHRINK and spare >= TICK:
            return -int(spare / TICK) * TICK_SAMPLES
        return 0

    def changed(self, samples: int) -> None:
        """The delay was changed: carry what was measured over to the new one."""
        seconds = samples / RATE
        self._margins = deque([margin + seconds for margin in self._margins], maxlen=WINDOW)

    def reset(self) -> None:
        """Forget everything."""
        self._margins.clear()
        self._late_at = float("-inf")
