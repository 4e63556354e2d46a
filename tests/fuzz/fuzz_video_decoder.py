"""Fuzz target: received access units.

The first octet picks the codec, two more say where the rest is cut into two units.
"""

from __future__ import annotations

from mcu.media.codec.video_decoder import VideoDecoder
from mcu.media.picture.state import VideoCodec

CODECS: tuple[VideoCodec, ...] = ("H264", "VP8", "H263", "H261")


def fuzz_one(data: bytes) -> None:
    """Whatever comes, the decoder gives a picture or None."""
    if len(data) < 3:
        return
    decoder = VideoDecoder(CODECS[data[0] % len(CODECS)])
    cut = 3 + int.from_bytes(data[1:3])
    for unit in (data[3:cut], data[cut:]):
        frame = decoder.decode(unit)
        assert frame is None or frame.width >= 2
