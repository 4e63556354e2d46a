"""Pictures that carry their own number, and a flash that goes with a beep: what latency and lip sync are read from."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

from consilium.simulated_room.clip import SAMPLE_RATE, Clip, ClipFormat, encode_pictures, make_clip
from layouts.geometry import Rect

BITS = 10
# Fractions of the picture. Large enough to survive a tile of a quarter and two encodings; away from names and edges.
_BLOCK = 0.03
_CODE_X, _CODE_Y = 0.1, 0.1
_FLASH = (0.6, 0.1, 0.3, 0.3)

FLASH_SECONDS = 0.1
BEEP_FREQUENCY = 1000.0

Luma = npt.NDArray[np.uint8]


def time_coded_clip(clip_format: ClipFormat, seconds: float, seed: int, flash_every: float | None) -> Clip:
    """A moving texture with a number in every picture and, if wished, flashes with beeps. Takes a while to encode."""
    count = round(seconds * clip_format.frame_rate)
    if count >= 1 << BITS:
        raise ValueError(f"the code holds {1 << BITS} pictures")
    pictures = encode_pictures(time_coded_frames(clip_format, count, seed, flash_every), clip_format)
    return make_clip(pictures, _beeps(seconds, flash_every), clip_format)


def read_code(luma: Luma, tile: Rect) -> int | None:
    """The number of the picture that a tile shows; None when it is torn or not there."""
    bits = [_brightness(luma, tile, *_block(position)) > 128 for position in range(2 * BITS)]
    number = sum(bit << index for index, bit in enumerate(bits[:BITS]))
    check = sum(bit << index for index, bit in enumerate(bits[BITS:]))
    return number if check == number ^ ((1 << BITS) - 1) else None


def draw_code(luma: Luma, number: int) -> None:
    """Draw the number of a picture into it, for ``read_code``."""
    for position in range(2 * BITS):
        value = number ^ ((1 << BITS) - 1) if position >= BITS else number
        _fill(luma, _block(position), 235 if value >> (position % BITS) & 1 else 16)


def flash_is_on(luma: Luma, tile: Rect) -> bool:
    """Whether the tile shows the flash."""
    return _brightness(luma, tile, *_FLASH) > 190


def time_coded_frames(
    clip_format: ClipFormat, count: int, seed: int, flash_every: float | None
) -> Iterator[VideoFrame]:
    """The pictures of ``time_coded_clip``, yuv420p, not coded."""
    width, height = clip_format.width, clip_format.height
    texture = _texture(2 * width, height, seed)
    for number in range(count):
        luma = np.empty((height * 3 // 2, width), np.uint8)
        shift = round(number * width / count)
        luma[:height] = texture[:, shift : shift + width]
        luma[height:] = 128
        draw_code(luma[:height], number)
        if flash_every is not None:
            on = number / clip_format.frame_rate % flash_every < FLASH_SECONDS
            _fill(luma[:height], _FLASH, 235 if on else 60)
        yield VideoFrame.from_ndarray(luma, format="yuv420p")


def _texture(width: int, height: int, seed: int) -> Luma:
    """Smooth shapes with some grain, about as hard to code as a room with people; it wraps around."""
    random = np.random.default_rng(seed)
    coarse = VideoFrame.from_ndarray(random.integers(60, 200, (18, 64), np.uint8), format="gray")
    smooth = coarse.reformat(width=width // 2, height=height, format="gray", interpolation="BICUBIC").to_ndarray()
    half = np.clip(smooth.astype(np.int16) + random.integers(-6, 7, smooth.shape), 16, 235).astype(np.uint8)
    return np.concatenate([half, half], axis=1)


def _beeps(seconds: float, every: float | None) -> npt.NDArray[np.int16]:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    if every is None:
        return np.zeros(time.size, np.int16)
    on = time % every < FLASH_SECONDS
    return (on * 0.5 * np.sin(2 * np.pi * BEEP_FREQUENCY * time) * 32767).astype(np.int16)


def _block(position: int) -> tuple[float, float, float, float]:
    row, column = divmod(position, BITS)
    # Blocks are squares on the screen: a width is 9/16 of the same fraction of the height.
    return _CODE_X + column * _BLOCK, _CODE_Y + row * _BLOCK * 16 / 9, _BLOCK, _BLOCK * 16 / 9


def _fill(luma: Luma, area: tuple[float, float, float, float], value: int) -> None:
    height, width = luma.shape
    x, y, w, h = area
    luma[round(y * height) : round((y + h) * height), round(x * width) : round((x + w) * width)] = value


def _brightness(luma: Luma, tile: Rect, x: float, y: float, w: float, h: float) -> float:
    """Mean of the middle of an area of the tile, so that blurred edges do not count."""
    left, top = tile.x + (x + w * 0.25) * tile.width, tile.y + (y + h * 0.25) * tile.height
    right, bottom = left + w * 0.5 * tile.width, top + h * 0.5 * tile.height
    return float(
        luma[round(top) : max(round(bottom), round(top) + 1), round(left) : max(round(right), round(left) + 1)].mean()
    )
