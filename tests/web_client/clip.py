"""A short recording as the server would hand it out: an HLS playlist with fragmented MP4, and a thumbnail."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw

WIDTH, HEIGHT, RATE = 320, 180, 10


def make_clip(folder: Path, seconds: int = 8) -> None:
    """Write playlist.m3u8 with segments of two seconds; the picture's brightness tells the second."""
    options = {"hls_segment_type": "fmp4", "hls_time": "2", "hls_list_size": "0", "hls_playlist_type": "vod"}
    options["hls_segment_filename"] = str(folder / "segment%d.m4s")
    with av.open(str(folder / "playlist.m3u8"), "w", format="hls", options=options) as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast", "profile": "baseline"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.gop_size = RATE
        stream.codec_context.time_base = Fraction(1, RATE)
        for count in range(seconds * RATE):
            picture = np.full((HEIGHT, WIDTH, 3), 40 + 20 * (count // RATE), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    thumbnail = Image.new("RGB", (640, 360), (24, 74, 84))
    draw = ImageDraw.Draw(thumbnail)
    draw.rectangle((324, 4, 636, 176), fill=(96, 74, 52))
    draw.rectangle((4, 184, 316, 356), fill=(58, 62, 104))
    thumbnail.save(folder / "thumbnail.jpg")


def recording(identity: str, title: str, **changes: object) -> dict[str, object]:
    """A recording as the API shows it."""
    part = {
        "number": 1,
        "address": "parts/0001.mp4",
        "started_at": "2026-01-02T08:00:00Z",
        "duration": 8.0,
        "size": 1_234_567,
        "width": 1920,
        "height": 1080,
        "codecs": ["avc1.42e01f", "mp4a.40.2"],
    }
    view = {
        "id": identity,
        "number": "1000",
        "title": title,
        "started_at": "2026-01-02T08:00:00Z",
        "duration": 8.0,
        "size": 1_234_567,
        "state": "finished",
        "parts": [part],
    }
    return {**view, **changes}
