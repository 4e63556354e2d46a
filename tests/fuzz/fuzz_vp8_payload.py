"""Fuzz target: VP8 payloads."""

from __future__ import annotations

from mcu.media.rtp.errors import PayloadError
from mcu.media.rtp.vp8 import Vp8Depacketizer


def fuzz_one(data: bytes) -> None:
    """Payloads, cut at the first byte's length, are taken or refused."""
    depacketizer = Vp8Depacketizer()
    size = 1 + (data[0] if data else 0)
    for position in range(1, len(data), size):
        try:
            depacketizer.push(data[position : position + size])
        except PayloadError:
            assert not depacketizer.whole
        _ = depacketizer.keyframe
        if data[position] & 1:
            taken = depacketizer.take()
            assert taken is None or taken[0]
