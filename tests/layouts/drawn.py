"""Layouts drawn small, to look at: each tile in a colour of its own, with the number of its prominence.

    python -m tests.layouts.drawn FILE    # all of them on one sheet, as in docs/layouts.png

To accept changed layouts, run the tests once with CONSILIUM_WRITE_GOLDEN=1 and look at what git shows.
"""

from __future__ import annotations

import colorsys
import math
import sys
from pathlib import Path

from PIL import Image, ImageDraw

from layouts.catalogue import CATALOGUE
from layouts.layout import Layout

SIZE = (320, 180)
GOLDEN = Path(__file__).parent / "golden"

_BACKGROUND = (17, 19, 23)

# Five columns of three rows of dots for each digit, so that no font's release changes a picture.
_DIGITS = {
    "0": "111101101101111", "1": "010110010010111", "2": "111001111100111", "3": "111001111001111",
    "4": "101101111001001", "5": "111100111001111", "6": "111100111101111", "7": "111001001001001",
    "8": "111101111101111", "9": "111101111001111",
}  # fmt: skip


def drawn(layout: Layout, size: tuple[int, int] = SIZE) -> Image.Image:
    """The layout on a canvas of this size."""
    image = Image.new("RGB", size, _BACKGROUND)
    draw = ImageDraw.Draw(image)
    for index, tile in enumerate(layout.tiles(*size)):
        draw.rectangle((tile.x, tile.y, tile.right - 1, tile.bottom - 1), _colour(index))
        if layout.overlapping:
            draw.rectangle((tile.x, tile.y, tile.right - 1, tile.bottom - 1), outline=_BACKGROUND)
        _write(draw, str(index + 1), tile.x + tile.width // 2, tile.y + tile.height // 2, max(1, tile.height // 14))
    return image


def file_name(layout: str) -> str:
    return f"{layout}.png"


def _colour(index: int) -> tuple[int, int, int]:
    """Neighbouring numbers differ much: the hue goes on by the golden ratio."""
    red, green, blue = colorsys.hsv_to_rgb(index * 0.618034 % 1, 0.5, 0.62)
    return round(red * 255), round(green * 255), round(blue * 255)


def _write(draw: ImageDraw.ImageDraw, digits: str, x: int, y: int, dot: int) -> None:
    x -= (len(digits) * 4 - 1) * dot // 2
    y -= 5 * dot // 2
    for digit in digits:
        for index, bit in enumerate(_DIGITS[digit]):
            if bit == "1":
                left, top = x + index % 3 * dot, y + index // 3 * dot
                draw.rectangle((left, top, left + dot - 1, top + dot - 1), (240, 243, 247))
        x += 4 * dot


def contact_sheet(columns: int = 7) -> Image.Image:
    """All layouts, each under its name."""
    width, height = SIZE[0] + 12, SIZE[1] + 26
    rows = math.ceil(len(CATALOGUE) / columns)
    sheet = Image.new("RGB", (columns * width, rows * height), (255, 255, 255))
    draw = ImageDraw.Draw(sheet)
    for index, layout in enumerate(CATALOGUE.values()):
        row, column = divmod(index, columns)
        draw.text((column * width + 6, row * height + 4), layout.name, (0, 0, 0))
        sheet.paste(drawn(layout), (column * width + 6, row * height + 20))
    return sheet


if __name__ == "__main__":
    # Few colours, so a palette keeps the file small.
    contact_sheet().quantize(96, dither=Image.Dither.NONE).save(Path(sys.argv[1]), optimize=True)
