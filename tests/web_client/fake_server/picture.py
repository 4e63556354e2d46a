"""The picture that whoever joins is sent."""

from __future__ import annotations

import av
import numpy as np
from aiortc.mediastreams import VideoStreamTrack


class MovingPicture(VideoStreamTrack):
    """Four coloured tiles with a line that moves: a test can tell live from frozen, and one server from another."""

    width, height = 640, 360

    def __init__(self, tint: int = 0) -> None:
        super().__init__()
        self.tint = tint
        self.count = 0

    async def recv(self) -> av.VideoFrame:
        pts, time_base = await self.next_timestamp()
        picture = np.zeros((self.height, self.width, 3), np.uint8)
        half_w, half_h = self.width // 2, self.height // 2
        picture[:half_h, :half_w] = (24, 90, 96 + self.tint)
        picture[:half_h, half_w:] = (110, 70, 40 + self.tint)
        picture[half_h:, :half_w] = (52, 60, 110)
        picture[half_h:, half_w:] = (40, 100, 60)
        x = self.count * 4 % (self.width - 8)
        picture[:, x : x + 8] = 235
        self.count += 1
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = pts, time_base
        return frame
