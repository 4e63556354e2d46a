"""Painting as it is meant, with numpy: what the compiled code is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from mcu.media.picture._paint import BLEND, FILL, PASTE, RELIEF
from mcu.media.picture.planes import Planes

if TYPE_CHECKING:
    from mcu.media.picture._paint import Stroke

Sample = TypeVar("Sample", bound=np.generic)


def paint(picture: Planes, strokes: Sequence[Stroke]) -> None:
    """Paint on ``picture``, one stroke after the other; all of them fit."""
    for kind, x, y, width, height, *rest in strokes:
        for index, plane in enumerate((picture.y, picture.u, picture.v)):
            part = _part(plane, index, x, y, width, height)
            if kind == FILL:
                part[:] = rest[index]
                continue
            from_x, from_y, *planes = rest
            if kind == PASTE:
                part[:] = _part(planes[index], index, from_x, from_y, width, height)
            elif kind == BLEND:
                added, kept = (
                    _part(wide, index, from_x, from_y, width, height) for wide in planes[2 * index : 2 * index + 2]
                )
                part[:] = (part * kept + added) >> 8
            elif kind == RELIEF and index == 0:
                part[:] = part.clip(16, 235) + _part(planes[0], 0, from_x, from_y, width, height)


def _part(plane: NDArray[Sample], index: int, x: int, y: int, width: int, height: int) -> NDArray[Sample]:
    half = 2 if index else 1
    return plane[y // half : (y + height) // half, x // half : (x + width) // half]
