"""Layouts of the catalogue as people see them: composed by the real canvas, with names, signs and a speaker."""

from __future__ import annotations

import pytest

from layouts.catalogue import CATALOGUE
from layouts.geometry import Rect, fit
from mcu.media.picture.artist import Artist
from mcu.media.picture.canvas import Canvas
from mcu.media.picture.tiles import Look, TileContent
from tests.media.picture.material import BLUE, FONT, GREEN, RED, assert_golden, pattern

ARTIST = Artist(FONT)
SIZE = (960, 540)
NAMES = (
    "主讲 张建国教授", "北京协和医院 远程会诊中心", "Dr. Anna Weber", "李明", "手术室 3", "王小红", "ICU", "影像科",
    "Room 12", "陈静", "内科", "欧阳娜娜", "Cardiology", "赵", "护士站", "急诊科", "Operating theatre", "刘洋",
)  # fmt: skip


def people(tiles: tuple[Rect, ...]) -> list[TileContent]:
    """Widescreen cameras for most, one without a picture, one muted, one that stands still."""
    shown = []
    for index, tile in enumerate(tiles):
        place = fit(16, 9, Rect(0, 0, *tile.size))
        look = {3: Look.PLACEHOLDER, 5: Look.FROZEN}.get(index, Look.LIVE)
        picture = None if look is Look.PLACEHOLDER else pattern(*place.size, index, (BLUE, GREEN, RED)[index % 3])
        name = NAMES[index % len(NAMES)]
        shown.append(TileContent(look, str(index), name, microphone_muted=index == 2, picture=picture))
    return shown


@pytest.mark.parametrize(
    "name",
    ["7", "1+1", "1+1-side", "1+4", "1+12", "2+8", "content+5", "3-screens+4", "content+3-screens"],
)
def test_a_layout_full_of_people_looks_as_it_did(name):
    tiles = CATALOGUE[name].tiles(*SIZE)
    canvas = Canvas(*SIZE, ARTIST)
    canvas.paint(tiles, people(tiles), speaker=1)
    assert_golden(canvas.frame, f"people-{name}")


def test_names_can_be_read_on_every_tile_but_the_smallest():
    """On a 1080p canvas; those of 1+33 and 2+21 are the smallest."""
    for name, layout in CATALOGUE.items():
        for tile in layout.tiles(1920, 1080):
            label = ARTIST.label("陈静", False, tile.size)
            assert label is not None and label.size[0] < tile.width and label.size[1] < tile.height, name
