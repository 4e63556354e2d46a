"""The composed picture: one frame that stays, in which only the tiles that changed are painted anew."""

from __future__ import annotations

from collections.abc import Sequence

import av

from layouts.geometry import Rect
from mcu.media.picture.artist import BACKGROUND, PLACEHOLDER, Artist
from mcu.media.picture.overlay import Overlay
from mcu.media.picture.page import Page
from mcu.media.picture.planes import Colour, Planes, Size
from mcu.media.picture.tiles import Look, TileContent

_BACKGROUND = Colour.rgb(*BACKGROUND)
_PLACEHOLDER = Colour.rgb(*PLACEHOLDER)
_SPEAKER = Colour.rgb(64, 190, 130)

# A picture that stands still is shown darker and paler, so that nobody takes it for the present.
_FROZEN_BRIGHTNESS, _FROZEN_SATURATION = 0.45, 0.35


class Canvas:
    """Paints tiles into one yuv420p picture of even ``width`` × ``height``. Not thread-safe."""

    def __init__(self, width: int, height: int, artist: Artist) -> None:
        self.frame = av.VideoFrame(width, height, "yuv420p")
        self.picture = Planes.of(self.frame)
        self.picture.fill(_BACKGROUND)
        self._artist = artist
        self._tiles: tuple[Rect, ...] = ()
        self._shown: list[TileContent] = []
        self._speaker: int | None = None
        self._page: Page | None = None

    def paint_page(self, page: Page) -> bool:
        """Make the canvas show a page of text and nothing else; True when anything changed."""
        if page == self._page:
            return False
        self._page = page
        self.picture.fill(_BACKGROUND)
        self._artist.page(page, self.picture.size).blend(self.picture, 0, 0)
        return True

    def paint(self, tiles: tuple[Rect, ...], contents: Sequence[TileContent], speaker: int | None = None) -> bool:
        """Make the canvas show ``contents`` in ``tiles``, one for one; True when anything changed.

        ``speaker`` is the index of the tile to frame. Tiles do not overlap.
        """
        changed = False
        if tiles != self._tiles or self._page is not None:
            self._page = None
            self.picture.fill(_BACKGROUND)
            self._tiles = tiles
            self._shown = [TileContent.EMPTY] * len(tiles)
            self._speaker = None
            changed = True
        for index, content in enumerate(contents):
            if not content.same_as(self._shown[index]):
                self._paint_tile(tiles[index], content, self._shown[index])
                self._shown[index] = content
                changed = True
        if speaker != self._speaker:
            for framed, colour in ((self._speaker, _BACKGROUND), (speaker, _SPEAKER)):
                if framed is not None:
                    self._frame_tile(tiles[framed], colour)
            self._speaker = speaker
            changed = True
        return changed

    def _paint_tile(self, tile: Rect, content: TileContent, before: TileContent) -> None:
        window = self.picture.window(tile)
        if content.look is Look.EMPTY:
            window.fill(_BACKGROUND)
            return
        label = self._artist.label(content.name, content.microphone_muted, tile.size)
        label_place = _label_place(label, tile.size)
        notice = self._artist.notice(content.notice, tile.size) if content.notice else None
        notice_place = _notice_place(notice, tile.size)
        if content.picture is None:
            window.fill(_PLACEHOLDER)
            if content.name:
                _blend_centred(self._artist.avatar(content.name, content.camera_muted, tile.size), window)
        else:
            in_place = before.picture is not None and before.picture.size == content.picture.size
            if in_place and before.labelled_as(content):
                # The label may reach beyond a narrow picture, where nothing would cover the old one.
                window.window(label_place).fill(_BACKGROUND)
                window.window(notice_place).fill(_BACKGROUND)
            else:
                window.fill(_BACKGROUND)
            picture = window.window(centred(content.picture.size, tile.size))
            picture.paste(content.picture)
            if content.look is Look.FROZEN:
                picture.dim(_FROZEN_BRIGHTNESS, _FROZEN_SATURATION)
                _blend_centred(self._artist.frozen_sign(tile.size), window)
        if label is not None and label_place.size == label.size:
            label.blend(window, label_place.x, label_place.y)
        if notice is not None and notice_place.size == notice.size:
            notice.blend(window, notice_place.x, notice_place.y)

    def _frame_tile(self, tile: Rect, colour: Colour) -> None:
        """A line round the tile, drawn in the gap between tiles; a tile without a gap gets none."""
        width, height = self.picture.size
        line = max(2, width // 960 * 2)
        left, top = max(0, tile.x - line), max(0, tile.y - line)
        right, bottom = min(width, tile.right + line), min(height, tile.bottom + line)
        for side in (
            Rect(left, top, right - left, tile.y - top),
            Rect(left, tile.bottom, right - left, bottom - tile.bottom),
            Rect(left, top, tile.x - left, bottom - top),
            Rect(tile.right, top, right - tile.right, bottom - top),
        ):
            self.picture.window(side).fill(colour)


def centred(inner: Size, outer: Size) -> Rect:
    """Where something of size ``inner`` lies in the middle of ``outer``."""
    return Rect((outer[0] - inner[0]) // 4 * 2, (outer[1] - inner[1]) // 4 * 2, *inner)


def _blend_centred(drawing: Overlay, picture: Planes) -> None:
    """Draw in the middle; left out where the picture is smaller than the drawing."""
    if drawing.size[0] <= picture.size[0] and drawing.size[1] <= picture.size[1]:
        place = centred(drawing.size, picture.size)
        drawing.blend(picture, place.x, place.y)


def _label_place(label: Overlay | None, tile: Size) -> Rect:
    """The lower left corner of the tile; without area where there is no label or the tile is too small for it."""
    margin = 2 * max(1, round(tile[1] / 90))
    if label is None or label.size[0] + margin > tile[0] or label.size[1] + margin > tile[1]:
        return Rect(0, 0, 0, 0)
    return Rect(margin, tile[1] - label.size[1] - margin, *label.size)


def _notice_place(notice: Overlay | None, tile: Size) -> Rect:
    """The middle of the tile's upper edge; without area where there is no notice or the tile is too small for it."""
    margin = 2 * max(1, round(tile[1] / 40))
    if notice is None or notice.size[0] > tile[0] or notice.size[1] + margin > tile[1]:
        return Rect(0, 0, 0, 0)
    return Rect((tile[0] - notice.size[0]) // 4 * 2, margin, *notice.size)
