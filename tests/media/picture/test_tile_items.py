import pytest

from layouts.automatic import layout_named
from layouts.geometry import Rect
from mcu.media.picture.artist import Artist
from mcu.media.picture.canvas import Canvas
from mcu.media.picture.items import Drawing, Fill, Picture
from mcu.media.picture.tile_items import TileItems, tile_places
from mcu.media.picture.tiles import Look, TileContent
from tests.media.picture.material import BLUE, FONT, GREEN, RED, assert_golden, pattern, solid

ARTIST = Artist(FONT)
SIZE = (640, 360)
WHOLE = Rect(0, 0, *SIZE)
INSET = Rect(440, 220, 176, 100)
SMALL = (0.15, 0.001)


def live(picture, name: str = "李明") -> TileContent:
    return TileContent(Look.LIVE, name, name, picture=picture)


def label(tile: Rect, taken: tuple[Rect, ...] = (), name: str = "李明") -> Rect:
    """Where the label of the tile is put on a canvas where ``taken`` is taken."""
    (place,) = tile_places((tile,), SIZE, taken=taken)
    content = live(solid(*tile.size, RED), name)
    (found,) = (item for item in TileItems(ARTIST).layer(place, content) if isinstance(item, Drawing))
    return found.rect


def test_a_label_is_in_the_lower_left_corner():
    assert label(WHOLE).x < 20 and label(WHOLE).bottom > 340


def test_a_label_stays_above_a_strip():
    strip = Rect(0, 320, 640, 40)
    found = label(WHOLE, (strip,))
    assert not found.overlaps(strip) and found.x < 20 and 300 < found.bottom <= 320


def test_a_label_goes_to_the_other_corner_where_it_would_have_to_climb_too_high():
    tall = Rect(0, 100, 200, 260)
    found = label(WHOLE, (tall,))
    assert not found.overlaps(tall) and found.x > 400 and found.bottom > 340


def test_a_label_without_any_room_is_where_it_would_be_otherwise():
    assert label(WHOLE, (WHOLE,)) == label(WHOLE)


def test_a_label_minds_the_tiles_that_lie_over_its_own():
    big, small = tile_places((WHOLE, Rect(0, 240, 200, 120)), SIZE)
    assert big.taken == (small.tile,) and small.taken == ()
    assert small.raised and not big.raised


@pytest.mark.parametrize("corner", [INSET, Rect(16, 220, 176, 100), Rect(440, 16, 176, 100)])
def test_a_picture_in_a_picture_is_never_painted_over(corner):
    """The lower one changes with every picture; what lies over it is repaired each time."""
    canvas = Canvas(*SIZE, ARTIST)
    for phase in range(4):
        contents = [live(pattern(*SIZE, phase, BLUE), "王小红"), live(solid(*corner.size, GREEN), "")]
        canvas.paint((WHOLE, corner), contents)
        inner = canvas.picture.window(corner)
        assert (inner.y == GREEN.y).all() and (inner.u == GREEN.u).all() and (inner.v == GREEN.v).all()
        new = Canvas(*SIZE, ARTIST)
        new.paint((WHOLE, corner), contents)
        assert (canvas.picture.y == new.picture.y).all() and (canvas.picture.v == new.picture.v).all()


def test_an_inset_that_goes_leaves_the_picture_beneath():
    canvas = Canvas(*SIZE, ARTIST)
    below = live(solid(*SIZE, RED), "")
    canvas.paint((WHOLE, INSET), [below, live(solid(*INSET.size, GREEN), "")])
    canvas.paint((WHOLE, INSET), [below, TileContent.EMPTY])
    assert (canvas.picture.y == RED.y).all() and (canvas.picture.u == RED.u).all()


def test_only_the_lower_pictures_part_is_painted_when_it_moves():
    place = tile_places((WHOLE, INSET), SIZE)[0]
    items = TileItems(ARTIST)
    first = items.layer(place, live(solid(*SIZE, RED)))
    again = items.layer(place, live(solid(*SIZE, GREEN)))
    assert [item for item in again if item not in first] == [item for item in again if isinstance(item, Picture)]
    assert items.layer(place, live(items._content.picture)) is again


