"""Rectangles in the pixels of a canvas.

Pictures are kept in YUV 4:2:0, where one chroma sample covers two pixels each way: so every edge is even, and a
rectangle of one canvas can be cut out of its chroma planes without rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

# A picture may be stretched by so much to fill its rectangle. Rounding to even pixels costs up to this on small tiles;
# without the tolerance a 16:9 picture would get hairline bars in a 16:9 tile.
ASPECT_TOLERANCE = Fraction(1, 100)


def even(value: Fraction | float | int) -> int:
    """The even integer nearest to ``value``."""
    return 2 * round(value / 2)


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle of pixels, origin top left. All four numbers are even and none is negative; else ValueError."""

    x: int
    y: int
    width: int
    height: int

    def __post_init__(self) -> None:
        numbers = (self.x, self.y, self.width, self.height)
        if any(number % 2 or number < 0 for number in numbers):
            raise ValueError(f"a rectangle of a 4:2:0 canvas needs even, non-negative numbers, not {numbers}")

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height

    def overlaps(self, other: Rect) -> bool:
        return self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom

    def contains(self, other: Rect) -> bool:
        return self.x <= other.x and self.y <= other.y and other.right <= self.right and other.bottom <= self.bottom


def fit(source_width: float, source_height: float, rect: Rect) -> Rect:
    """Where a picture goes inside ``rect``: as large as it can be, whole, aspect kept, centred.

    ``source_width`` and ``source_height`` are the picture's in square pixels. The result is at least 2×2. Raises
    ValueError when the source or the rectangle has no area.
    """
    if source_width <= 0 or source_height <= 0 or rect.width <= 0 or rect.height <= 0:
        raise ValueError(f"nothing to fit: {source_width}×{source_height} into {rect}")
    aspect = Fraction(source_width) / Fraction(source_height)
    wanted = aspect / Fraction(rect.width, rect.height)
    if abs(wanted - 1) <= ASPECT_TOLERANCE:
        return rect
    if wanted > 1:
        width, height = rect.width, max(2, min(rect.height, even(rect.width / aspect)))
    else:
        width, height = max(2, min(rect.width, even(rect.height * aspect))), rect.height
    # Halving an even number may give an odd one; the bar on the left or above is then two pixels the narrower.
    return Rect(rect.x + (rect.width - width) // 4 * 2, rect.y + (rect.height - height) // 4 * 2, width, height)


# A picture of so much another shape than its rectangle is shown whole after all: hardly a quarter of it would be left.
MOST_CUT = 4


@dataclass(frozen=True, slots=True)
class Cover:
    """A picture is scaled to ``width`` × ``height``, and ``part`` of that fills the rectangle."""

    width: int
    height: int
    part: Rect


def cover(source_width: float, source_height: float, rect: Rect) -> Cover:
    """How a picture fills ``rect``: aspect kept, as little cut off as can be.

    What is cut is the same on the left and right; from the top half as much as from the bottom, for faces are in the
    upper half of a picture. A picture that would lose more than three quarters is fitted instead (see ``fit``).
    ``source_width`` and ``source_height`` are in square pixels. Raises ValueError when either has no area.
    """
    fitted = fit(source_width, source_height, rect)
    across, down = Fraction(rect.width, fitted.width), Fraction(rect.height, fitted.height)
    factor = max(across, down)
    if factor > MOST_CUT:
        return Cover(*fitted.size, Rect(0, 0, *fitted.size))
    width, height = max(rect.width, even(fitted.width * factor)), max(rect.height, even(fitted.height * factor))
    left, top = (width - rect.width) // 4 * 2, (height - rect.height) // 6 * 2
    return Cover(width, height, Rect(left, top, *rect.size))
