"""Translucent drawings over a picture: made once in RGBA, kept as YUV, blended over small regions by compiled code."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from layouts.geometry import Rect
from mcu.media.picture import _paint
from mcu.media.picture.planes import Colour, Plane, Size

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
        # The half makes the shift after the blending round to the nearest.
        return cls((np.rint(samples * (256 - kept)) + 128).astype(np.uint16), kept.astype(np.uint16))


class Overlay:
    """A drawing of even size that blends into a YUV picture."""

    def __init__(self, image: Image.Image) -> None:
        """``image`` is RGBA. Raises ValueError when a side is odd."""
        if image.mode != "RGBA" or image.width % 2 or image.height % 2:
            raise ValueError(f"expected an RGBA image of even size, not {image.mode} {image.size}")
        self.size: Size = image.size
        pixels = np.asarray(image).astype(np.float32)
        colour, alpha = pixels[..., :3], pixels[..., 3] / 255
        # Chroma has half the resolution; its colour is the mean of four pixels weighted by how opaque they are.
        small_alpha = _quarter(alpha)
        weight = np.maximum(small_alpha, 1e-6)[..., None]
        small = _quarter(colour * alpha[..., None]) / weight
        self._layers = (
            _Layer.of(colour @ _ROWS.y + 16, alpha),
            _Layer.of(small @ _ROWS.u + 128, small_alpha),
            _Layer.of(small @ _ROWS.v + 128, small_alpha),
        )
        y, u, v = self._layers
        self._samples = y.added, y.kept, u.added, u.kept, v.added, v.kept

    @property
    def bytes(self) -> int:
        """Memory taken."""
        return sum(layer.added.nbytes + layer.kept.nbytes for layer in self._layers)

    def at(self, x: int, y: int) -> Rect:
        """The region covered when its top left corner lies at even ``x``, ``y``."""
        return Rect(x, y, *self.size)

    def stroke(self, part: Rect, x: int, y: int) -> _paint.Stroke:
        """What is in ``part`` of a picture when the top left corner lies at even ``x``, ``y``; those may lie outside,
        ``part`` must be covered.
        """
        return _paint.BLEND, part.x, part.y, part.width, part.height, part.x - x, part.y - y, *self._samples


class Relief:
    """Makes a picture a little lighter or darker in places: less than an overlay can do, for much less work."""

    LIGHTER, DARKER = 20, 16
    """The most that may be added and taken: samples in studio range, 16 to 235, then stay within eight bits."""

    def __init__(self, lighter: Plane, darker: Plane) -> None:
        """By how much, for each sample of brightness; both of one even size."""
        height, width = lighter.shape
        self.size: Size = width, height
        self._added = np.minimum(lighter, self.LIGHTER) - np.minimum(darker, self.DARKER)  # modulo 256, as is the sum

    @property
    def bytes(self) -> int:
        """Memory taken."""
        return self._added.nbytes

    def stroke(self, part: Rect, x: int, y: int) -> _paint.Stroke:
        """As ``Overlay.stroke``."""
        return _paint.RELIEF, part.x, part.y, part.width, part.height, part.x - x, part.y - y, self._added


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
