"""The clip of a room that was given none: colour bars with something that moves, and a soft tone now and then."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

from consilium.simulated_room.clip import SAMPLE_RATE, Clip, ClipFormat, Samples, encode_pictures, make_clip

SECONDS = 4.0
TONE = 440.0
TONE_SECONDS = 0.2
LEVEL = 0.08

# 75 % colour bars as (Y, Cb, Cr) in BT.709 (Recommendation ITU-R BT.1729).
_BARS = (
    (180, 128, 128), (168, 44, 136), (145, 147, 44), (133, 63, 52), (63, 193, 204), (51, 109, 212), (28, 212, 120),
)  # fmt: skip

Planes = npt.NDArray[np.uint8]


def make_test_card(clip_format: ClipFormat) -> Clip:
    """The card as a clip; a bright block goes round once in its duration. Takes a moment to encode."""
    return make_clip(encode_pictures(_frames(clip_format), clip_format), _sound(), clip_format)


def _frames(clip_format: ClipFormat) -> Iterator[VideoFrame]:
    count = round(SECONDS * clip_format.frame_rate)
    card = _card(clip_format.width, clip_format.height)
    for number in range(count):
        picture = card.copy()
        _draw_block(picture, clip_format.width, clip_format.height, number / count)
        yield VideoFrame.from_ndarray(picture, format="yuv420p")


def _card(width: int, height: int) -> Planes:
    """Bars above, a ramp from black to white in the lowest quarter; planes stacked as PyAV wants yuv420p."""
    picture = np.full((height * 3 // 2, width), 128, np.uint8)
    luma = picture[:height]
    blue, red = (
        picture[height + plane * height // 4 :][: height // 4].reshape(height // 2, width // 2) for plane in range(2)
    )
    bars = height * 3 // 4
    for index, (y, cb, cr) in enumerate(_BARS):
        left, right = (width * edge // len(_BARS) & ~1 for edge in (index, index + 1))
        luma[:bars, left:right] = y
        blue[: bars // 2, left // 2 : right // 2] = cb
        red[: bars // 2, left // 2 : right // 2] = cr
    luma[bars:] = np.linspace(16, 235, width).astype(np.uint8)
    return picture


def _draw_block(picture: Planes, width: int, height: int, turn: float) -> None:
    side = height // 8 & ~1
    x = round(width / 2 + width / 4 * np.cos(2 * np.pi * turn)) - side // 2
    y = round(height * 3 / 8 + height / 5 * np.sin(2 * np.pi * turn)) - side // 2
    picture[y : y + side, x : x + side] = 235


def _sound() -> Samples:
    time = np.arange(round(SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    edge = np.clip(np.minimum(time, TONE_SECONDS - time) / 0.01, 0, 1)
    return (LEVEL * 32767 * edge * np.sin(2 * np.pi * TONE * time)).astype(np.int16)
