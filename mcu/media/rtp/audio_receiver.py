"""Received sound: frames in the order of arrival, each once. Order and loss are the playout buffer's business."""

from __future__ import annotations

from mcu.media.rtp.unwrap import Unwrapper
from mcu.media.units import CodedSound

# Packets that come later than this many after their turn are of no use to any playout buffer (1.3 s at 10 ms).
WINDOW = 128
_MASK = (1 << WINDOW) - 1


class AudioReceiver:
    """Drops duplicates and stragglers, unwraps timestamps."""

    __slots__ = ("_highest", "_seen", "_timestamps", "duplicates")

    def __init__(self) -> None:
        self._highest: int | None = None
        self._seen = 0
        self._timestamps = Unwrapper(32)
        self.duplicates = 0

    def lacks(self, extended: int) -> bool:
        """Whether this packet has not come, and could still be played. What was before the first one is not missed."""
        highest = self._highest
        if highest is None:
            return False
        return extended > highest or (extended > highest - WINDOW and not self._seen >> (highest - extended) & 1)

    def receive(
        self,
        extended: int,
        timestamp: int,
        payload_type: int,
        payload: bytes,
        now: float,
        level: int | None = None,
    ) -> CodedSound | None:
        """Take a packet; returns its sound, or None for one that was there already or is hopelessly late."""
        highest = self._highest
        ahead = 1 if highest is None else extended - highest
        if ahead > 0:
            # Bit n of _seen stands for the packet n before the highest.
            self._seen = ((self._seen << min(ahead, WINDOW)) | 1) & _MASK
            self._highest = extended
        else:
            bit = 1 << -ahead
            if ahead <= -WINDOW or self._seen & bit:
                self.duplicates += 1
                return None
            self._seen |= bit
        if not payload:
            return None
        return CodedSound(payload, payload_type, now, self._timestamps.unwrap(timestamp), extended, level=level)
