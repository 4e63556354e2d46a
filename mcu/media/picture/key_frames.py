"""When an encoder makes a key frame: requests of many receivers merged into few."""

from __future__ import annotations

# Receivers that join together or lose the same packet ask within this time of each other; one key frame serves all.
# It also keeps a receiver that asks without end from turning the stream into key frames.
MINIMUM_INTERVAL = 0.5

# Requests that go on without end, of one who loses much, must not cost all others their picture: two key frames a
# second are 1.6 dB at the same rate, one every second and a half 0.4. So each that follows soon waits twice as long as
# the one before. A newcomer does not pay for them: it has no picture at all, and does not come on and on.
LONGEST_INTERVAL = 2.0

# Instants are sums of fractions: a key frame due now must not slip to the next picture for the last binary digit.
_ROUNDING = 1e-3


class KeyFrameGate:
    """Decides for each picture whether it is to be a key frame. Times in seconds on the monotonic clock."""

    def __init__(self, interval: float | None = None) -> None:
        self.interval = interval
        self._wanted = True
        self._for_newcomer = False
        self._last: float | None = None
        self._spacing = MINIMUM_INTERVAL

    def request(self, newcomer: bool = False) -> None:
        """Somebody cannot decode, perhaps because it gets this stream from now on. Asking again before the key frame
        comes changes nothing.
        """
        self._wanted = True
        self._for_newcomer |= newcomer

    def restart(self) -> None:
        """The stream begins anew, for receivers that have nothing of it: its next picture is a key frame."""
        self._wanted, self._for_newcomer, self._last, self._spacing = True, False, None, MINIMUM_INTERVAL

    def due(self, now: float) -> bool:
        """Is the picture of instant ``now`` to be a key frame?"""
        if self._last is None:
            return True
        age = now - self._last
        if self._wanted:
            return age >= (MINIMUM_INTERVAL if self._for_newcomer else self._spacing)
        return self.interval is not None and age >= self.interval - _ROUNDING

    def made(self, now: float) -> None:
        """The encoder made a key frame of the picture of instant ``now``."""
        if self._last is not None and not self._for_newcomer:
            soon = now - self._last < 2 * self._spacing
            self._spacing = min(2 * self._spacing, LONGEST_INTERVAL) if soon else MINIMUM_INTERVAL
        self._last = now
        self._wanted = self._for_newcomer = False
