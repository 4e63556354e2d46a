"""The composed picture: one frame that stays, in which only what changed is painted anew."""

from __future__ import annotations

from collections.abc import Sequence

import av

from layouts.geometry import Rect
from mcu.media.picture.artist import BACKGROUND, Artist
from mcu.media.picture.compositor import Compositor, Layer
from mcu.media.picture.decoration import Decoration
from mcu.media.picture.frame_ring import FrameRing
from mcu.media.picture.items import Drawing, Fill
from mcu.media.picture.page import Page
from mcu.media.picture.planes import Colour, Planes
from mcu.media.picture.tile_items import TileItems, TilePlace, tile_places
from mcu.media.picture.tiles import TileContent

_BACKGROUND = Colour.rgb(*BACKGROUND)

PLAIN = Decoration()


class Canvas:
    """Paints tiles into one yuv420p picture of even ``width`` × ``height``. Not thread-safe."""

    def __init__(self, width: int, height: int, artist: Artist) -> None:
        self._ring = FrameRing(width, height)
        self._pictures = {id(self._ring.current): Planes.of(self._ring.current)}
        self._artist = artist
        self._compositor = Compositor(self.picture)
        self._ground: Layer = (Fill(Rect(0, 0, width, height), _BACKGROUND),)
        self._compositor.show((self._ground,))
        self._arranged: object = None
        self._places: list[TilePlace] = []
        self._tiles: list[TileItems] = []
        self._page: Page | None = None
        self._page_layer: Layer = ()

    @property
    def frame(self) -> av.VideoFrame:
        """What was painted last, unless it has been lent."""
        return self._ring.current

    @property
    def picture(self) -> Planes:
        """The same as ``frame``."""
        frame = self._ring.current
        picture = self._pictures.get(id(frame))
        if picture is None:
            picture = self._pictures[id(frame)] = Planes.of(frame)
        return picture

    def lend(self) -> av.VideoFrame | None:
        """The frame painted last, for somebody to read and to ``give_back``; None when too many are away.

        The next picture is painted on another one.
        """
        lent = self._ring.lend()
        if lent is not None:
            self._compositor.turn_to(self.picture)
        return lent

    def give_back(self, frame: av.VideoFrame) -> None:
        """``frame`` is read no more. May be called from any thread."""
        self._ring.give_back(frame)

    def paint_page(self, page: Page) -> bool:
        """Make the canvas show a page of text and nothing else; True when anything changed."""
        if page != self._page:
            self._page = page
            self._page_layer = (Drawing.at(self._artist.page(page, self.picture.size), 0, 0),)
        return self._compositor.show((self._ground, self._page_layer))

    def paint(
        self,
        tiles: tuple[Rect, ...],
        contents: Sequence[TileContent],
        speaker: int | None = None,
        decoration: Decoration = PLAIN,
    ) -> bool:
        """Make the canvas show ``contents`` in ``tiles``, one for one; True when anything changed.

        Later tiles lie over earlier ones. ``speaker`` is the index of the tile to frame.
        """
        speaker = speaker if decoration.frame else None
        arranged = (tiles, speaker, decoration.taken, decoration.names, decoration.signs)
        if arranged != self._arranged:
            self._arranged = arranged
            self._places = tile_places(
                tiles,
                self.picture.size,
                speaker=speaker,
                taken=decoration.taken,
                names=decoration.names,
                signs=decoration.signs,
            )
            self._tiles = self._tiles[: len(tiles)]
            self._tiles += [TileItems(self._artist) for _ in range(len(tiles) - len(self._tiles))]
        layers = [self._ground]
        for tile, place, content in zip(self._tiles, self._places, contents, strict=True):
            layers.append(tile.layer(place, content))
        layers += decoration.layers
        return self._compositor.show(layers)
