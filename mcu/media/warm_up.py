"""What a worker does before it is told anything: what the first picture and the first sound would else wait for."""

from __future__ import annotations

import av

from mcu.media.codec.video_decoder import VideoDecoder
from mcu.media.codec.video_encoder import VideoEncoder
from mcu.media.picture.planes import Planes
from mcu.media.picture.scaler_tuning import tune_scaling
from mcu.media.picture.state import Rung

_RUNG = Rung(320, 180, 30, 200_000)


def warm_up() -> None:
    """Choose how to scale, and let one small picture through the codec, so that its code and tables are in memory."""
    tune_scaling()
    frame = av.VideoFrame(_RUNG.width, _RUNG.height, "yuv420p")
    for plane in (Planes.of(frame).y, Planes.of(frame).u, Planes.of(frame).v):
        plane.fill(128)
    unit = VideoEncoder(_RUNG).encode(frame, 0.0, True)
    if unit is not None:
        VideoDecoder("H264").decode(unit.data)
