"""Whether what is shared gets through to one receiver as it is. Pure.

It comes in one size or two. To who cannot get the smallest it is composed, in the size that gets through, until
somebody else shares: a picture that changes its way back and forth is worse than a smaller one.
"""

from __future__ import annotations

# An estimate may dip: only what is too little for so long is too little. Seconds.
PATIENCE = 4.0
# The same where less than half gets through: no dip, and meanwhile voice and faces are behind it in the queue.
SHORT_PATIENCE, VERY_SHORT = 1.5, 0.5
# The rate of slides wavers with what is on them; a receiver that gets most of it gets by with repetitions.
SHORT = 0.8


class Narrow:
    """Of one receiver."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._given_up: str | None = None

    def is_too_narrow_for(self, sharer: str) -> bool:
        """Whether what this one shares has to be composed."""
        return self._given_up == sharer

    def look(self, sharer: str, rate: float, limit: float | None, now: float) -> bool:
        """It comes at ``rate`` bit/s, of which ``limit`` gets through (None: all); True when it is given up by that."""
        if limit is None or limit >= rate * SHORT:
            self._since = None
            return False
        if self._since is None:
            self._since = now
        patience = SHORT_PATIENCE if limit < rate * VERY_SHORT else PATIENCE
        if now - self._since < patience or self._given_up == sharer:
            return False
        self._given_up = sharer
        return True
