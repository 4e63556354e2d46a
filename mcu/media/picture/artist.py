"""What is drawn rather than filmed: name labels, avatars, signs. Drawn once each and kept."""

from __future__ import annotations

import enum
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from PIL import Image, ImageDraw

from mcu.media.picture import signs
from mcu.media.picture.lettering import Lettering, even, shorten
from mcu.media.picture.overlay import Overlay
from mcu.media.picture.page import Page, draw_page
from mcu.media.picture.planes import Size

BACKGROUND = (17, 19, 23)
PLACEHOLDER = (30, 34, 41)
_LABEL = (10, 12, 16, 175)
_TEXT = (245, 247, 250, 255)
_ALERT = (255, 107, 107, 255)
_FAINT = (150, 160, 174, 255)

# Pixels; below, a sign is a speck.
_SMALLEST_BADGE = 14

# Calm mid-tones that white letters stand out from; a name always gets the same one.
_DISCS = ((64, 105, 153), (71, 120, 107), (122, 96, 150), (150, 96, 84), (92, 112, 78), (78, 104, 128), (141, 110, 66))

# More than one conference shows at a time, with some to spare for names that come and go; and as memory, in bytes,
# more than the largest drawings of one canvas take.
_KEPT_DRAWINGS, _KEPT_BYTES = 128, 32_000_000

# Departments and rooms end in these; what stands before tells them apart (影像科: 影像). Other short Chinese names are
# people's, who are called by what stands last (王小红: 小红).
_PLACES = "科室部院厅楼所站组"


class Badge(enum.Enum):
    """Why there is no picture: there never was one, its camera is off, or it has stopped to come."""

    NONE = enum.auto()
    CAMERA_OFF = enum.auto()
    LOST = enum.auto()


_BADGES: Mapping[Badge, Callable[[int, signs.RGBA], Image.Image]] = {
    Badge.CAMERA_OFF: signs.camera_off,
    Badge.LOST: signs.signal_lost,
}


