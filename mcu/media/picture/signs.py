"""Small signs as RGBA images: drawn too large and reduced, so that edges are smooth."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image, ImageDraw

RGBA = tuple[int, int, int, int]

# On a large sign, steps of half a pixel are smooth enough, and drawing it four times too large takes long.
_LARGE = 160

Painter = Callable[[ImageDraw.ImageDraw, float], None]


def _smooth(side: int, paint: Painter) -> Image.Image:
    """``paint`` draws on a larger square; it is told the length of one hundredth of that square's side."""
    drawn = side * (4 if side < _LARGE else 2)
    large = Image.new("RGBA", (drawn, drawn))
    paint(ImageDraw.Draw(large), drawn / 100)
    return large.resize((side, side), Image.Resampling.BOX)


def disc(side: int, colour: tuple[int, int, int]) -> Image.Image:
    def paint(draw: ImageDraw.ImageDraw, unit: float) -> None:
        draw.ellipse((0, 0, 100 * unit, 100 * unit), (*colour, 255))

    return _smooth(side, paint)


def _stroke(draw: ImageDraw.ImageDraw, unit: float, colour: RGBA) -> None:
    """The bar across a sign that says "off", with a clear edge so that it does not merge with what it crosses."""
    draw.line((6 * unit, 20 * unit, 80 * unit, 94 * unit), (0, 0, 0, 0), round(9 * unit))
    draw.line((12 * unit, 12 * unit, 88 * unit, 88 * unit), colour, round(9 * unit))


def microphone_off(side: int, colour: RGBA) -> Image.Image:
    def paint(draw: ImageDraw.ImageDraw, unit: float) -> None:
        draw.rounded_rectangle((36 * unit, 6 * unit, 64 * unit, 56 * unit), 14 * unit, colour)
        draw.arc((24 * unit, 20 * unit, 76 * unit, 72 * unit), 0, 180, colour, round(8 * unit))
        draw.line((50 * unit, 70 * unit, 50 * unit, 90 * unit), colour, round(8 * unit))
        draw.line((34 * unit, 90 * unit, 66 * unit, 90 * unit), colour, round(8 * unit))
        _stroke(draw, unit, colour)

    return _smooth(side, paint)


def screen(side: int, colour: RGBA) -> Image.Image:
    """What somebody shares: a screen on its stand."""

    def paint(draw: ImageDraw.ImageDraw, unit: float) -> None:
        draw.rounded_rectangle((6 * unit, 14 * unit, 94 * unit, 70 * unit), 9 * unit, None, colour, round(9 * unit))
        draw.line((50 * unit, 70 * unit, 50 * unit, 88 * unit), colour, round(9 * unit))
        draw.line((28 * unit, 88 * unit, 72 * unit, 88 * unit), colour, round(9 * unit))

    return _smooth(side, paint)


def camera_off(side: int, colour: RGBA) -> Image.Image:
    """Fits inside a disc of the same size."""

    def paint(draw: ImageDraw.ImageDraw, unit: float) -> None:
        draw.rounded_rectangle((22 * unit, 34 * unit, 60 * unit, 66 * unit), 6 * unit, colour)
        draw.polygon(
            [(64 * unit, 46 * unit), (79 * unit, 36 * unit), (79 * unit, 64 * unit), (64 * unit, 54 * unit)], colour
        )
        draw.line((20 * unit, 31 * unit, 70 * unit, 81 * unit), (0, 0, 0, 0), round(6 * unit))
        draw.line((25 * unit, 25 * unit, 75 * unit, 75 * unit), colour, round(6 * unit))

    return _smooth(side, paint)


def signal_lost(side: int, colour: RGBA) -> Image.Image:
    """Waves of a signal, crossed. Fits inside a disc of the same size."""

    def paint(draw: ImageDraw.ImageDraw, unit: float) -> None:
        for radius in (16, 30, 44):
            box = ((50 - radius) * unit, (72 - radius) * unit, (50 + radius) * unit, (72 + radius) * unit)
            draw.arc(box, 225, 315, colour, round(7 * unit))
        draw.ellipse((44 * unit, 66 * unit, 56 * unit, 78 * unit), colour)
        draw.line((21 * unit, 30 * unit, 71 * unit, 80 * unit), (0, 0, 0, 0), round(6 * unit))
        draw.line((26 * unit, 24 * unit, 76 * unit, 74 * unit), colour, round(6 * unit))

    return _smooth(side, paint)


def person(side: int, ground: tuple[int, int, int], colour: RGBA) -> Image.Image:
    """Head and shoulders in a disc: somebody, whoever it is."""

    def paint(draw: ImageDraw.ImageDraw, unit: float) -> None:
        draw.ellipse((33 * unit, 20 * unit, 67 * unit, 54 * unit), colour)
        draw.ellipse((18 * unit, 60 * unit, 82 * unit, 140 * unit), colour)

    image = _smooth(side, paint)
    disc_of_ground = disc(side, ground)
    ground_and_figure = disc_of_ground.copy()
    ground_and_figure.alpha_composite(image)
    ground_and_figure.putalpha(disc_of_ground.getchannel("A"))
    return ground_and_figure


def record(side: int, colour: RGBA) -> Image.Image:
    """The dot of a recording."""

    def paint(draw: ImageDraw.ImageDraw, unit: float) -> None:
        draw.ellipse((12 * unit, 12 * unit, 88 * unit, 88 * unit), colour)

    return _smooth(side, paint)


def stalled(side: int, colour: RGBA, behind: RGBA) -> Image.Image:
    """Three dots in a dark disc: waiting for what does not come."""

    def paint(draw: ImageDraw.ImageDraw, unit: float) -> None:
        draw.ellipse((0, 0, 100 * unit, 100 * unit), behind)
        for middle in (28, 50, 72):
            draw.ellipse(((middle - 7) * unit, 43 * unit, (middle + 7) * unit, 57 * unit), colour)

    return _smooth(side, paint)
