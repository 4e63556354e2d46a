"""Pictures out of payloads that are simply put one behind the other, be it between bits: H.261 and H.263."""

from __future__ import annotations

from collections.abc import Callable

from mcu.media.rtp.bit_joiner import BitJoiner
from mcu.media.rtp.errors import PayloadError

# More octets than this at its beginning say nothing of a picture's kind.
_HEADER = 9


class JoinedPicture:
    """Collects the payloads of one picture. Same use as ``H264Depacketizer``.

    ``read`` gives a payload's data, and the bits of its first and last octet that do not count; it raises PayloadError.
    ``begins`` and ``is_key_frame`` judge the beginning of a picture. ``limit`` bounds its octets.
    """

    recovery_point = False
    conceals = False

    def __init__(
        self,
        limit: int,
        read: Callable[[bytes], tuple[bytes, int, int]],
        begins: Callable[[bytes], bool],
        is_key_frame: Callable[[bytes], bool],
    ) -> None:
        self._joiner = BitJoiner(limit)
        self._read = read
        self._begins = begins
        self._is_key_frame = is_key_frame
        self.clean_start = False
        self.damaged = False

    def reset(self) -> None:
        """Forget the picture in hand."""
        self._joiner.clear()
        self.clean_start = self.damaged = False

    def cut(self) -> None:
        """Packets are missing here."""
        self.damaged = True

    def push(self, payload: bytes) -> None:
        """Add the payload of the next packet. Raises PayloadError; the picture is then ``damaged``."""
        first = not self._joiner.data
        try:
            self._joiner.add(*self._read(payload))
        except PayloadError:
            self.damaged = True
            raise
        if first:
            self.clean_start = self._begins(bytes(self._joiner.data[:_HEADER]))
            self.damaged = self.damaged or not self.clean_start

    @property
    def empty(self) -> bool:
        """Nothing is in hand."""
        return not self._joiner.data and not self.damaged

    @property
    def keyframe(self) -> bool:
        """The picture in hand is a key frame, as far as it begins with its beginning."""
        return self._is_key_frame(bytes(self._joiner.data[:_HEADER]))

    @property
    def whole(self) -> bool:
        """As far as can be told, nothing is missing from the picture in hand."""
        return not self.damaged

    def take(self) -> tuple[bytes, bool] | None:
        """The picture in hand and whether it is a key frame; None when there is none."""
        if not self._joiner.data:
            return None
        picture = bytes(self._joiner.data)
        self.reset()
        return picture, self._is_key_frame(picture)