class Artist:
    """Draws in one font. One artist serves one canvas thread; it is not thread-safe.

    Raises OSError when the font file cannot be read.
    """

    def __init__(self, font_file: Path) -> None:
        self.letters = Lettering(font_file)
        self._drawings: OrderedDict[tuple[object, ...], Overlay] = OrderedDict()
        self._bytes = 0

    def label(self, name: str, microphone_muted: bool, tile: Size, shared: bool = False) -> Overlay | None:
        """The strip with the name, for the lower left corner of a tile of this size. Long names end in an ellipsis.

        ``shared``: the tile shows what is shared under this name. None when there is nothing to tell.
        """
        sign = signs.screen if shared else signs.microphone_off if microphone_muted else None
        if not self.letters.clean(name) and sign is None:
            return None
        colour = _TEXT if shared else _ALERT
        key = ("label", name, microphone_muted, tile, shared)
        return self.kept(
            key, lambda: self._draw_label(name, None if sign is None else partial(sign, colour=colour), tile)
        )

    def avatar(self, name: str | None, tile: Size, badge: Badge = Badge.NONE) -> Overlay:
        """For the middle of a tile without a picture: a disc with initials, or a figure where there is no name."""
        side = even(min(tile) * 0.42)
        return self.kept(("avatar", name, badge, side), lambda: self._draw_avatar(name, badge, side))

    def notice(self, text: str, tile: Size) -> Overlay:
        """A line of text for the upper edge of a tile of this size."""
        return self.kept(("notice", text, tile), lambda: self._draw_notice(text, tile))

    def frozen_sign(self, tile: Size) -> Overlay:
        """The sign over a picture that stands still because nothing comes in."""
        side = even(max(16, min(tile) * 0.22))
        return self.kept(("frozen", side), lambda: signs.stalled(side, _TEXT, _LABEL))

    def page(self, page: Page, size: Size) -> Overlay:
        """A page of text. Not kept: each is shown once."""
        return Overlay(draw_page(page, size, self.letters.font, self.letters.clean))

    def kept(self, key: tuple[object, ...], draw: Callable[[], Image.Image]) -> Overlay:
        """The drawing kept under ``key``, or drawn now; the one unused for longest makes room."""
        if key not in self._drawings:
            self._drawings[key] = Overlay(draw())
            self._bytes += self._drawings[key].bytes
            while len(self._drawings) > _KEPT_DRAWINGS or (self._bytes > _KEPT_BYTES and len(self._drawings) > 1):
                self._bytes -= self._drawings.popitem(last=False)[1].bytes
        self._drawings.move_to_end(key)
        return self._drawings[key]

    def _draw_label(self, name: str, sign: Callable[[int], Image.Image] | None, tile: Size) -> Image.Image:
        text_size = label_text_size(tile)
        height = even(text_size * 1.75)
        pad = round(text_size * 0.55)
        sign_side = round(text_size * 1.15) if sign is not None else 0
        before_text = pad + (sign_side + pad // 2 if sign is not None else 0)
        text = self.letters.clean(name)
        font = self.letters.font(text_size, text)
        text = shorten(text, font, tile[0] - height - before_text - pad)
        width = min(tile[0], even(before_text + font.getlength(text) + pad)) if text else even(sign_side + 2 * pad)
        image = Image.new("RGBA", (width, height))
        ImageDraw.Draw(image).rounded_rectangle((0, 0, width - 1, height - 1), height * 0.24, _LABEL)
        if sign is not None:
            image.alpha_composite(sign(sign_side), (pad, (height - sign_side) // 2))
        # Blended, not replaced: the edges of letters are translucent.
        layer = Image.new("RGBA", image.size)
        ImageDraw.Draw(layer).text((before_text, height / 2), text, _TEXT, font, anchor="lm")
        return Image.alpha_composite(image, layer)

    def _draw_notice(self, text: str, tile: Size) -> Image.Image:
        text_size = label_text_size(tile)
        height, pad = even(text_size * 1.9), round(text_size * 0.8)
        text = self.letters.clean(text)
        font = self.letters.font(text_size, text)
        text = shorten(text, font, tile[0] - 2 * pad - height)
        image = Image.new("RGBA", (even(font.getlength(text) + 2 * pad), height))
        ImageDraw.Draw(image).rounded_rectangle((0, 0, image.width - 1, height - 1), height * 0.5, _LABEL)
        layer = Image.new("RGBA", image.size)
        ImageDraw.Draw(layer).text((image.width / 2, height / 2), text, _TEXT, font, anchor="mm")
        return Image.alpha_composite(image, layer)

    def _draw_avatar(self, name: str | None, badge: Badge, side: int) -> Image.Image:
        name = self.letters.clean(name or "")
        ground = _DISCS[zlib.crc32(name.encode()) % len(_DISCS)]
        letters = initials(name)
        if letters == "?" or not self.letters.drawable(letters):
            image = signs.person(side, ground, _TEXT)
        else:
            image = signs.disc(side, ground)
            font = self.letters.font(max(8, round(side * (0.46 if len(letters) == 1 else 0.36))), letters)
            # Centred by its ink: Chinese characters and Latin capitals sit differently on the line.
            left, top, right, bottom = font.getbbox(letters)
            ImageDraw.Draw(image).text(((side - left - right) / 2, (side - top - bottom) / 2), letters, _TEXT, font)
        sign = _BADGES.get(badge)
        if sign is not None:
            small = min(side, max(_SMALLEST_BADGE, even(side * 0.36)))
            corner = (side - small, side - small)
            disc = signs.disc(small, PLACEHOLDER)
            image.paste(disc, corner, disc)
            image.alpha_composite(sign(small, _FAINT), corner)
        return image


def label_text_size(tile: Size) -> int:
    """Pixels of the letters on a tile: legible on small ones, looked at from as far, and not loud on large ones."""
    return max(11, min(36, round(5 + min(tile[1] * 0.048, tile[0] * 0.038))))


def initials(name: str) -> str:
    """One or two letters for a disc: the telling part of a Chinese name, first letters of others; "?" without any."""
    letters = [c for c in name if c.isalnum()]
    if not letters:
        return "?"
    if all("\u3400" <= c <= "\u9fff" for c in letters) and len(letters) in (2, 3):
        return "".join(letters[:2] if letters[-1] in _PLACES else letters[-2:])
    if not letters[0].isascii():
        return letters[0]
    words = [word for word in ("".join(c if c.isalnum() else " " for c in name)).split() if word[0].isascii()]
    return "".join(word[0] for word in words[:2]).upper()
