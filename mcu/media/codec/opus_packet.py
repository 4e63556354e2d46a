"""How long an Opus packet lasts and what it holds, read from its table-of-contents byte (RFC 6716 section 3.1)."""

from __future__ import annotations

MAX_DURATION = 5760
"""Samples at 48 kHz: no packet may hold more than 120 ms (RFC 6716 section 3.2.5, rule R5)."""

DTX_BYTES = 2
"""A packet this short carries no sound: the sender is silent and says so now and then (RFC 6716 section 2.1.9)."""

_SILK = (480, 960, 1920, 2880)
_HYBRID = (480, 960)
_CELT = (120, 240, 480, 960)


def is_stereo(data: bytes) -> bool:
    """Whether the packet holds two channels."""
    return bool(data and data[0] & 4)


def duration(data: bytes) -> int:
    """Samples at 48 kHz. Raises ValueError for an empty packet, a missing frame count, or more than 120 ms."""
    if not data:
        raise ValueError("empty Opus packet")
    configuration, count_code = data[0] >> 3, data[0] & 3
    if configuration < 12:
        frame = _SILK[configuration & 3]
    elif configuration < 16:
        frame = _HYBRID[configuration & 1]
    else:
        frame = _CELT[configuration & 3]
    if count_code == 3:
        if len(data) < 2:
            raise ValueError("Opus packet ends before its frame count")
        frames = data[1] & 0x3F
    else:
        frames = 1 if count_code == 0 else 2
    if not 0 < frames * frame <= MAX_DURATION:
        raise ValueError(f"Opus packet of {frames} frames of {frame} samples")
    return frames * frame
