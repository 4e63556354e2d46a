"""What lies over the tiles of a canvas: banner, caption, clock, logo, sign of a recording, watermark."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from layouts.geometry import Rect
from mcu.media.picture import band
from mcu.media.picture.artist import Artist
from mcu.media.picture.caption import Caption
from mcu.media.picture.compositor import Layer
from mcu.media.picture.items import Drawing, Item
from mcu.media.picture.logo import load_logo
from mcu.media.picture.overlay import Overlay
from mcu.media.picture.planes import Size
from mcu.media.picture.watermark import watermark
from mcu.media.spec import Corner, DecorationSpec

logger = logging.getLogger(__name__)

# In pictures lower than this, in pixels, lines of text would hide more than they tell.
_LEAST_HEIGHT = 80

_TIME = "%Y-%m-%d  %H:%M:%S"


@dataclass(frozen=True, slots=True)
class Decoration:
    """``layers`` lie over all tiles, bottom to top. ``taken`` is where: labels of tiles keep out of it.

    ``names`` and ``signs`` say what is written on tiles, ``frame`` whether who speaks gets one.
    """

    layers: tuple[Layer, ...] = ((), (), ())
    taken: tuple[Rect, ...] = ()
    names: bool = True
    signs: bool = True
    frame: bool = True


class Decorator:
    """Makes the decoration of one canvas; each part is drawn once, the clock once a second.

    ``wall`` is the time of day in seconds since 1970.
    """

    def __init__(self, artist: Artist, size: Size, frame_rate: int, wall: Callable[[], float]) -> None:
        self._artist = artist
        self._size = size
        self._frame_rate = frame_rate
        self._wall = wall
        self._wanted: tuple[DecorationSpec, bool] | None = None
        self._zone: tzinfo | None = None
        self._fixed: Layer = ()
        self._watermark: Layer = ()
        self._marked = ""
        self._caption: Caption | None = None
        self._captioned = "", True
        self._clock_place: Rect | None = None
        self._clock: Drawing | None = None
        self._second = -1
        self._made = Decoration()

    def decoration(self, spec: DecorationSpec, recorded: bool, time: float) -> Decoration:
        """As it looks at ``time`` (monotonic seconds); the very same value as before where nothing has changed."""
        if (spec, recorded) != self._wanted:
            self._wanted = spec, recorded
            self._arrange(spec, recorded, time)
        moving = self._moving(time)
        layers = (moving, self._fixed, self._watermark)
        if any(layer is not before for layer, before in zip(layers, self._made.layers, strict=True)):
            self._made = replace(self._made, layers=layers)
        return self._made

    def _moving(self, time: float) -> Layer:
        """Caption and clock, which change by themselves."""
        items: list[Item] = []
        if self._caption is not None:
            items.append(self._caption.at(time))
        if self._clock_place is not None:
            items.append(self._clock_now(self._clock_place))
        before = self._made.layers[0]
        same = len(items) == len(before) and all(item is other for item, other in zip(items, before, strict=True))
        return before if same else tuple(items)

    def _clock_now(self, place: Rect) -> Drawing:
        second = int(self._wall())
        if self._clock is None or second != self._second:
            self._second = second
            drawing = Overlay(band.pill(self._artist.letters, self._time(second), self._size))
            self._clock = Drawing(place, drawing, place.x, place.y)
        return self._clock

    def _time(self, second: int) -> str:
        return datetime.fromtimestamp(second, self._zone).strftime(_TIME)

    def _arrange(self, spec: DecorationSpec, recorded: bool, time: float) -> None:
        """Draw what stays, and give everything its place."""
        width, height = self._size
        fixed: list[Item] = []
        taken: list[Rect] = []
        top, bottom = 0, height
        if self._has_room_for(spec.banner):
            drawing = self._artist.kept(
                ("banner", spec.banner, self._size), lambda: band.banner(self._artist.letters, spec.banner, self._size)
            )
            fixed.append(Drawing.at(drawing, 0, 0))
            top = drawing.size[1]
            taken.append(Rect(0, 0, width, top))
        self._set_caption(spec, time)
        if self._caption is not None:
            bottom = self._caption.rect.y
            taken.append(self._caption.rect)
        self._zone = _zone(spec.time_zone)
        self._clock = self._clock_place = None
        # That something is recorded must be told, even where there is no room for all of it.
        corners = sorted(self._corners(spec, recorded).items(), key=lambda corner: "recording" not in corner[1])
        for corner, drawings in corners:
            for name, place in _in_corner(corner, drawings, self._size, top, bottom):
                if any(place.overlaps(other) for other in taken):
                    continue  # a small picture has not room for everything
                taken.append(place)
                if name == "clock":
                    self._clock_place = place
                else:
                    fixed.append(Drawing(place, drawings[name], place.x, place.y))
        self._fixed = tuple(fixed)
        self._set_watermark(self._artist.letters.clean(spec.watermark))
        self._made = Decoration(
            ((), self._fixed, self._watermark), tuple(taken), spec.names, spec.signs, spec.speaker_frame
        )

    def _set_caption(self, spec: DecorationSpec, time: float) -> None:
        """One that stays the same goes on where it is."""
        if (spec.caption, spec.scroll) != self._captioned:
            self._captioned = spec.caption, spec.scroll
            rate = self._frame_rate if spec.scroll else None
            letters = self._artist.letters
            shown = self._has_room_for(spec.caption)
            self._caption = Caption(letters, spec.caption, self._size, rate, time) if shown else None

    def _has_room_for(self, line: str) -> bool:
        """Whether a line across the picture has anything to say, and leaves something of the picture."""
        return self._size[1] >= _LEAST_HEIGHT and bool(self._artist.letters.clean(line))

    def _set_watermark(self, text: str) -> None:
        if text != self._marked:
            self._marked = text
            self._watermark = ()
            if text:
                self._watermark = (Drawing.at(watermark(self._artist.letters, text, self._size), 0, 0),)

    def _corners(self, spec: DecorationSpec, recorded: bool) -> dict[Corner, dict[str, Overlay]]:
        """What stands in each corner, the outermost first."""
        found: dict[Corner, dict[str, Overlay]] = {}
        letters, size = self._artist.letters, self._size
        logo = load_logo(spec.logo, size) if spec.logo else None
        if logo is not None:
            found.setdefault(spec.logo_corner, {})["logo"] = Overlay(logo)
        if spec.clock:
            now = self._time(int(self._wall()))
            found.setdefault(spec.clock_corner, {})["clock"] = Overlay(band.pill(letters, now, size))
        if recorded and spec.signs:
            sign = self._artist.kept(("recording", size), lambda: band.recording(letters, size))
            found.setdefault("top_right", {})["recording"] = sign
        return found


def _in_corner(
    corner: Corner, drawings: dict[str, Overlay], canvas: Size, top: int, bottom: int
) -> list[tuple[str, Rect]]:
    """Places side by side between the lines ``top`` and ``bottom``; what there is no room for is left out."""
    margin = 2 * max(1, round(canvas[1] / 72))
    tallest = max(drawing.size[1] for drawing in drawings.values())
    upper, left = corner.startswith("top"), corner.endswith("left")
    middle = top + margin + tallest // 2 if upper else bottom - margin - tallest // 2
    places, offset = [], margin
    for name, drawing in drawings.items():
        width, height = drawing.size
        x = offset if left else canvas[0] - offset - width
        y = (middle - height // 2) // 2 * 2
        if x >= 0 and x + width <= canvas[0] and y >= top and y + height <= bottom:
            places.append((name, Rect(x, y, width, height)))
            offset += width + margin
    return places


def _zone(name: str | None) -> tzinfo | None:
    """The zone called ``name``; the server's own for None and for names that nobody knows."""
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        logger.warning("no time zone %r; the clock shows the server's time", name)
        return None
