"""Translucent drawings over a picture: made once in RGBA, kept as YUV, blended over small regions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from layouts.geometry import Rect
from mcu.media.picture.planes import Colour, Plane, Planes, Size

_Reals = NDArray[np.floating]
_Wide = NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class _Layer:
    """One plane of a drawing: what it adds, and by how many 256ths the picture beneath shines through."""

    added: _Wide
    kept: _Wide

    @classmethod
    def of(cls, samples: _Reals, alpha: _Reals) -> _Layer:
        kept = np.rint((1 - alpha) * 256)
        # The half makes the shift in blend() round to the nearest.
        return cls((np.rint(samples * (256 - kept)) + 128).astype(np.uint16), kept.astype(np.uint16))

    def blend(self, plane: Plane, x: int, y: int) -> None:
        """Draw the part that begins at ``x``, ``y`` and is as large as ``plane``."""
        height, width = plane.shape
        rows, columns = slice(y, y + height), slice(x, x + width)
        mixed = plane * self.kept[rows, columns]
        mixed += self.added[rows, columns]
        mixed >>= 8
        plane[:] = mixed


class Overlay:
    """A drawing of even size that blends into a YUV picture."""

    size: Size
    _y: _Layer
    _colour: tuple[_Layer, _Layer] | None

    def __init__(self, image: Image.Image) -> None:
        """``image`` is RGBA. Raises ValueError when a side is odd."""
        if image.mode != "RGBA" or image.width % 2 or image.height % 2:
            raise ValueError(f"expected an RGBA image of even size, not {image.mode} {image.size}")
        self.size = image.size
        pixels = np.asarray(image).astype(np.float32)
        colour, alpha = pixels[..., :3], pixels[..., 3] / 255
        self._y = _Layer.of(colour @ _ROWS.y + 16, alpha)
        # Chroma has half the resolution; its colour is the mean of four pixels weighted by how opaque they are.
        small_alpha = _quarter(alpha)
        weight = np.maximum(small_alpha, 1e-6)[..., None]
        small = _quarter(colour * alpha[..., None]) / weight
        self._colour = (
            _Layer.of(small @ _ROWS.u + 128, small_alpha),
            _Layer.of(small @ _ROWS.v + 128, small_alpha),
        )

    @classmethod
    def of_brightness(cls, added: _Wide, kept: _Wide) -> Overlay:
        """One that leaves colours as they are. Where the picture has brightness y, it gets (y × kept + added) / 256."""
        made = cls.__new__(cls)
        made.size = added.shape[1], added.shape[0]
        made._y, made._colour = _Layer(added, kept), None
        return made

    @property
    def bytes(self) -> int:
        """Memory taken."""
        return sum(layer.added.nbytes + layer.kept.nbytes for layer in (self._y, *(self._colour or ())))

    def at(self, x: int, y: int) -> Rect:
        """The region covered when its top left corner lies at even ``x``, ``y``."""
        return Rect(x, y, *self.size)

    def blend(self, picture: Planes, x: int, y: int) -> None:
        """Draw into ``picture``, top left corner at even ``x``, ``y``; it must lie inside."""
        self.blend_part(picture, self.at(x, y), x, y)

    def blend_part(self, picture: Planes, part: Rect, x: int, y: int) -> None:
        """Draw only what is in ``part`` of ``picture``; ``x`` and ``y`` may lie outside, ``part`` must be covered."""
        region, left, top = picture.window(part), part.x - x, part.y - y
        self._y.blend(region.y, left, top)
        if self._colour is not None:
            for layer, plane in zip(self._colour, (region.u, region.v), strict=True):
                layer.blend(plane, left // 2, top // 2)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of the matrix from full-range RGB to studio-range YUV."""

    y: _Reals
    u: _Reals
    v: _Reals


def _rows() -> _Rows:
    red, blue = Colour.RED_WEIGHT, Colour.BLUE_WEIGHT
    luma = np.array([red, 1 - red - blue, blue], np.float32)
    u = (np.array([0, 0, 1], np.float32) - luma) / (2 - 2 * blue) * 224 / 255
    v = (np.array([1, 0, 0], np.float32) - luma) / (2 - 2 * red) * 224 / 255
    return _Rows((luma * 219 / 255).astype(np.float32), u.astype(np.float32), v.astype(np.float32))


_ROWS = _rows()


def _quarter(values: _Reals) -> _Reals:
    """The mean of each 2×2 block."""
    total = values[::2, ::2] + values[1::2, ::2] + values[::2, 1::2] + values[1::2, 1::2]
    quarter: _Reals = total / 4
    return quarter
