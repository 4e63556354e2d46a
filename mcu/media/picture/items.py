"""What lies on a canvas, as values: colours, pictures, drawings. A compositor compares them and paints the difference.

Rectangles are in pixels of the canvas. Two items that are equal look the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from layouts.geometry import Rect
from mcu.media.picture.planes import Colour, Planes, Size


class Item(Protocol):
    """Something with a place. ``opaque``: nothing shines through anywhere in ``rect``."""

    @property
    def rect(self) -> Rect: ...

    @property
    def opaque(self) -> bool: ...

    def paint(self, canvas: Planes, clip: Rect) -> None:
        """Paint the part inside ``clip``, which lies inside ``rect``."""


@dataclass(frozen=True, slots=True)
class Fill:
    """A rectangle of one colour."""

    rect: Rect
    colour: Colour
    opaque: bool = True

    def paint(self, canvas: Planes, clip: Rect) -> None:
        canvas.window(clip).fill(self.colour)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the size of ``rect``. The same picture elsewhere, or another one here, is another item."""

    rect: Rect
    planes: Planes
    opaque: bool = True

    def paint(self, canvas: Planes, clip: Rect) -> None:
        source = self.planes
        if clip is not self.rect:
            source = source.window(Rect(clip.x - self.rect.x, clip.y - self.rect.y, *clip.size))
        canvas.window(clip).paste(source)


class Blended(Protocol):
    """What can be drawn over a picture."""

    @property
    def size(self) -> Size: ...

    def blend_part(self, picture: Planes, part: Rect, x: int, y: int) -> None:
        """Draw only what is in ``part`` of ``picture``, the top left corner at ``x``, ``y``."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawing seen through ``rect``, its top left corner at even ``x``, ``y``, which may lie outside."""

    rect: Rect
    overlay: Blended
    x: int
    y: int
    opaque: bool = False

    @classmethod
    def at(cls, overlay: Blended, x: int, y: int) -> Drawing:
        """The whole drawing at this place."""
        return cls(Rect(x, y, *overlay.size), overlay, x, y)

    def paint(self, canvas: Planes, clip: Rect) -> None:
        self.overlay.blend_part(canvas, clip, self.x, self.y)


@dataclass(frozen=True, slots=True)
class Group:
    """Drawings that change together, seen through ``rect``: it is painted anew as one."""

    rect: Rect
    drawings: tuple[Drawing, ...]
    opaque: bool = False

    def paint(self, canvas: Planes, clip: Rect) -> None:
        for drawing in self.drawings:
            part = intersection(drawing.rect, clip)
            if part is not None:
                drawing.paint(canvas, part)


def intersection(one: Rect, other: Rect) -> Rect | None:
    """What both share; one of the two themselves where it lies in the other. None when they lie apart.

    Both have an area.
    """
    left, top, right, bottom = one.x, one.y, one.x + one.width, one.y + one.height
    x, y = other.x, other.y
    to_x, to_y = x + other.width, y + other.height
    # Most of what is compared lies apart or in the other: comparisons cost less than calls of max and min.
    if x >= right or left >= to_x or y >= bottom or top >= to_y:
        return None
    if left <= x and top <= y and to_x <= right and to_y <= bottom:
        return other
    if x <= left and y <= top and right <= to_x and bottom <= to_y:
        return one
    x, y = max(x, left), max(y, top)
    return Rect(x, y, min(to_x, right) - x, min(to_y, bottom) - y)


def difference(one: Rect, other: Rect) -> list[Rect]:
    """What of ``one`` is outside ``other``, in up to four parts."""
    shared = intersection(one, other)
    if shared is None:
        return [one]
    parts = (
        Rect(one.x, one.y, one.width, shared.y - one.y),
        Rect(one.x, shared.bottom, one.width, one.bottom - shared.bottom),
        Rect(one.x, shared.y, shared.x - one.x, shared.height),
        Rect(shared.right, shared.y, one.right - shared.right, shared.height),
    )
    return [part for part in parts if part.width and part.height]
