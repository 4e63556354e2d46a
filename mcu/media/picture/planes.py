"""Pictures in memory: the three planes of a YUV 4:2:0 picture as numpy views.

A view shares memory with the ``av.VideoFrame`` it was taken from and keeps it alive, so pasting writes straight into
the frame that an encoder reads. Studio range throughout: black is 16, white 235, no colour 128 (ITU-R BT.709).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

import av
import numpy as np
from av.video.plane import VideoPlane
from numpy.typing import NDArray

from layouts.geometry import Rect
from mcu.media.picture._paint import paint

if TYPE_CHECKING:
    from mcu.media.picture._paint import Stroke

Plane = NDArray[np.uint8]
Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Colour:
    """One colour in studio-range YUV."""

    y: int
    u: int
    v: int

    # ITU-R BT.709 luma weights.
    RED_WEIGHT: ClassVar[float] = 0.2126
    BLUE_WEIGHT: ClassVar[float] = 0.0722

    @classmethod
    def rgb(cls, red: int, green: int, blue: int) -> Colour:
        """From full-range RGB, 0 to 255 each."""
        of_red, of_blue = cls.RED_WEIGHT, cls.BLUE_WEIGHT
        luma = of_red * red + (1 - of_red - of_blue) * green + of_blue * blue
        return cls(
            round(16 + luma * 219 / 255),
            round(128 + (blue - luma) / (2 - 2 * of_blue) * 224 / 255),
            round(128 + (red - luma) / (2 - 2 * of_red) * 224 / 255),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Planes:
    """A YUV 4:2:0 picture of even width and height; ``u`` and ``v`` have half the size of ``y`` each way."""

    y: Plane
    u: Plane
    v: Plane

    @classmethod
    def of(cls, frame: av.VideoFrame) -> Planes:
        """Views into a yuv420p frame. Odd last rows and columns are left out. Raises ValueError for other formats."""
        if frame.format.name != "yuv420p":
            raise ValueError(f"expected yuv420p, not {frame.format.name}")
        width, height = frame.width // 2 * 2, frame.height // 2 * 2
        y, u, v = (_view(plane) for plane in frame.planes)
        return cls(y[:height, :width], u[: height // 2, : width // 2], v[: height // 2, : width // 2])

    @classmethod
    def blank(cls, width: int, height: int) -> Planes:
        """Planes of their own, content undefined."""
        chroma = (height // 2, width // 2)
        return cls(np.empty((height, width), np.uint8), np.empty(chroma, np.uint8), np.empty(chroma, np.uint8))

    @classmethod
    def in_one(cls, width: int, height: int) -> tuple[Planes, Plane]:
        """Planes of their own one after the other in one array, which is given too; content undefined."""
        samples = np.empty(width * height * 3 // 2, np.uint8)
        luma, chroma = width * height, width * height // 4
        return (
            cls(
                samples[:luma].reshape(height, width),
                samples[luma : luma + chroma].reshape(height // 2, width // 2),
                samples[luma + chroma :].reshape(height // 2, width // 2),
            ),
            samples,
        )

    @property
    def size(self) -> Size:
        height, width = self.y.shape
        return width, height

    def window(self, rect: Rect) -> Planes:
        """The part inside ``rect``, sharing memory."""
        if rect.size == self.size:
            return self
        left, top, right, bottom = rect.x // 2, rect.y // 2, rect.right // 2, rect.bottom // 2
        return Planes(
            self.y[rect.y : rect.bottom, rect.x : rect.right],
            self.u[top:bottom, left:right],
            self.v[top:bottom, left:right],
        )

    def paint(self, strokes: list[Stroke]) -> None:
        """Paint on it, in order. Raises ValueError for strokes outside of it, see ``_paint.pyi``."""
        paint(self.y, self.u, self.v, strokes)

    def fill(self, colour: Colour) -> None:
        self.y.fill(colour.y)
        self.u.fill(colour.u)
        self.v.fill(colour.v)

    def paste(self, other: Planes) -> None:
        """Overwrite everything with ``other``, which has the same size."""
        np.copyto(self.y, other.y)
        np.copyto(self.u, other.u)
        np.copyto(self.v, other.v)

    def resized(self, size: Size) -> Planes:
        """A copy of this even size, from the nearest samples: quick and rough."""
        width, height = size
        colours = (_nearest(plane, width // 2, height // 2) for plane in (self.u, self.v))
        return Planes(_nearest(self.y, width, height), *colours)

    def dim(self, brightness: float, saturation: float) -> None:
        """Darken and bleach in place; 1.0 leaves as is."""
        self.y[:] = _scaled(brightness, 16)[self.y]
        for plane in (self.u, self.v):
            plane[:] = _scaled(saturation, 128)[plane]


def same_picture(one: av.VideoFrame, other: av.VideoFrame) -> bool:
    """Whether two frames show the same to the last bit; False for frames that are not yuv420p."""
    if one.format.name != "yuv420p" or other.format.name != "yuv420p":
        return False
    if (one.width, one.height) != (other.width, other.height):
        return False
    first, second = Planes.of(one), Planes.of(other)
    # A few lines tell most differences.
    return bool(
        (first.y[::32] == second.y[::32]).all()
        and (first.y == second.y).all()
        and (first.u == second.u).all()
        and (first.v == second.v).all()
    )


def _view(plane: VideoPlane) -> Plane:
    """The samples of one plane, padding at the end of lines left out."""
    samples = np.frombuffer(cast(memoryview, plane), np.uint8)
    return samples.reshape(-1, plane.line_size)[: plane.height, : plane.width]


def _nearest(plane: Plane, width: int, height: int) -> Plane:
    rows = (np.arange(height) * 2 + 1) * plane.shape[0] // (2 * height)
    columns = (np.arange(width) * 2 + 1) * plane.shape[1] // (2 * width)
    nearest: Plane = plane[rows].take(columns, axis=1)
    return nearest


def _scaled(factor: float, centre: int) -> NDArray[np.uint8]:
    """A look-up table that pulls sample values towards ``centre``."""
    values = centre + (np.arange(256) - centre) * factor
    table: NDArray[np.uint8] = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return table
