"""Pictures in H.263 and H.261 as our encoder makes them: the first is a key frame of many packets."""

from __future__ import annotations

import av
import numpy as np

from mcu.media.codec.video_encoder import VideoEncoder
from mcu.media.picture.state import Rung, VideoCodec

WIDTH, HEIGHT = 352, 288


def frame(number: int) -> av.VideoFrame:
    """A moving pattern with enough detail for large key frames."""
    planes = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    planes[:HEIGHT] = ((np.sin(columns / 9 + number / 5) + np.cos(rows / 7 - number / 9)) * 50 + 128).astype(np.uint8)
    return av.VideoFrame.from_ndarray(planes, format="yuv420p")


def coded_pictures(codec: VideoCodec, count: int = 5) -> list[bytes]:
    """The coded pictures, none left out."""
    encoder = VideoEncoder(Rung(WIDTH, HEIGHT, 15, 768_000, codec))
    units = [encoder.encode(frame(number), number / 15, number == 0) for number in range(count)]
    return [unit.data for unit in units if unit is not None]
