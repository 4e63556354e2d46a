"""A page of text that fills the picture: what a menu asks, and what has been typed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from mcu.media.picture.planes import Size

MAXIMUM_LINES = 8
MAXIMUM_LINE = 80
MAXIMUM_CODE = 24

_TITLE = (240, 244, 248, 255)
_LINE = (200, 208, 218, 255)
_CODE = (130, 220, 170, 255)

FontOf = Callable[[int, str], ImageFont.FreeTypeFont]


@dataclass(frozen=True, slots=True)
class Page:
    """``title`` stands on top, ``code`` large in the middle, ``lines`` below."""

    title: str = ""
    lines: tuple[str, ...] = ()
    code: str = ""


def draw_page(page: Page, size: Size, font: FontOf, clean: Callable[[str], str]) -> Image.Image:
    """The page as a translucent picture of this size. Lines too long for it are set smaller."""
    width, height = size
    image = Image.new("RGBA", size)
    draw = ImageDraw.Draw(image)

    def write(text: str, middle: float, letters: float, colour: tuple[int, int, int, int]) -> None:
        text = clean(text)
        if not text:
            return
        chosen = font(max(10, round(letters)), text)
        too_wide = chosen.getlength(text) / (width * 0.9)
        if too_wide > 1:
            chosen = font(max(10, int(letters / too_wide)), text)
        draw.text((width / 2, middle), text, colour, chosen, anchor="mm")

    write(page.title[:MAXIMUM_LINE], height * 0.2, height * 0.085, _TITLE)
    write(page.code[:MAXIMUM_CODE], height * 0.42, height * 0.16, _CODE)
    for index, line in enumerate(page.lines[:MAXIMUM_LINES]):
        write(line[:MAXIMUM_LINE], height * (0.6 + 0.085 * index), height * 0.052, _LINE)
    return image
