"""What waits between an encoder and a line of its rate: so much a decoder holds, and so late pictures come. Pure."""

from __future__ import annotations

# The next picture is taken to be as large as the largest of so many before it that were no key frames.
_LIKE_THE_LAST = 4


class DecoderBuffer:
    """A leaky bucket that the line empties at its rate (as ITU-T H.263 annex B has it): what is over is left out.

    For encoders whose own rate control only aims at the rate: left alone, they run seconds ahead of a slow line.
    """

    def __init__(self, bitrate: int, seconds: float) -> None:
        """``seconds`` of the line at ``bitrate``, in bit/s, are what it holds."""
        self._bitrate = bitrate
        self._size = bitrate * seconds
        self._waiting = 0.0
        self._at: float | None = None
        self._sizes: list[float] = []
        self._key = 0.0

    def takes(self, time: float, key_frame: bool) -> bool:
        """Whether a picture of this instant is likely to fit. Nothing waits so long that none ever does."""
        self._drain(time)
        expected = self._key if key_frame else max(self._sizes, default=0.0)
        return self._waiting == 0 or self._waiting + expected <= self._size

    def add(self, time: float, octets: int, key_frame: bool) -> None:
        """A picture of this size was sent."""
        self._drain(time)
        bits = 8.0 * octets
        self._waiting += bits
        if key_frame:
            self._key = bits
        else:
            self._sizes = [*self._sizes[1 - _LIKE_THE_LAST :], bits]

    @property
    def seconds(self) -> float:
        """How long the line takes for what waits."""
        return self._waiting / self._bitrate

    def _drain(self, time: float) -> None:
        if self._at is not None:
            self._waiting = max(0.0, self._waiting - max(0.0, time - self._at) * self._bitrate)
        self._at = time if self._at is None else max(self._at, time)
