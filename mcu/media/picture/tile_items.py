"""What a tile consists of: a picture or what stands for it, its label, signs, and a frame round who speaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from layouts.geometry import Rect
from mcu.media.picture.artist import BACKGROUND, PLACEHOLDER, Artist, Badge
from mcu.media.picture.compositor import Layer
from mcu.media.picture.items import Drawing, Fill, Item, Picture
from mcu.media.picture.overlay import Overlay
from mcu.media.picture.planes import Colour, Planes, Size
from mcu.media.picture.tiles import Look, TileContent

_BACKGROUND = Colour.rgb(*BACKGROUND)
_PLACEHOLDER = Colour.rgb(*PLACEHOLDER)
_SPEAKER = Colour.rgb(64, 190, 130)

# A picture that stands still is shown darker and paler, so that nobody takes it for the present.
_FROZEN_BRIGHTNESS, _FROZEN_SATURATION = 0.45, 0.35


@dataclass(frozen=True, slots=True)
class TilePlace:
    """A tile of a canvas, and what it has to mind.

    ``outer`` is the tile with a line round it, within the canvas. ``taken`` is what lies over the tile: labels keep out
    of it. ``framed`` is who speaks: the line is coloured, or where it would lie on other tiles (``inside``), one of
    width ``line`` along the tile's inner edge. ``raised``: the tile lies over another one, from which its line sets it
    off.
    """

    tile: Rect
    outer: Rect
    line: int
    inside: bool = False
    taken: tuple[Rect, ...] = ()
    framed: bool = False
    raised: bool = False
    names: bool = True
    signs: bool = True


def tile_places(
    tiles: Sequence[Rect],
    canvas: Size,
    *,
    speaker: int | None = None,
    taken: tuple[Rect, ...] = (),
    names: bool = True,
    signs: bool = True,
) -> list[TilePlace]:
    """The places of ``tiles``, of which later ones lie over earlier ones, on a canvas of this size."""
    line = max(2, canvas[0] // 960 * 2)
    places = []
    for index, tile in enumerate(tiles):
        outer = _outset(tile, line, canvas)
        inside = any(outer.overlaps(other) for position, other in enumerate(tiles) if position != index)
        above = tuple(rect for rect in (*tiles[index + 1 :], *taken) if rect.overlaps(tile))
        raised = any(tile.overlaps(lower) for lower in tiles[:index])
        places.append(TilePlace(tile, outer, line, inside, above, index == speaker, raised, names, signs))
    return places


class TileItems:
    """The items of one tile, made anew only as far as they change."""

    def __init__(self, artist: Artist) -> None:
        self._artist = artist
        self._place: TilePlace | None = None
        self._content = TileContent.EMPTY
        self._layer: Layer = ()
        self._dimmed: tuple[Planes, Planes] | None = None

    def layer(self, place: TilePlace, content: TileContent) -> Layer:
        """Bottom to top. The very same tuple as before when nothing has changed."""
        before = self._content
        if place is self._place and content.same_as(before):
            return self._layer
        moving = (
            place is self._place
            and content.look is before.look is Look.LIVE
            and content.picture is not None
            and before.picture is not None
            and content.picture.size == before.picture.size
            and content.labelled_as(before)
        )
        if moving and content.picture is not None:
            fresh = content.picture
            self._layer = tuple(
                replace(item, planes=fresh) if isinstance(item, Picture) else item for item in self._layer
            )
        else:
            self._layer = self._made(place, content)
        self._place, self._content = place, content
        return self._layer

    def _made(self, place: TilePlace, content: TileContent) -> Layer:
        if content.look is Look.EMPTY:
            return ()
        tile = place.tile
        items: list[Item] = []
        if place.raised:
            items.append(Fill(place.outer, _BACKGROUND))
        picture = content.picture
        if picture is None:
            items.append(Fill(tile, _PLACEHOLDER))
            if content.name:
                items += _centred(self._avatar(content, place), tile)
        else:
            if picture.size != tile.size:
                items.append(Fill(tile, _BACKGROUND))
            spot = centred(picture.size, tile.size)
            frozen = content.look is Look.FROZEN
            planes = self._dim(picture) if frozen else picture
            items.append(Picture(Rect(tile.x + spot.x, tile.y + spot.y, *spot.size), planes))
            if frozen:
                items += _centred(self._artist.frozen_sign(tile.size), tile)
        items += self._written(place, content)
        if place.framed:
            items += _frame(place)
        return tuple(items)

    def _avatar(self, content: TileContent, place: TilePlace) -> Overlay:
        badge = Badge.CAMERA_OFF if content.camera_muted else Badge.LOST if content.lost else Badge.NONE
        return self._artist.avatar(content.name if place.names else None, place.tile.size, badge)

    def _written(self, place: TilePlace, content: TileContent) -> list[Drawing]:
        tile, items = place.tile, []
        name = content.name if place.names else ""
        shared = content.shared and place.signs and bool(name)
        label = self._artist.label(name, content.microphone_muted and place.signs, tile.size, shared)
        if label is not None:
            items += _label(label, place)
        if content.notice:
            taken = (*place.taken, *(item.rect for item in items))
            items += _notice(self._artist.notice(content.notice, tile.size), tile, taken)
        return items

    def _dim(self, picture: Planes) -> Planes:
        if self._dimmed is None or self._dimmed[0] is not picture:
            dimmed = Planes.blank(*picture.size)
            dimmed.paste(picture)
            dimmed.dim(_FROZEN_BRIGHTNESS, _FROZEN_SATURATION)
            self._dimmed = picture, dimmed
        return self._dimmed[1]


def centred(inner: Size, outer: Size) -> Rect:
    """Where something of size ``inner`` lies in the middle of ``outer``."""
    return Rect((outer[0] - inner[0]) // 4 * 2, (outer[1] - inner[1]) // 4 * 2, *inner)


def _centred(drawing: Overlay, tile: Rect) -> list[Drawing]:
    """In the middle; left out where the tile is smaller than the drawing."""
    if drawing.size[0] > tile.width or drawing.size[1] > tile.height:
        return []
    spot = centred(drawing.size, tile.size)
    return [Drawing.at(drawing, tile.x + spot.x, tile.y + spot.y)]


def _label(label: Overlay, place: TilePlace) -> list[Drawing]:
    """In the lower left corner of the tile, or as near to it or to the lower right corner as there is room.

    Left out where the tile is too small for it.
    """
    tile, (width, height) = place.tile, label.size
    margin = 2 * max(1, round(tile.height / 90))
    if width + margin > tile.width or height + margin > tile.height:
        return []
    lowest = tile.bottom - height - margin
    found = []
    for x in (tile.x + margin, tile.right - width - margin):
        y = lowest
        while y >= tile.y and (hit := _first_hit(Rect(x, y, width, height), place.taken)) is not None:
            y = hit.y - height - margin
        found.append((y < tile.y, lowest - y > tile.height // 4, x, y))
    hidden, _, x, y = min(found)
    return [Drawing.at(label, tile.x + margin, lowest) if hidden else Drawing.at(label, x, y)]


def _first_hit(rect: Rect, taken: Sequence[Rect]) -> Rect | None:
    return next((other for other in taken if other.overlaps(rect)), None)


def _notice(notice: Overlay, tile: Rect, taken: Sequence[Rect]) -> list[Drawing]:
    """In the middle of the upper edge, below what lies there; left out where the tile is too small for it."""
    width, height = notice.size
    margin = 2 * max(1, round(tile.height / 40))
    if width > tile.width or height + margin > tile.height:
        return []
    x, highest = tile.x + (tile.width - width) // 4 * 2, tile.y + margin
    y = highest
    while (hit := _first_hit(Rect(x, y, width, height), taken)) is not None:
        y = hit.bottom + margin
        if y + height > tile.bottom:
            y = highest  # it is told for a moment only: rather over something than not at all
            break
    return [Drawing.at(notice, x, y)]


def _frame(place: TilePlace) -> list[Fill]:
    """Four lines; none where there is no room outside of a tile that has the picture for itself."""
    tile, line = place.tile, place.line
    edge = tile if place.inside else place.outer
    top, bottom = (line, line) if place.inside else (tile.y - edge.y, edge.bottom - tile.bottom)
    left, right = (line, line) if place.inside else (tile.x - edge.x, edge.right - tile.right)
    sides = (
        Rect(edge.x, edge.y, edge.width, top),
        Rect(edge.x, edge.bottom - bottom, edge.width, bottom),
        Rect(edge.x, edge.y, left, edge.height),
        Rect(edge.right - right, edge.y, right, edge.height),
    )
    return [Fill(side, _SPEAKER) for side in sides if side.width and side.height]


def _outset(tile: Rect, line: int, canvas: Size) -> Rect:
    left, top = max(0, tile.x - line), max(0, tile.y - line)
    right, bottom = min(canvas[0], tile.right + line), min(canvas[1], tile.bottom + line)
    return Rect(left, top, right - left, bottom - top)
