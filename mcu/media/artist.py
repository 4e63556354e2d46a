"""What is drawn rather than filmed: name labels, placeholders, signs. Drawn once each and kept."""

from __future__ import annotations

import unicodedata
import zlib
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from PIL import Image, ImageDraw, ImageFont

from mcu.media import signs
from mcu.media.overlay import Overlay, planes_of
from mcu.media.planes import Planes

Drawing = TypeVar("Drawing", Overlay, Planes)

BACKGROUND = (17, 19, 23)
_PLACEHOLDER = (30, 34, 41)
_LABEL = (10, 12, 16, 150)
_TEXT = (245, 247, 250, 255)
_ALERT = (255, 107, 107, 255)
_FAINT = (150, 160, 174, 255)

# Calm mid-tones that white letters stand out from; a name always gets the same one.
_DISCS = ((64, 105, 153), (71, 120, 107), (122, 96, 150), (150, 96, 84), (92, 112, 78), (78, 104, 128), (141, 110, 66))

# More drawings than one conference shows at a time; a placeholder of 1080p takes 3 MB.
_KEPT_LABELS = 128
_KEPT_PLACEHOLDERS = 32

# Names come from callers: what is longer than this does not fit any tile and only costs time to measure.
_LONGEST_NAME = 80


class Artist:
    """Draws in one font. One artist serves one canvas thread; it is not thread-safe.

    Raises OSError when the font file cannot be read.
    """

    def __init__(self, font_file: Path) -> None:
        self._font_file = font_file
        self._fonts: dict[int, ImageFont.FreeTypeFont] = {}
        self._font(16)  # a missing font is found now, not in the middle of a conference
        self._labels: OrderedDict[tuple[object, ...], Overlay] = OrderedDict()
        self._placeholders: OrderedDict[tuple[object, ...], Planes] = OrderedDict()

    def label(self, name: str, microphone_muted: bool, tile: tuple[int, int]) -> Overlay:
        """The strip with the name, for the lower left corner of a tile of this size. Long names end in an ellipsis."""
        key = (name, microphone_muted, tile)
        return _kept(self._labels, key, _KEPT_LABELS, lambda: Overlay(self._draw_label(name, microphone_muted, tile)))

    def placeholder(self, name: str, camera_muted: bool, tile: tuple[int, int]) -> Planes:
        """A whole tile for somebody without a picture: a disc with initials, a crossed camera when switched off."""
        key = (name, camera_muted, tile)
        return _kept(
            self._placeholders,
            key,
            _KEPT_PLACEHOLDERS,
            lambda: planes_of(self._draw_placeholder(name, camera_muted, tile)),
        )

    def frozen_sign(self, tile: tuple[int, int]) -> Overlay:
        """The sign over a picture that stands still because nothing comes in."""
        side = _even(max(16, min(tile) * 0.22))
        return _kept(self._labels, ("frozen", side), _KEPT_LABELS, lambda: Overlay(signs.stalled(side, _TEXT, _LABEL)))

    def _font(self, size: int) -> ImageFont.FreeTypeFont:
        if size not in self._fonts:
            self._fonts[size] = ImageFont.truetype(self._font_file, size)
        return self._fonts[size]

    def _draw_label(self, name: str, microphone_muted: bool, tile: tuple[int, int]) -> Image.Image:
        text_size = label_text_size(tile)
        height = _even(text_size * 1.75)
        pad = round(text_size * 0.55)
        sign_side = round(text_size * 1.15) if microphone_muted else 0
        before_text = pad + (sign_side + pad // 2 if microphone_muted else 0)
        font = self._font(text_size)
        text = _shorten(printable(name), font, tile[0] - height - before_text - pad)
        width = min(tile[0], _even(before_text + font.getlength(text) + pad)) if text else _even(sign_side + 2 * pad)
        image = Image.new("RGBA", (width, height))
        ImageDraw.Draw(image).rounded_rectangle((0, 0, width - 1, height - 1), height * 0.24, _LABEL)
        if microphone_muted:
            sign = signs.microphone_off(sign_side, _ALERT)
            image.alpha_composite(sign, (pad, (height - sign_side) // 2))
        # Blended, not replaced: the edges of letters are translucent.
        layer = Image.new("RGBA", image.size)
        ImageDraw.Draw(layer).text((before_text, height / 2), text, _TEXT, font, anchor="lm")
        return Image.alpha_composite(image, layer)

    def _draw_placeholder(self, name: str, camera_muted: bool, tile: tuple[int, int]) -> Image.Image:
        width, height = tile
        image = Image.new("RGB", tile, _PLACEHOLDER)
        side = _even(min(width, height) * 0.42)
        name = printable(name)
        disc = signs.disc(side, _DISCS[zlib.crc32(name.encode()) % len(_DISCS)])
        left, top = (width - side) // 2, (height - side) // 2 - round(height * 0.03)
        image.paste(disc, (left, top), disc)
        middle = (left + side / 2, top + side / 2)
        letters = initials(name)
        font = self._font(max(8, round(side * (0.46 if len(letters) == 1 else 0.36))))
        ImageDraw.Draw(image).text(middle, letters, _TEXT[:3], font, anchor="mm")
        if camera_muted:
            sign = signs.camera_off(_even(side * 0.36), _FAINT)
            badge = signs.disc(_even(side * 0.36), _PLACEHOLDER)
            corner = (left + side - sign.width + side // 16, top + side - sign.height + side // 16)
            image.paste(badge, corner, badge)
            image.paste(sign, corner, sign)
        return image


def label_text_size(tile: tuple[int, int]) -> int:
    """Pixels of the letters on a tile: in proportion, but legible on small tiles and not loud on large ones."""
    return max(11, min(36, round(min(tile[1] * 0.058, tile[0] * 0.045))))


def printable(name: str) -> str:
    """The name on one line, without control and direction characters, of bounded length."""
    clean = "".join(
        " " if c.isspace() else c for c in name[:_LONGEST_NAME] if unicodedata.category(c)[0] != "C" or c.isspace()
    )
    return " ".join(clean.split())


def initials(name: str) -> str:
    """One or two letters for a disc: the given name of a Chinese name, first letters of others; "?" without any."""
    letters = [c for c in name if c.isalnum()]
    if not letters:
        return "?"
    if all("\u3400" <= c <= "\u9fff" for c in letters) and len(letters) in (2, 3):
        return "".join(letters[-2:])
    if not letters[0].isascii():
        return letters[0]
    words = [word for word in ("".join(c if c.isalnum() else " " for c in name)).split() if word[0].isascii()]
    return "".join(word[0] for word in words[:2]).upper()


def _shorten(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return f"{text.rstrip()}…" if text else ""


def _even(value: float) -> int:
    return max(2, 2 * round(value / 2))


def _kept(
    cache: OrderedDict[tuple[object, ...], Drawing], key: tuple[object, ...], limit: int, draw: Callable[[], Drawing]
) -> Drawing:
    """The drawing from the cache, or drawn now; the one unused for longest makes room."""
    if key not in cache:
        cache[key] = draw()
        if len(cache) > limit:
            cache.popitem(last=False)
    cache.move_to_end(key)
    return cache[key]
