"""Text as it is drawn: made harmless, in a font that has its letters, as long as there is room for."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

# Names come from callers: what is longer than this does not fit any tile and only costs time to measure.
LONGEST_NAME = 80

# For names in scripts that our font lacks (Arabic, Hebrew, Thai…): fonts that Debian installs, taken where they are.
_FALLBACKS = (
    Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"),
    Path("/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf"),
    Path("/usr/share/fonts/truetype/noto/NotoSansArabic-Regular.ttf"),
)

# No font has a glyph for a noncharacter: what is drawn for it stands for all that is missing.
_MISSING = "\U0010fffe"


class Lettering:
    """Fonts by size. Not thread-safe. Raises OSError when the font file cannot be read."""

    def __init__(self, font_file: Path) -> None:
        self._files = (font_file, *(file for file in _FALLBACKS if file.is_file()))
        self._fonts: dict[tuple[Path, int], ImageFont.FreeTypeFont] = {}
        self.font(16)  # a missing font is found now, not in the middle of a conference

    def font(self, size: int, text: str = "") -> ImageFont.FreeTypeFont:
        """The font for ``text``: ours unless another one has more of its letters. ``size`` in pixels."""
        file = self._file(text)
        if (file, size) not in self._fonts:
            self._fonts[file, size] = ImageFont.truetype(file, size)
        return self._fonts[file, size]

    def clean(self, text: str, longest: int = LONGEST_NAME) -> str:
        """``printable``, without signs and marks that its font lacks, such as most emoji.

        Letters without a glyph stay, as the empty boxes that tell that something is missing.
        """
        text = printable(text, longest)
        file = self._file(text)
        return " ".join("".join(c for c in text if _is_letter(c) or has_glyph(file, c)).split())

    def drawable(self, text: str) -> bool:
        """Whether there is a glyph for all of ``text``."""
        return all(has_glyph(self._file(text), letter) for letter in text)

    def _file(self, text: str) -> Path:
        letters = [letter for letter in text if not letter.isascii() and _is_letter(letter)]
        if not letters:
            return self._files[0]
        return max(self._files, key=lambda file: sum(has_glyph(file, letter) for letter in letters))


def _is_letter(char: str) -> bool:
    return char.isascii() or unicodedata.category(char)[0] not in "SMC"


@lru_cache(maxsize=4096)
def has_glyph(file: Path, letter: str) -> bool:
    """Whether the font in ``file`` has a glyph for ``letter``."""
    if letter.isspace():
        return True
    font = _probe(file)
    mask, missing = font.getmask(letter), font.getmask(_MISSING)
    return mask.size != missing.size or bytes(mask) != bytes(missing)


@lru_cache(maxsize=8)
def _probe(file: Path) -> ImageFont.FreeTypeFont:
    # The plain way from letter to glyph; a shaping one would put lone marks on circles of its own.
    return ImageFont.truetype(file, 16, layout_engine=ImageFont.Layout.BASIC)


def printable(text: str, longest: int = LONGEST_NAME) -> str:
    """The text on one line, without control and direction characters, of bounded length."""
    clean = "".join(
        " " if c.isspace() else c
        for c in unicodedata.normalize("NFC", text[:longest])
        if unicodedata.category(c)[0] != "C" or c.isspace()
    )
    return " ".join(clean.split())


def shorten(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """As much of ``text`` as fits into ``width`` pixels, ending in an ellipsis where something is left out."""
    if font.getlength(text) <= width:
        return text
    fitting = bisect_right(range(1, len(text)), width, key=lambda count: font.getlength(text[:count] + "…"))
    kept = text[:fitting]
    while kept and unicodedata.combining(text[len(kept)]):
        kept = kept[:-1]  # a letter keeps its marks, or goes with them
    return f"{kept.rstrip()}…" if kept else ""


def even(value: float) -> int:
    """The even number of pixels nearest to ``value``, at least 2."""
    return max(2, 2 * round(value / 2))
