"""When an encoder makes a key frame: requests of many receivers merged into few."""

from __future__ import annotations

# Receivers that join together or lose the same packet ask within this time of each other; one key frame serves all.
# It also keeps a receiver that asks without end from turning the stream into key frames.
MINIMUM_INTERVAL = 0.5

# Instants are sums of fractions: a key frame due now must not slip to the next picture for the last binary digit.
_ROUNDING = 1e-3


class KeyFrameGate:
    """Decides for each picture whether it is to be a key frame. Times in seconds on the monotonic clock."""

    def __init__(self, interval: float | None = None) -> None:
        self.interval = interval
        self._wanted = True
        self._last: float | None = None

    def request(self) -> None:
        """Somebody cannot decode. Asking again before the key frame comes changes nothing."""
        self._wanted = True

    def restart(self) -> None:
        """The stream begins anew, for receivers that have nothing of it: its next picture is a key frame."""
        self._wanted, self._last = True, None

    def due(self, now: float) -> bool:
        """Is the picture of instant ``now`` to be a key frame?"""
        if self._last is None:
            return True
        age = now - self._last
        if self._wanted:
            return age >= MINIMUM_INTERVAL
        return self.interval is not None and age >= self.interval - _ROUNDING

    def made(self, now: float) -> None:
        """The encoder made a key frame of the picture of instant ``now``."""
        self._last = now
        self._wanted = False