def test_a_frozen_picture_is_darkened_once():
    (place,) = tile_places((WHOLE,), SIZE)
    items, picture = TileItems(ARTIST), solid(*SIZE, RED)
    shown = [items.layer(place, TileContent(Look.FROZEN, "a", name, picture=picture)) for name in ("A", "B")]
    dimmed = [next(item.planes for item in layer if isinstance(item, Picture)) for layer in shown]
    assert dimmed[0] is dimmed[1] and dimmed[0].y[0, 0] < RED.y == picture.y[0, 0]


def frames(tiles: tuple[Rect, ...], speaker: int) -> list[Rect]:
    place = tile_places(tiles, SIZE, speaker=speaker)[speaker]
    layer = TileItems(ARTIST).layer(place, live(solid(*place.tile.size, RED), ""))
    return [item.rect for item in layer if isinstance(item, Fill)]


def test_the_frame_is_in_the_gap_between_tiles_or_else_inside():
    gap = layout_named("4", 4).tiles(*SIZE)
    assert len(frames(gap, 0)) >= 3 and not any(side.overlaps(tile) for side in frames(gap, 0) for tile in gap)
    close = (Rect(0, 0, 320, 360), Rect(320, 0, 320, 360))
    assert len(frames(close, 1)) == 4 and all(close[1].contains(side) for side in frames(close, 1))
    assert frames((WHOLE,), 0) == []


def test_the_looks_of_a_tile_look_as_they_did():
    tiles = layout_named("9", 9).tiles(960, 540)
    size = tiles[0].size
    shown = [
        TileContent(Look.LIVE, "1", "北京协和医院 心血管内科 远程会诊中心（三号楼）", True, picture=pattern(*size, 1)),
        TileContent(Look.FROZEN, "2", "手术室 3", picture=pattern(*size, 2, GREEN)),
        TileContent(Look.PLACEHOLDER, "3", "王小红", camera_muted=True),
        TileContent(Look.PLACEHOLDER, "4", "影像科", lost=True),
        TileContent(Look.PLACEHOLDER, "5", "Anna Weber", microphone_muted=True, lost=True),
        TileContent(Look.PLACEHOLDER, "6", "🙂", microphone_muted=True),
        TileContent(Look.PLACEHOLDER, "7", "李明"),
        TileContent(Look.LIVE, "8", "ICU", picture=pattern(*size, 8, RED), notice="选看 Anna"),
        TileContent.EMPTY,
    ]
    canvas = Canvas(960, 540, ARTIST)
    canvas.paint(tiles, shown, 3)
    assert_golden(canvas.frame, "tile-looks", *SMALL)


def test_a_picture_in_a_picture_looks_as_it_did():
    canvas = Canvas(*SIZE, ARTIST)
    lower = Rect(24, 220, 176, 100)
    contents = [
        live(pattern(*SIZE, 1, BLUE), "王小红"),
        live(pattern(*INSET.size, 3, RED), "李明"),
        live(pattern(*lower.size, 5, GREEN), "Anna"),
    ]
    canvas.paint((WHOLE, INSET, lower), contents, 1)
    assert_golden(canvas.frame, "picture-in-picture", *SMALL)


def notice(tile: Rect, taken: tuple[Rect, ...]) -> Rect:
    """Where the notice of the tile is put on a canvas where ``taken`` is taken."""
    (place,) = tile_places((tile,), SIZE, taken=taken)
    content = TileContent(Look.LIVE, "a", "", picture=solid(*tile.size, RED), notice="选看 Anna")
    (found,) = (item for item in TileItems(ARTIST).layer(place, content) if isinstance(item, Drawing))
    return found.rect


def test_a_notice_keeps_clear_of_all_that_lies_over_its_tile():
    banner, clock = Rect(0, 0, 640, 40), Rect(20, 50, 500, 40)
    found = notice(WHOLE, (banner, clock))
    assert not found.overlaps(banner) and not found.overlaps(clock) and found.y < 120


def test_a_notice_that_has_no_room_lies_over_something():
    assert notice(WHOLE, (WHOLE,)) == notice(WHOLE, ())
