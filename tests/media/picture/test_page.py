"""Pages of text instead of tiles."""

from __future__ import annotations

import numpy as np

from layouts.geometry import Rect
from mcu.media.picture.artist import Artist
from mcu.media.picture.canvas import Canvas
from mcu.media.picture.page import Page
from mcu.media.picture.tiles import TileContent
from tests.media.picture.material import FONT

SIZE = (640, 360)


def luma(canvas: Canvas) -> np.ndarray:
    return np.asarray(canvas.frame.to_ndarray(format="gray"))


def test_a_page_is_painted_once_and_gives_way_to_tiles() -> None:
    canvas = Canvas(*SIZE, Artist(FONT))
    page = Page("请输入会议号", ("Enter the conference number", "*  新建会议"), "1234")
    assert canvas.paint_page(page)
    shown = luma(canvas)
    assert shown.max() > 180
    assert not canvas.paint_page(page)
    assert canvas.paint_page(Page("Goodbye"))
    assert not np.array_equal(luma(canvas), shown)
    tiles = (Rect(0, 0, *SIZE),)
    assert canvas.paint(tiles, [TileContent.EMPTY])
    assert luma(canvas).max() < 60
    assert canvas.paint_page(page)


def test_any_text_can_be_drawn() -> None:
    canvas = Canvas(*SIZE, Artist(FONT))
    assert canvas.paint_page(Page("x" * 500, ("",) + ("很长" * 200,) * 20, "\u202e12\n34" * 20))
