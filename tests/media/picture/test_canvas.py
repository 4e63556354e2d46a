import pytest

from layouts.automatic import layout_named
from layouts.geometry import Rect, fit
from mcu.media.picture.artist import Artist
from mcu.media.picture.canvas import Canvas
from mcu.media.picture.tiles import Look, TileContent
from tests.media.picture.material import BLUE, FONT, GREEN, RED, assert_golden, image_of, pattern, solid

ARTIST = Artist(FONT)
NAMES = (
    "北京协和医院 远程会诊中心",
    "李明",
    "Dr. Anna Weber",
    "王小红",
    "影像科",
    "手术室 3",
    "ICU",
    "陈静",
    "Room 12",
    "赵",
    "内科",
    "Cardiology",
    "刘洋",
    "欧阳娜娜",
    "x",
    "护士站",
)
# Of different shapes: widescreen, cinema, television, a telephone held upright.
SHAPES = ((1280, 720), (640, 272), (352, 264), (360, 640))


def contents(tiles: tuple[Rect, ...], count: int) -> list[TileContent]:
    """Every kind of tile in turn: live, muted, placeholders, frozen."""
    shown = []
    for index, tile in enumerate(tiles):
        if index >= count:
            shown.append(TileContent.EMPTY)
            continue
        picture = pattern(*fit(*SHAPES[index % 4], Rect(0, 0, *tile.size)).size, index, (BLUE, GREEN, RED)[index % 3])
        look = (Look.LIVE, Look.LIVE, Look.LIVE, Look.PLACEHOLDER, Look.FROZEN)[index % 5]
        shown.append(
            TileContent(
                look,
                str(index),
                NAMES[index],
                microphone_muted=index % 3 == 1,
                camera_muted=index % 2 == 1 and look is Look.PLACEHOLDER,
                picture=None if look is Look.PLACEHOLDER else picture,
            )
        )
    return shown


@pytest.mark.parametrize(
    ("layout", "count", "size"),
    [
        ("auto", 1, (320, 180)),
        ("auto", 2, (640, 360)),
        ("auto", 3, (640, 360)),
        ("auto", 4, (640, 360)),
        ("auto", 9, (960, 540)),
        ("auto", 16, (960, 540)),
        ("1+5", 6, (640, 360)),
        ("9", 5, (640, 360)),
        ("4", 4, (352, 288)),
    ],
)
def test_composites_look_as_they_did(layout, count, size):
    tiles = layout_named(layout, count).tiles(*size)
    canvas = Canvas(*size, ARTIST)
    canvas.paint(tiles, contents(tiles, count), speaker=min(1, count - 1))
    assert_golden(canvas.frame, f"{layout}-{count}-{size[0]}")


def test_painting_the_same_again_changes_nothing():
    tiles = layout_named("4", 4).tiles(640, 360)
    canvas, shown = Canvas(640, 360, ARTIST), contents(tiles, 4)
    assert canvas.paint(tiles, shown)
    before = canvas.picture.y.copy()
    assert not canvas.paint(tiles, shown)
    assert (canvas.picture.y == before).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_canvas_painted_over_and_over_looks_like_one_painted_once(shape):
    """Whatever was there before, nothing of it is left: not under labels, beside pictures, or round the speaker."""
    tiles = layout_named("4", 4).tiles(640, 360)
    size = fit(*shape, Rect(0, 0, *tiles[0].size)).size
    steps = [
        TileContent(Look.LIVE, "a", "李明", picture=pattern(*size, 1)),
        TileContent(Look.LIVE, "a", "李明", picture=pattern(*size, 2)),
        TileContent(Look.FROZEN, "a", "李明", picture=pattern(*size, 2)),
        TileContent(Look.LIVE, "a", "李明", True, picture=pattern(*size, 3)),
        TileContent(Look.LIVE, "a", "李明", picture=pattern(*size, 3), notice="选看 Anna"),
        TileContent(Look.LIVE, "a", "李明", picture=pattern(*size, 4), notice="选看 Anna"),
        TileContent(Look.LIVE, "a", "李明", picture=pattern(*size, 4)),
        TileContent(Look.PLACEHOLDER, "a", "李明", camera_muted=True, notice="全景 auto"),
        TileContent(Look.PLACEHOLDER, "a", "李明", camera_muted=True),
        TileContent(Look.LIVE, "b", "Dr. Anna Weber", picture=pattern(*size, 4)),
        TileContent(Look.LIVE, "b", "Anna", picture=pattern(*tiles[0].size, 4)),
        TileContent(Look.LIVE, "b", "Anna", picture=pattern(*size, 5)),
        TileContent.EMPTY,
    ]
    worn = Canvas(640, 360, ARTIST)
    for index, content in enumerate(steps):
        shown = [TileContent.EMPTY, content, TileContent.EMPTY, TileContent.EMPTY]
        speaker = 1 if index % 2 else None
        worn.paint(tiles, shown, speaker)
        new = Canvas(640, 360, ARTIST)
        new.paint(tiles, shown, speaker)
        assert (worn.picture.y == new.picture.y).all(), f"step {index}"
        assert (worn.picture.u == new.picture.u).all() and (worn.picture.v == new.picture.v).all()


