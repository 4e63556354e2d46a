"""Lines of text as strips across the picture and as pills in its corners."""

from __future__ import annotations

from PIL import Image, ImageDraw

from mcu.media.picture import signs
from mcu.media.picture.lettering import Lettering, even, shorten
from mcu.media.picture.planes import Size

GROUND = (12, 18, 30, 200)
TEXT = (245, 247, 250, 255)
_PILL = (10, 12, 16, 175)
_RECORDING = (255, 82, 82, 255)

LONGEST_BANNER = 200


def banner(letters: Lettering, text: str, canvas: Size) -> Image.Image:
    """A strip of the canvas's width with the text in its middle, cut with an ellipsis."""
    return strip(letters, text, canvas, text_size(canvas, 0.04), GROUND)


def strip(letters: Lettering, text: str, canvas: Size, size: int, ground: signs.RGBA) -> Image.Image:
    """As ``banner``, with letters of this size on this ground."""
    text = letters.clean(text, LONGEST_BANNER)
    font = letters.font(size, text)
    image = Image.new("RGBA", (canvas[0], even(size * 1.75)), ground)
    text = shorten(text, font, canvas[0] - 2 * size)
    return _written(image, text, (image.width / 2, image.height / 2), size, letters, "mm")


def pill(letters: Lettering, text: str, canvas: Size, sign: signs.RGBA | None = None) -> Image.Image:
    """A short text on a rounded ground; with a dot of colour ``sign`` before it."""
    size = text_size(canvas, 0.029)
    height, pad = even(size * 1.7), round(size * 0.6)
    dot = even(size * 0.8) if sign else 0
    before = pad + (dot + pad // 2 if sign else 0)
    width = even(before + letters.font(size, text).getlength(text) + pad)
    image = Image.new("RGBA", (width, height))
    ImageDraw.Draw(image).rounded_rectangle((0, 0, width - 1, height - 1), height * 0.3, _PILL)
    if sign:
        image.alpha_composite(signs.record(dot, sign), (pad, (height - dot) // 2))
    return _written(image, text, (before, height / 2), size, letters, "lm")


def recording(letters: Lettering, canvas: Size) -> Image.Image:
    """The sign that the conference is recorded."""
    return pill(letters, "REC", canvas, _RECORDING)


def text_size(canvas: Size, part: float) -> int:
    """Pixels of letters that take this part of the canvas's height, legible on small ones."""
    return max(11, round(min(canvas[1], canvas[0] * 9 / 16) * part))


def _written(
    image: Image.Image, text: str, place: tuple[float, float], size: int, letters: Lettering, anchor: str
) -> Image.Image:
    # Blended, not replaced: the edges of letters are translucent.
    layer = Image.new("RGBA", image.size)
    ImageDraw.Draw(layer).text(place, text, TEXT, letters.font(size, text), anchor=anchor)
    return Image.alpha_composite(image, layer)
