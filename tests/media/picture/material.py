"""Material for tests of pictures: patterns, coded clips, and comparison with golden pictures.

To accept changed pictures, run the tests once with CONSILIUM_WRITE_GOLDEN=1 and look at what git shows.
"""

from __future__ import annotations

import os
from pathlib import Path

import av
import numpy as np
from PIL import Image

from mcu.media.codec.video_encoder import VideoEncoder
from mcu.media.picture.overlay import Overlay
from mcu.media.picture.planes import Colour, Planes
from mcu.media.picture.state import Rung
from mcu.media.units import CodedPicture

ROOT = Path(__file__).parents[3]
FONT = ROOT / "node_modules/@expo-google-fonts/noto-sans-sc/400Regular/NotoSansSC_400Regular.ttf"
GOLDEN = Path(__file__).parent / "golden"

RED, GREEN, BLUE = Colour.rgb(200, 40, 40), Colour.rgb(40, 180, 60), Colour.rgb(50, 70, 210)

# Font engines differ in the shading of edges from release to release; a wrong glyph or place differs much more.
MEAN_DIFFERENCE = 1.0
STRAY_PIXELS = 0.01


def solid(width: int, height: int, colour: Colour) -> Planes:
    picture = Planes.blank(width, height)
    picture.fill(colour)
    return picture


def blend(overlay: Overlay, picture: Planes, x: int, y: int) -> None:
    """Draw the whole of it, its top left corner at even ``x``, ``y``."""
    picture.paint([overlay.stroke(overlay.at(x, y), x, y)])


def pattern_frame(width: int, height: int, phase: int = 0, colour: Colour = BLUE) -> av.VideoFrame:
    """Diagonal stripes in a shade of ``colour`` that move with ``phase``."""
    frame = av.VideoFrame(width, height, "yuv420p")
    picture = Planes.of(frame)
    rows, columns = np.indices((height, width))
    picture.fill(colour)
    picture.y[:] = 40 + ((rows + columns + 4 * phase) // 8 % 8) * 22
    return frame


def pattern(width: int, height: int, phase: int = 0, colour: Colour = BLUE) -> Planes:
    return Planes.of(pattern_frame(width, height, phase, colour))


def clip(rung: Rung, frames: int, keys: tuple[int, ...] = (0,), start: float = 0.0) -> list[CodedPicture]:
    """A coded clip of the moving pattern, one picture every 1/frame_rate."""
    encoder = VideoEncoder(rung)
    units = []
    for index in range(frames):
        frame = pattern_frame(rung.width, rung.height, index)
        unit = encoder.encode(frame, start + index / rung.frame_rate, index in keys)
        assert unit is not None
        units.append(unit)
    return units


def coded_colour(rung: Rung, colour: Colour, time: float) -> CodedPicture:
    """A key frame of nothing but ``colour``."""
    frame = av.VideoFrame(rung.width, rung.height, "yuv420p")
    Planes.of(frame).fill(colour)
    unit = VideoEncoder(rung).encode(frame, time, True)
    assert unit is not None
    return unit


def difference(one: Planes, other: Planes) -> float:
    """Mean absolute difference of the luma samples."""
    return float(np.abs(one.y.astype(int) - other.y.astype(int)).mean())


def image_of(frame: av.VideoFrame) -> Image.Image:
    return Image.fromarray(frame.to_ndarray(format="rgb24"))


def assert_golden(
    frame: av.VideoFrame, name: str, mean_difference: float = MEAN_DIFFERENCE, stray_pixels: float = STRAY_PIXELS
) -> None:
    """The picture looks like ``golden/name.png``; what is tested must make more of a difference than is allowed."""
    file = GOLDEN / f"{name}.png"
    image = image_of(frame)
    if os.environ.get("CONSILIUM_WRITE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        image.save(file, optimize=True)
    with Image.open(file) as golden:
        wanted = np.asarray(golden.convert("RGB")).astype(int)
    found = np.asarray(image).astype(int)
    assert found.shape == wanted.shape
    off = np.abs(found - wanted)
    assert off.mean() <= mean_difference, f"{name}: mean difference {off.mean():.2f}"
    assert (off.max(axis=2) > 48).mean() <= stray_pixels, f"{name}: {(off.max(axis=2) > 48).mean():.2%} pixels differ"
