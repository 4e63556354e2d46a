"""Packets in sequence to pictures; what becomes of a picture is a subclass's to decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mcu.media.rtp.errors import PayloadError


class PacketJoiner:
    """A picture ends at its marker bit, or where the timestamp changes: ``finish`` is called then."""

    def __init__(self, depacketizers: dict[int, Any], on_malformed: Callable[[PayloadError], None]) -> None:
        self._depacketizers = depacketizers
        self._on_malformed = on_malformed
        self.payload_type, self.depacketizer = next(iter(depacketizers.items()))
        self.timestamp = -1
        self.after_gap = True

    def finish(self, now: float) -> None:
        """The picture in hand is as whole as it will be."""
        raise NotImplementedError

    def push(self, timestamp: int, marker: bool, payload_type: int, payload: bytes, now: float) -> None:
        """Take the next packet in sequence."""
        if not payload:
            return  # padding, sent to probe the path
        if timestamp != self.timestamp:
            if not self.depacketizer.empty:
                self.finish(now)
            self.timestamp = timestamp
        if payload_type != self.payload_type:
            chosen = self._depacketizers.get(payload_type)
            if chosen is None:
                return
            self.depacketizer.reset()
            self.depacketizer = chosen
            self.payload_type = payload_type
        try:
            self.depacketizer.push(payload)
        except PayloadError as error:
            self._on_malformed(error)
            self.depacketizer.damaged = True
        if self.after_gap:
            self.after_gap = False
            if not self.depacketizer.clean_start:
                self.depacketizer.damaged = True
        if marker:
            self.finish(now)
