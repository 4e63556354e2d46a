"""Fuzz target: received access units.

The first octet picks the codec, two more say where the rest is cut into two units.
"""

from __future__ import annotations

from mcu.media.codec.video_decoder import VideoDecoder


def fuzz_one(data: bytes) -> None:
    """Whatever comes, the decoder gives a picture or None."""
    if len(data) < 3:
        return
    decoder = VideoDecoder("VP8" if data[0] % 2 else "H264")
    cut = 3 + int.from_bytes(data[1:3])
    for unit in (data[3:cut], data[cut:]):
        frame = decoder.decode(unit)
        assert frame is None or frame.width >= 2
