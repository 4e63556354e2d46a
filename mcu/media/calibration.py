"""How many ports this machine has: measured in a second at the start of a media worker, before it takes work."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable

import av
import numpy as np

from layouts.geometry import Rect
from mcu.media.codec.video_decoder import VideoDecoder
from mcu.media.codec.video_encoder import VideoEncoder
from mcu.media.facts import Capacity
from mcu.media.picture.planes import Planes
from mcu.media.picture.scaler import Scaler
from mcu.media.picture.state import Rung
from mcu.media.units import CodedPicture

logger = logging.getLogger(__name__)

RUNG = Rung(1920, 1080, 30, 3_000_000)

# Pictures measured: the first ones, with their key frame and cold caches, are left out.
PICTURES, WARM_UP = 20, 4

# Different pictures, shown in turn: to make them costs more than to measure with them.
DIFFERENT = 6

# So much of the machine may be busy with pictures. The rest is for sound, packets and signalling, and for the moments
# in which everybody moves.
USABLE = 0.8

# Pictures of real people take a decoder so much longer than those that are drawn here.
REAL_DETAIL = 1.4

# A canvas of four: what one port composes on average.
TILES = 4


def calibrate(cores: int | None = None, clock: Callable[[], float] = time.process_time) -> Capacity:
    """Encode, decode and compose some pictures of 1080p. ``cores``: None for those this process may use.

    CPU time is what counts, so a machine that is busy at the moment is not taken for a slow one.
    """
    encoder, decoder, scaler = VideoEncoder(RUNG), VideoDecoder("H264"), Scaler()
    canvas = Planes.blank(RUNG.width, RUNG.height)
    tile = Rect(0, 0, RUNG.width // 2, RUNG.height // 2)
    encoding = decoding = composing = 0.0
    frames = _pictures(DIFFERENT)
    for number in range(PICTURES):
        frame = frames[_to_and_fro(number)]
        began = clock()
        unit = encoder.encode(frame, number / RUNG.frame_rate, number == 0)
        encoded = clock()
        picture = decoder.decode(_unit(unit).data)
        decoded = clock()
        for _ in range(TILES):
            scaled = scaler.scale(picture or frame, tile.size)
            if scaled is not None:
                canvas.window(tile).paste(scaled)
        composed = clock()
        if number >= WARM_UP:
            encoding += encoded - began
            decoding += decoded - encoded
            composing += composed - decoded
    measured = PICTURES - WARM_UP
    port = max(1e-6, (encoding + composing) / measured) * RUNG.frame_rate
    usable = USABLE * (cores or len(os.sched_getaffinity(0)))
    capacity = Capacity(
        ports=round(usable / port, 2),
        encoding=encoding / (encoding + composing),
        composing=composing / (encoding + composing),
        # What comes in is decoded, and scaled to its tile.
        decoding=(decoding * REAL_DETAIL + composing / TILES) / (encoding + composing),
    )
    logger.info(
        "capacity: %.1f ports (a picture of 1080p takes %.1f ms to encode, %.1f to compose, %.1f to decode)",
        capacity.ports,
        1000 * encoding / measured,
        1000 * composing / measured,
        1000 * decoding / measured,
    )
    return capacity


def _unit(unit: CodedPicture | None) -> CodedPicture:
    if unit is None:
        raise RuntimeError("the encoder left a picture out")
    return unit


def _to_and_fro(number: int) -> int:
    """0, 1, 2 … and back, so that the motion never jumps."""
    step = number % (2 * DIFFERENT - 2)
    return min(step, 2 * DIFFERENT - 2 - step)


def _pictures(count: int) -> list[av.VideoFrame]:
    """A person before a wall, as an encoder sees it: soft shapes, the fine noise of a camera, a part that moves."""
    rng = np.random.default_rng(1)
    rows, columns = np.arange(RUNG.height)[:, None], np.arange(RUNG.width)[None, :]
    wall = (90 + 40 * np.sin(columns / 170) + 25 * np.cos(rows / 90)).astype(np.int16)
    noise = rng.integers(-3, 4, (RUNG.height + count, RUNG.width), np.int16)
    frames = []
    for number in range(count):
        left = 700 + 4 * number
        body = (150 + 50 * np.sin((columns[:, :520] + rows[300:]) / 12)).astype(np.int16)
        luma = wall + noise[number : number + RUNG.height]
        luma[300:, left : left + 520] += body - wall[300:, left : left + 520]
        frame = av.VideoFrame(RUNG.width, RUNG.height, "yuv420p")
        planes = Planes.of(frame)
        planes.y[:] = luma.clip(16, 235)
        planes.u[:] = 120
        planes.u[150:, left // 2 : left // 2 + 260] = 128
        planes.v[:] = 134
        frames.append(frame)
    return frames
