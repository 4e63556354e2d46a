"""Frames that a canvas paints on in turn: while an encoder reads one, the next picture is painted on another."""

from __future__ import annotations

from collections import deque

import av

# One painted on, one read by an encoder, one that waits for it, and one to go on with while the last comes back.
_MOST = 4


class FrameRing:
    """``current`` is the one to paint on. ``lend`` is for the thread that paints, ``give_back`` for any."""

    def __init__(self, width: int, height: int) -> None:
        self._size = width, height
        self._free: deque[av.VideoFrame] = deque()
        self._made = 1
        self.current = self._new()

    def lend(self) -> av.VideoFrame | None:
        """The current frame, to be given back; another one is current from now on.

        None when too many are away: the picture has to be copied.
        """
        try:
            following = self._free.popleft()
        except IndexError:
            if self._made == _MOST:
                return None
            self._made += 1
            following = self._new()
        lent, self.current = self.current, following
        return lent

    def give_back(self, frame: av.VideoFrame) -> None:
        """``frame`` is read no more."""
        self._free.append(frame)

    def _new(self) -> av.VideoFrame:
        return av.VideoFrame(*self._size, "yuv420p")
