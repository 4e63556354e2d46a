"""What lies on a canvas, as values: colours, pictures, drawings. A compositor compares them and paints the difference.

Rectangles are in pixels of the canvas. Two items that are equal look the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from layouts.geometry import Rect
from mcu.media.picture._paint import FILL, PASTE
from mcu.media.picture.planes import Colour, Planes, Size

if TYPE_CHECKING:
    from mcu.media.picture._paint import Stroke


class Item(Protocol):
    """Something with a place. ``opaque``: nothing shines through anywhere in ``rect``."""

    @property
    def rect(self) -> Rect: ...

    @property
    def opaque(self) -> bool: ...

    def paint(self, strokes: list[Stroke], clip: Rect) -> None:
        """Add what paints the part inside ``clip``, which lies inside ``rect``."""


@dataclass(frozen=True, slots=True)
class Fill:
    """A rectangle of one colour."""

    rect: Rect
    colour: Colour
    opaque: bool = True

    def paint(self, strokes: list[Stroke], clip: Rect) -> None:
        colour = self.colour
        strokes.append((FILL, clip.x, clip.y, clip.width, clip.height, colour.y, colour.u, colour.v))


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the size of ``rect``. The same picture elsewhere, or another one here, is another item."""

    rect: Rect
    planes: Planes
    opaque: bool = True

    def paint(self, strokes: list[Stroke], clip: Rect) -> None:
        x, y, planes = clip.x, clip.y, self.planes
        place = self.rect
        strokes.append((PASTE, x, y, clip.width, clip.height, x - place.x, y - place.y, planes.y, planes.u, planes.v))


class Blended(Protocol):
    """What can be drawn over a picture."""

    @property
    def size(self) -> Size: ...

    def stroke(self, part: Rect, x: int, y: int) -> Stroke:
        """What is in ``part`` of a picture when the top left corner lies at ``x``, ``y``."""


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

    def paint(self, strokes: list[Stroke], clip: Rect) -> None:
        strokes.append(self.overlay.stroke(clip, self.x, self.y))


@dataclass(frozen=True, slots=True)
class Group:
    """Drawings that change together, seen through ``rect``: it is painted anew as one."""

    rect: Rect
    drawings: tuple[Drawing, ...]
    opaque: bool = False

    def paint(self, strokes: list[Stroke], clip: Rect) -> None:
        for drawing in self.drawings:
            part = intersection(drawing.rect, clip)
            if part is not None:
                drawing.paint(strokes, part)


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
