"""The line across the bottom: still, or moving from right to left by the same even number of pixels each picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, ImageDraw

from layouts.geometry import Rect
from mcu.media.picture import band
from mcu.media.picture.items import Drawing, Group
from mcu.media.picture.lettering import Lettering, even
from mcu.media.picture.overlay import Overlay
from mcu.media.picture.planes import Size

LONGEST_CAPTION = 2000

# How far the text moves in a second, in heights of its letters: what can be read aloud without haste.
_PACE = 3.6

# Letters drawn at a time: a long text is drawn piece by piece as it comes into view.
_PIECE = 24

# So many pictures may show the text at the same place before it moves on by two pixels.
_SLOWEST = 4


@dataclass(frozen=True, slots=True)
class _Piece:
    """Part of the text, and where it begins and ends in the line, in pixels."""

    text: str
    left: int
    right: int


class Caption:
    """A line of text over the bottom of a canvas. With a ``frame_rate`` it scrolls, and begins to at ``start``.

    It is drawn at even pixels only, where brightness and colour move together, and always by the same step, so that
    the movement is smooth; the speed is the one nearest to a comfortable one for which that holds. Not thread-safe.
    """

    def __init__(self, letters: Lettering, text: str, canvas: Size, frame_rate: int | None, start: float) -> None:
        self._letters = letters
        self._size = band.text_size(canvas, 0.036)
        self._frame_rate = frame_rate
        self._start = start
        height = even(self._size * 1.75)
        self.rect = Rect(0, canvas[1] - height, canvas[0], height)
        if frame_rate is None:
            still = Overlay(band.strip(letters, text, canvas, self._size, band.GROUND))
            self._shown = Group(self.rect, (Drawing.at(still, 0, self.rect.y),))
            return
        self._pieces = tuple(self._split(letters.clean(text, LONGEST_CAPTION)))
        self._drawn: dict[_Piece, Overlay] = {}
        self._empty = Overlay(Image.new("RGBA", self.rect.size, band.GROUND))
        self._length = (self._pieces[-1].right if self._pieces else 0) + canvas[0]
        self._step, self._every = _steps(self._size * _PACE, frame_rate)
        self._moved = -1
        self._shown = Group(self.rect, ())

    @property
    def speed(self) -> float:
        """Pixels a second."""
        return 0.0 if self._frame_rate is None else self._step * self._frame_rate / self._every

    def at(self, time: float) -> Group:
        """What it looks like at ``time``, in the seconds of ``start``."""
        if self._frame_rate is None:
            return self._shown
        moved = round((time - self._start) * self._frame_rate) // self._every * self._step % self._length
        if moved != self._moved:
            self._moved = moved
            self._shown = Group(self.rect, tuple(self._in_view(self.rect.width - moved)))
        return self._shown

    def _in_view(self, left: int) -> Iterator[Drawing]:
        """The pieces that are seen while the text begins at ``left``, with the ground before and behind them.

        Those not seen are forgotten.
        """
        if left > 0:
            yield self._ground(0, min(left, self.rect.width))
        kept: dict[_Piece, Overlay] = {}
        for piece in self._pieces:
            if left + piece.right <= 0 or left + piece.left >= self.rect.width:
                continue
            kept[piece] = overlay = self._drawn.get(piece) or self._draw(piece)
            x, y = left + piece.left, self.rect.y
            from_x, to_x = max(0, x), min(self.rect.width, left + piece.right)
            yield Drawing(Rect(from_x, y, to_x - from_x, self.rect.height), overlay, x, y)
        self._drawn = kept
        end = left + (self._pieces[-1].right if self._pieces else 0)
        if end < self.rect.width:
            yield self._ground(max(0, end), self.rect.width)

    def _ground(self, left: int, right: int) -> Drawing:
        return Drawing(Rect(left, self.rect.y, right - left, self.rect.height), self._empty, 0, self.rect.y)

    def _split(self, text: str) -> Iterator[_Piece]:
        font = self._letters.font(self._size, text)
        for begin in range(0, len(text), _PIECE):
            left = even(font.getlength(text[:begin])) if begin else 0
            end = begin + _PIECE
            right = even(font.getlength(text[:end]))
            if right > left:
                yield _Piece(text[begin:end], left, right)

    def _draw(self, piece: _Piece) -> Overlay:
        size = piece.right - piece.left, self.rect.height
        text = Image.new("RGBA", size, (*band.TEXT[:3], 0))
        font = self._letters.font(self._size, piece.text)
        ImageDraw.Draw(text).text((0, size[1] / 2), piece.text, band.TEXT, font, anchor="lm")
        return Overlay(Image.alpha_composite(Image.new("RGBA", size, band.GROUND), text))


def _steps(wanted: float, frame_rate: int) -> tuple[int, int]:
    """The speed nearest to ``wanted`` pixels a second, as so many pixels (even) every so many pictures."""
    choices = [(step, 1) for step in range(2, max(4, int(2 * wanted / frame_rate)) + 1, 2)]
    choices += [(2, every) for every in range(2, _SLOWEST + 1)]
    return min(choices, key=lambda choice: abs(choice[0] * frame_rate / choice[1] - wanted))
