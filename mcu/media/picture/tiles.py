"""What each tile of a canvas is to show at an instant."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

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

    ``notice`` is a line of text over it.
    """

    look: Look
    source: str = ""
    name: str = ""
    microphone_muted: bool = False
    camera_muted: bool = False
    picture: Planes | None = None
    notice: str = ""

    EMPTY: ClassVar[TileContent]

    def same_as(self, other: TileContent) -> bool:
        """Would painting one over the other change nothing?"""
        return self.look is other.look and self.picture is other.picture and self.labelled_as(other)

    def labelled_as(self, other: TileContent) -> bool:
        """Do both draw the same things over or instead of the picture?"""
        return (self.source, self.name, self.microphone_muted, self.camera_muted, self.notice) == (
            other.source,
            other.name,
            other.microphone_muted,
            other.camera_muted,
            other.notice,
        )


TileContent.EMPTY = TileContent(Look.EMPTY)


def tile_content(
    source: PictureSource | None,
    newest: Callable[[str], SourcePicture | None],
    tile: Size,
    now: float,
    notice: str = "",
) -> TileContent:
    """What the tile of ``source`` shows at ``now``; None is an empty tile. ``newest`` looks up a source's picture."""
    if source is None:
        return TileContent.EMPTY
    look, picture = Look.PLACEHOLDER, None
    found = newest(source.id) if source.has_picture else None
    age = now - found.arrived if found is not None and not source.still else 0.0
    if found is not None and age < GONE_AFTER:
        picture = found.scaled.get(tile)
        if picture is None:
            # The layout has just changed and the source is still scaling; a placeholder would flicker.
            return TileContent.EMPTY
        look = Look.LIVE if age < FROZEN_AFTER else Look.FROZEN
    return TileContent(look, source.id, source.name, source.microphone_muted, source.muted, picture, notice)
