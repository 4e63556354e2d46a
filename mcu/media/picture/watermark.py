"""Faint text all over the picture, so that a copy of it says whose it is."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw

from mcu.media.picture import band
from mcu.media.picture.lettering import Lettering, shorten
from mcu.media.picture.overlay import Relief
from mcu.media.picture.planes import Plane, Size

_DEGREES = 24

# Light letters with a dark shadow: one of the two is seen on any ground. Steps of brightness, out of 220.
_LIGHT, _DARK = 13, 13


def watermark(letters: Lettering, text: str, canvas: Size) -> Relief:
    """The text at a slant, in rows that are shifted against each other, over a canvas of this size."""
    width, height = canvas
    size = band.text_size(canvas, 0.042)
    font = letters.font(size, text)
    text = shorten(text, font, width * 0.6)
    length = font.getlength(text)
    line = Image.new("L", (math.ceil(length) + size, size * 2))
    ImageDraw.Draw(line).text((size / 2, size), text, 255, font, anchor="lm")
    stamp = line.rotate(_DEGREES, Image.Resampling.BICUBIC, expand=True)
    mask = Image.new("L", canvas)
    across, down = stamp.width + 3 * size, max(round(stamp.height * 0.62), 5 * size)
    for row, y in enumerate(range(-stamp.height // 2, height, down)):
        for x in range(-across // (1 + row % 2), width, across):
            # Neighbours' boxes overlap, their letters do not.
            mask.paste(255, (x, y), stamp)
    light = np.asarray(mask)
    dark = np.zeros_like(light)
    shift = max(1, size // 22)
    dark[shift:, shift:] = light[:-shift, :-shift]
    dark[light > 0] = 0
    return Relief(_scaled(light, _LIGHT), _scaled(dark, _DARK))


def _scaled(mask: Plane, most: int) -> Plane:
    steps: Plane = (mask.astype(np.uint16) * most // 255).astype(np.uint8)
    return steps
