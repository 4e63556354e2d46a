"""Puts payloads together that were cut between bits: H.261 (RFC 4587) and H.263 (RFC 2190) are cut so."""

from __future__ import annotations

from mcu.media.rtp.errors import PayloadError


class BitJoiner:
    """``add`` in order, then ``data``. ``limit`` bounds the octets."""

    __slots__ = ("_free", "_limit", "data")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.data = bytearray()
        self._free = 0

    def clear(self) -> None:
        """Forget all."""
        self.data.clear()
        self._free = 0

    def add(self, part: bytes, skipped: int, free: int) -> None:
        """Add a part of which the first ``skipped`` and the last ``free`` bits (0 to 7 each) do not count.

        Raises PayloadError when the parts do not meet within one octet, and when there is too much.
        """
        if not part or (len(part) == 1 and skipped + free >= 8):
            raise PayloadError("payload is empty")
        if len(self.data) + len(part) > self._limit:
            raise PayloadError("picture is larger than any real one")
        octets = bytearray(part)
        octets[0] &= 0xFF >> skipped
        octets[-1] &= 0xFF << free & 0xFF
        if skipped and self.data:
            if self._free != 8 - skipped:
                raise PayloadError("payloads do not meet within an octet")
            self.data[-1] |= octets[0]
            self.data += octets[1:]
        elif self._free and self.data:
            raise PayloadError("payloads do not meet within an octet")
        else:
            self.data += octets
        self._free = free
