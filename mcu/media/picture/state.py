"""What a picture pipeline is told, and what it tells: values only."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from layouts.layout import Layout
from layouts.rules import SeatingRules
from mcu.media.spec import DecorationSpec

if TYPE_CHECKING:
    # Drawn with Pillow, which whoever only counts rungs need not load.
    from mcu.media.picture.page import Page

VideoCodec = Literal["H264", "VP8", "H263", "H261"]
"""By decoder: "H263" stands for all its payload formats."""
H264Profile = Literal["baseline", "main", "high"]


@dataclass(frozen=True, slots=True)
class PictureSource:
    """One participant as the picture sees it.

    ``name`` is drawn over the tile. ``codec`` is that of the units pushed for it; None means that nothing will come
    and a placeholder stands in. ``muted``: the camera is switched off (placeholder). ``microphone_muted`` adds a sign
    beside the name. Tiles are filled in rising ``order``. ``still``: it may stand still for as long as it likes, as
    slides do, and is not taken for lost. ``hidden`` ones are in nobody's picture; who has higher ``priority`` is seated
    before others.
    """

    id: str
    name: str
    codec: VideoCodec | None
    muted: bool = False
    microphone_muted: bool = False
    order: int = 0
    still: bool = False
    hidden: bool = False
    priority: int = 0

    @property
    def has_picture(self) -> bool:
        return self.codec is not None and not self.muted


class ContentPlace(enum.Enum):
    """Where what is shared appears in a view: large beside the people, alone, not at all, or in a tile like a person's.

    SWAPPED is ALONE as the main picture of somebody who has the people in the second one.
    """

    INSIDE = "inside"
    ALONE = "alone"
    OUTSIDE = "outside"
    TILE = "tile"
    SWAPPED = "swapped"


@dataclass(frozen=True, slots=True)
class View:
    """What a picture shows: all in ``layout`` (None is the conference's own), or the source ``watched`` alone.

    While something is shared, ``content`` says where: OUTSIDE is for those who get it as a second picture, which is the
    view that shows it ALONE. ``seating`` are rules of its own (None is the conference's). The source ``without`` is not
    in it: it is the one who sees this picture. ``for_lead``: what whoever has the large tile for its voice sees: not
    itself there, but who had it before. With ``among`` nobody but these is in it: the others are seen elsewhere.
    """

    layout: str | None = None
    watched: str | None = None
    content: ContentPlace = ContentPlace.INSIDE
    seating: SeatingRules | None = None
    without: str | None = None
    for_lead: bool = False
    among: frozenset[str] | None = None


COMMON_VIEW = View()
"""What everybody sees who has not chosen otherwise."""


@dataclass(frozen=True, slots=True)
class Rung:
    """A rung of the encoder ladder: what one group of receivers needs. Equal needs share one encoder.

    Width and height are even pixels, ``frame_rate`` is in pictures and ``bitrate`` in bits per second. ``max_slice``
    bounds H.264 slices to so many bytes, for receivers of packetization mode 0 (RFC 6184 section 6.2), which cannot
    take fragments. ``profile`` is for H.264 alone, and so is ``intra_refresh``: the picture is renewed bit by bit all
    the time, for receivers that have no means to ask for a key frame.
    """

    width: int
    height: int
    frame_rate: int
    bitrate: int
    codec: VideoCodec = "H264"
    max_slice: int | None = None
    profile: H264Profile = "baseline"
    view: View = COMMON_VIEW
    intra_refresh: bool = False

    @property
    def canvas(self) -> CanvasFormat:
        # What is shared looks the same alone, in whichever of the two pictures.
        swapped = self.view.content is ContentPlace.SWAPPED
        view = View(content=ContentPlace.ALONE) if swapped else self.view
        # The pixels of CIF and its kin are wider than high, 12:11 (ITU-T H.263 section 4.1); ours are square.
        width = self.width * 12 // 11 if self.codec in ("H263", "H261") else self.width
        return CanvasFormat(width // 2 * 2, self.height, self.frame_rate, view)


@dataclass(frozen=True, slots=True)
class CanvasFormat:
    """Size and rate of a composed picture, and what it shows. Rungs that agree in these share one canvas."""

    width: int
    height: int
    frame_rate: int
    view: View = COMMON_VIEW


@dataclass(frozen=True, slots=True)
class PictureState:
    """All that a conference's picture should be.

    ``layout`` is a name of the ``layouts`` catalogue or "auto"; ``watched`` is the source that the common view shows
    alone, instead of all. ``notices`` are lines of text over the pictures of some views. Without ``rungs`` nobody
    watches, and nothing is decoded, composed or encoded. ``key_interval`` in seconds asks for key frames so often on
    all rungs (while recording); with None they come on request. ``content`` is what is shared now. ``page`` is shown
    instead of everything else. ``decoration`` is drawn over people; ``recorded`` adds the sign of a recording.
    ``seating`` says who sits where; ``layouts`` are the conference's own by name, and come before the catalogue's.
    """

    layout: str = "auto"
    sources: tuple[PictureSource, ...] = ()
    rungs: frozenset[Rung] = frozenset()
    key_interval: float | None = None
    watched: str | None = None
    notices: Mapping[View, str] = field(default_factory=dict)
    content: PictureSource | None = None
    page: Page | None = None
    decoration: DecorationSpec = field(default_factory=DecorationSpec)
    recorded: bool = False
    seating: SeatingRules = field(default_factory=SeatingRules)
    layouts: Mapping[str, Layout] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PictureStatistics:
    """``composite_fps``: pictures per second of the largest canvas since the statistics were last asked for.

    ``dropped`` counts, since the start, canvas pictures that should have been and were not: the canvas came late or an
    encoder was still busy. ``decode_fps`` is per source id, over the same interval as ``composite_fps``.
    """

    composite_fps: float
    dropped: int
    encoders: int
    decode_fps: dict[str, float] = field(default_factory=dict)
