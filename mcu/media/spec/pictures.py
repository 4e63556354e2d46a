"""What pictures look like: layouts, seats, what is drawn over them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mcu.media.spec.base import Model


class CellSpec(Model):
    """A tile's place in fractions of the picture, origin top left."""

    left: Annotated[float, Field(ge=0, lt=1)]
    top: Annotated[float, Field(ge=0, lt=1)]
    width: Annotated[float, Field(gt=0, le=1)]
    height: Annotated[float, Field(gt=0, le=1)]


class LayoutSpec(Model):
    """A layout that is not in the catalogue. The first cell is the most prominent; later ones lie over earlier ones."""

    name: str
    cells: tuple[CellSpec, ...]


SeatingMode = Literal["order", "voice", "polling", "lecture"]


class SeatingSpec(Model):
    """Who sits where in a picture of several people. Pins (tile number from 0 to leg) hold in every mode.

    ``order``: by ``priority`` of the legs, then as they joined; who speaks gets the last tile where there are fewer
    tiles than people. ``voice``: who speaks gets the first tile once it has spoken for ``switch_after`` seconds, and
    keeps it for ``hold`` seconds at least. ``polling``: the tiles go on to the next people every ``interval`` seconds.
    ``lecture``: all others see the leg ``lecturer`` alone, who sees them in turn, the next every ``interval`` seconds.
    """

    mode: SeatingMode = "order"
    switch_after: Annotated[float, Field(ge=0)] = 1.0
    hold: Annotated[float, Field(ge=0)] = 3.0
    interval: Annotated[float, Field(gt=0)] = 10.0
    lecturer: str | None = None
    pins: dict[int, str] = {}
    show_without_video: bool = True


Corner = Literal["top_left", "top_right", "bottom_left", "bottom_right"]


class DecorationSpec(Model):
    """What is drawn over the picture. Texts may be Chinese; an empty one is not there.

    ``banner`` is a fixed line across the top, ``caption`` one across the bottom that scrolls when ``scroll``.
    ``watermark`` is repeated faintly over everything. ``logo`` is a picture file (PNG with transparency).
    ``fill``: sources are shown whole with bars, or cropped to fill their tiles. ``clock`` shows date and time in
    ``time_zone`` (IANA name; None: the server's).
    """

    names: bool = True
    signs: bool = True
    speaker_frame: bool = True
    banner: str = ""
    caption: str = ""
    scroll: bool = True
    watermark: str = ""
    logo: str | None = None
    logo_corner: Corner = "top_right"
    clock: bool = False
    clock_corner: Corner = "top_left"
    time_zone: str | None = None
    fill: Literal["fit", "crop"] = "fit"


Pixels = Annotated[int, Field(ge=0, le=8192)]


class Tiles(Model):
    """How large a browser shows what comes in its slots: width and height in pixels of its screen; 0: not at all.

    ``people`` by the leg in the slot, ``shared`` what is shared. Of whom nothing is said that is as usual. With
    ``hidden`` nothing is to be seen: another window is in front.
    """

    people: dict[str, tuple[Pixels, Pixels]] = {}
    shared: tuple[Pixels, Pixels] | None = None
    hidden: bool = False