def test_a_new_layout_leaves_nothing_of_the_old():
    canvas = Canvas(640, 360, ARTIST)
    for name in ("9", "4", "1+5", "1", "2"):
        tiles = layout_named(name, 1).tiles(640, 360)
        shown = contents(tiles, len(tiles))
        canvas.paint(tiles, shown, 0)
        new = Canvas(640, 360, ARTIST)
        new.paint(tiles, shown, 0)
        assert (canvas.picture.y == new.picture.y).all()


def test_the_picture_of_a_source_is_not_touched():
    picture = solid(316, 176, RED)
    tiles = layout_named("4", 4).tiles(640, 360)
    frozen = TileContent(Look.FROZEN, "a", "李明", picture=picture)
    Canvas(640, 360, ARTIST).paint(tiles, [frozen, *[TileContent.EMPTY] * 3])
    assert (picture.y == RED.y).all() and (picture.u == RED.u).all()


def test_tiles_smaller_than_any_letter_are_painted_without_one():
    tiles = layout_named("25", 25).tiles(128, 96)
    shown = [TileContent(Look.PLACEHOLDER, str(index), "北京协和医院", True) for index in range(25)]
    assert Canvas(128, 96, ARTIST).paint(tiles, shown)


def test_colours_survive_the_way_through_the_canvas():
    tiles = layout_named("1", 1).tiles(320, 180)
    canvas = Canvas(320, 180, ARTIST)
    canvas.paint(tiles, [TileContent(Look.LIVE, "a", "A", picture=solid(320, 180, GREEN))])
    assert (canvas.picture.y[20, 160], canvas.picture.u[10, 80], canvas.picture.v[10, 80]) == (
        GREEN.y,
        GREEN.u,
        GREEN.v,
    )
    assert image_of(canvas.frame).size == (320, 180)


def test_a_lent_frame_is_left_alone_until_it_comes_back():
    tiles = layout_named("4", 4).tiles(320, 180)
    canvas = Canvas(320, 180, ARTIST)
    shown = [contents(tiles, count) for count in (4, 3, 2, 4)]
    lent = []
    for state in shown[:3]:
        canvas.paint(tiles, state)
        lent.append((canvas.frame, canvas.frame.to_ndarray()))
        assert canvas.lend() is lent[-1][0]
        for frame, before in lent:
            assert (frame.to_ndarray() == before).all()
    canvas.paint(tiles, shown[3])
    assert canvas.lend() is None, "too many are away"
    for frame, _ in lent:
        canvas.give_back(frame)
    for state in shown:
        canvas.paint(tiles, state)
        new = Canvas(320, 180, ARTIST)
        new.paint(tiles, state)
        assert (canvas.frame.to_ndarray() == new.frame.to_ndarray()).all()
        frame = canvas.lend()
        assert frame is not None
        canvas.give_back(frame)
