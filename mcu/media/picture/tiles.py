"""What each tile of a canvas is to show at an instant."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from layouts.geometry import Rect, cover, fit
from mcu.media.picture.planes import Planes, Size
from mcu.media.picture.source import SourcePicture
from mcu.media.picture.state import PictureSource

# Nothing new for so long, in seconds: the tile says that the picture stands still.
FROZEN_AFTER = 2.0

# Nothing new for so long: what is seen is too old to be of use, the placeholder takes its place.
GONE_AFTER = 15.0


class Look(enum.Enum):
    EMPTY = enum.auto()
    PLACEHOLDER = enum.auto()
    LIVE = enum.auto()
    FROZEN = enum.auto()


@dataclass(frozen=True, slots=True, eq=False)
class TileContent:
    """One tile's content. ``picture`` is already fitted to the tile; with None a placeholder is drawn.

    ``lost``: there was a picture, and it has stopped to come. ``notice`` is a line of text over it. ``shared``: it is
    not of the one whose name it bears, but what that one shares.
    """

    look: Look
    source: str = ""
    name: str = ""
    microphone_muted: bool = False
    camera_muted: bool = False
    lost: bool = False
    picture: Planes | None = None
    notice: str = ""
    shared: bool = False

    EMPTY: ClassVar[TileContent]

    def same_as(self, other: TileContent) -> bool:
        """Would painting one over the other change nothing?"""
        return self.look is other.look and self.picture is other.picture and self.labelled_as(other)

    def labelled_as(self, other: TileContent) -> bool:
        """Do both draw the same things over or instead of the picture?"""
        return self._labels() == other._labels()

    def _labels(self) -> tuple[object, ...]:
        return self.source, self.name, self.microphone_muted, self.camera_muted, self.lost, self.notice, self.shared


TileContent.EMPTY = TileContent(Look.EMPTY)


class TileContents:
    """What the tiles of one canvas show. ``newest`` looks up a source's picture.

    A source that has not yet scaled its picture for a tile, because the layout has just changed, is shown meanwhile by
    what it has for another size, resized without care: rough for a picture or two, but neither empty nor old.
    """

    def __init__(self, newest: Callable[[str], SourcePicture | None]) -> None:
        self._newest = newest
        self._rough: dict[tuple[str, Size, bool], tuple[Planes, Planes]] = {}
        self._used: dict[tuple[str, Size, bool], tuple[Planes, Planes]] = {}

    def next_round(self) -> None:
        """A new picture of the canvas begins: what the last one did not need is forgotten."""
        self._rough, self._used = self._used, {}

    def of(
        self, source: PictureSource | None, tile: Size, now: float, *, notice: str = "", crop: bool = False
    ) -> TileContent:
        """What the tile of ``source`` shows at ``now``; None is an empty tile.

        ``crop`` says whether pictures are to fill their tiles.
        """
        if source is None:
            return TileContent.EMPTY
        look, picture, lost = Look.PLACEHOLDER, None, False
        found = self._newest(source.id) if source.has_picture else None
        if found is not None:
            age = 0.0 if source.still else now - found.arrived
            lost = age >= GONE_AFTER
            if not lost:
                look = Look.LIVE if age < FROZEN_AFTER else Look.FROZEN
                picture = found.scaled.get(tile) or self._resized(source, found, tile, crop and not source.still)
        return TileContent(
            look, source.id, source.name, source.microphone_muted, source.muted, lost, picture, notice, source.still
        )

    def _resized(self, source: PictureSource, found: SourcePicture, tile: Size, crop: bool) -> Planes:
        """The largest picture there is, in the size that this tile needs."""
        at_hand = max(found.scaled.values(), key=lambda planes: planes.size)
        key = source.id, tile, crop
        kept = self._rough.get(key)
        if kept is None or kept[0] is not at_hand:
            way = cover(*at_hand.size, Rect(0, 0, *tile)) if crop else None
            if way is None:
                resized = at_hand.resized(fit(*at_hand.size, Rect(0, 0, *tile)).size)
            else:
                resized = at_hand.resized((way.width, way.height)).window(way.part)
            kept = at_hand, resized
        self._used[key] = kept
        return kept[1]
