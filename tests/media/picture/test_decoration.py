from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from layouts.automatic import layout_named
from layouts.geometry import Rect
from mcu.media.picture.artist import Artist
from mcu.media.picture.canvas import Canvas
from mcu.media.picture.decoration import Decoration, Decorator
from mcu.media.picture.items import Drawing, Group
from mcu.media.picture.tiles import Look, TileContent
from mcu.media.spec import Corner, DecorationSpec
from tests.media.picture.material import BLUE, FONT, GREEN, RED, assert_golden, pattern, solid

if TYPE_CHECKING:
    from mcu.media.picture._paint import Stroke

ARTIST = Artist(FONT)
SIZE = (640, 360)
TILES = layout_named("4", 4).tiles(*SIZE)
# 2026-11-20 10:12:13 in Shanghai.
NOON = 1_795_140_733.0
# The patterns below are exact, so even the smallest sign stands out.
SMALL = (0.15, 0.001)
PLAIN = DecorationSpec(time_zone="Asia/Shanghai")
ALL = DecorationSpec(
    banner="远程会诊 · 第三手术室",
    caption="请各分会场保持静音，发言前请举手示意。Please keep your microphones muted.",
    watermark="协和医院 仅供会诊",
    clock=True,
    time_zone="Asia/Shanghai",
)


class Room:
    """A canvas with its decoration, at a time of day that the test sets."""

    def __init__(self, size: tuple[int, int] = SIZE) -> None:
        self.wall = NOON
        self.artist = Artist(FONT)
        self.canvas = Canvas(*size, self.artist)
        self.decorator = Decorator(self.artist, size, 30, lambda: self.wall)

    def decoration(self, spec: DecorationSpec, recorded: bool = False, time: float = 0.0) -> Decoration:
        return self.decorator.decoration(spec, recorded, time)

    def paint(self, spec: DecorationSpec, recorded: bool = False, time: float = 0.0, phase: int = 0) -> bool:
        colours = (BLUE, GREEN, RED, BLUE)
        contents = [
            TileContent(
                Look.LIVE,
                str(index),
                ("王小红 主任医师", "Dr. Anna Weber", "手术室 3", "李明")[index],
                microphone_muted=index == 1,
                picture=PICTURES[phase, index]
                if (phase, index) in PICTURES
                else PICTURES.setdefault((phase, index), pattern(*tile.size, phase + index, colours[index])),
            )
            for index, tile in enumerate(TILES)
        ]
        return self.canvas.paint(TILES, contents, 0, self.decoration(spec, recorded, time))


PICTURES: dict[tuple[int, int], object] = {}


@pytest.fixture(scope="module")
def logo(tmp_path_factory: pytest.TempPathFactory) -> str:
    image = Image.new("RGBA", (300, 100))
    draw = ImageDraw.Draw(image)
    draw.ellipse((4, 4, 96, 96), (0, 140, 130, 255))
    draw.rectangle((40, 20, 60, 80), "white")
    draw.rectangle((20, 40, 80, 60), "white")
    draw.rectangle((120, 30, 290, 70), (255, 255, 255, 160))
    file = tmp_path_factory.mktemp("logo") / "logo.png"
    image.save(file)
    return str(file)


@pytest.mark.parametrize(
    ("name", "spec", "recorded"),
    [
        ("banner", {"banner": ALL.banner}, False),
        ("caption-still", {"caption": "请各分会场保持静音", "scroll": False}, False),
        ("caption-too-long", {"caption": "请各分会场保持静音，" * 9, "scroll": False}, False),
        ("clock", {"clock": True}, False),
        ("clock-and-logo-below", {"clock": True, "clock_corner": "bottom_right", "logo_corner": "bottom_left"}, False),
        ("recording", {}, True),
        ("watermark", {"watermark": ALL.watermark}, False),
        ("names-off", {"names": False}, False),
        ("signs-and-frame-off", {"signs": False, "speaker_frame": False}, True),
    ],
)
def test_each_decoration_looks_as_it_did(name, spec, recorded, logo):
    room = Room()
    extra = {"logo": logo} if "logo" in name else {}
    room.paint(PLAIN.model_copy(update=spec | extra), recorded)
    assert_golden(room.canvas.frame, f"decoration-{name}", *SMALL)


def test_all_of_it_together_looks_as_it_did(logo):
    room = Room()
    spec = ALL.model_copy(update={"logo": logo})
    room.paint(spec, True)
    room.paint(spec, True, 7.0)
    assert_golden(room.canvas.frame, "decoration-all", *SMALL)


def test_what_is_painted_over_and_over_looks_like_what_is_painted_once(logo):
    """Captions move, clocks go on, things come and go, pictures below change: nothing of before is left."""
    spec = ALL.model_copy(update={"logo": logo})
    steps = [
        (spec, True, 0.0, 0),
        (spec, True, 4.0, 0),
        (spec, True, 4.0 + 1 / 30, 1),
        (spec.model_copy(update={"clock_corner": "bottom_right"}), False, 8.0, 1),
        (spec.model_copy(update={"banner": "", "logo_corner": "bottom_left"}), False, 9.0, 2),
        (DecorationSpec(names=False), True, 9.0, 2),
        (ALL.model_copy(update={"scroll": False}), True, 9.5, 3),
        (DecorationSpec(), False, 10.0, 3),
    ]
    worn = Room()
    for index, (wanted, recorded, time, phase) in enumerate(steps):
        worn.wall += 1.5
        worn.paint(wanted, recorded, time, phase)
        new = Room()
        new.wall = worn.wall
        fresh = worn.decorator.decoration(wanted, recorded, time)  # a caption begins when it is set
        new.canvas.paint(TILES, contents_of(worn, phase), 0, fresh)
        for plane in "yuv":
            assert (getattr(worn.canvas.picture, plane) == getattr(new.canvas.picture, plane)).all(), f"step {index}"


def contents_of(room: Room, phase: int) -> list[TileContent]:
    return [tile._content for tile in room.canvas._tiles]


def test_a_canvas_without_change_is_not_touched(logo):
    room = Room()
    spec = ALL.model_copy(update={"logo": logo, "scroll": False})
    assert room.paint(spec, True)
    assert not room.paint(spec, True, 0.5)
    room.wall += 1
    assert room.paint(spec, True, 1.0), "the clock goes on"
    assert not room.paint(spec, True, 1.5)


def test_a_scrolling_caption_touches_its_strip_only():
    room = Room()
    spec = DecorationSpec(caption=ALL.caption)
    room.paint(spec)
    strip = room.decoration(spec).taken[0]
    room.canvas.picture.window(Rect(0, 0, SIZE[0], strip.y)).fill(RED)
    room.paint(spec, time=3.0)
    above = room.canvas.picture.y[: strip.y]
    assert (above == RED.y).all()
    assert (room.canvas.picture.y[strip.y :] != RED.y).any()


def caption_of(room: Room, spec: DecorationSpec, time: float) -> Group:
    (group,) = room.decoration(spec, time=time).layers[0]
    assert isinstance(group, Group)
    return group


def left_of(group: Group) -> int:
    """Where the first piece of the text begins."""
    return next(drawing.x for drawing in group.drawings if drawing.overlay.size[0] < SIZE[0])


def test_a_caption_moves_by_the_same_even_step_every_picture():
    room, spec = Room(), DecorationSpec(caption=ALL.caption)
    start = 100.0
    caption_of(room, spec, start)
    places = [left_of(caption_of(room, spec, start + index / 30)) for index in range(30, 200)]
    steps = np.diff(places)
    assert set(steps.tolist()) == {-2}
    assert all(place % 2 == 0 for place in places)


def test_a_caption_comes_in_from_the_right_leaves_to_the_left_and_comes_again():
    room, spec = Room(), DecorationSpec(caption="静音")
    caption_of(room, spec, 0.0)
    places = [[d.x for d in caption_of(room, spec, t).drawings if d.overlay.size[0] < SIZE[0]] for t in range(40)]
    seen = [found[0] for found in places if found]
    assert max(seen) > SIZE[0] * 0.8 and min(seen) < SIZE[0] * 0.1
    assert any(later > earlier for earlier, later in itertools.pairwise(seen))


def test_a_caption_goes_on_where_it_is_when_something_else_changes():
    room, spec = Room(), DecorationSpec(caption=ALL.caption, watermark="内部")
    caption_of(room, spec, 0.0)
    before, mark = left_of(caption_of(room, spec, 4.0)), room.decoration(spec, time=4.0).layers[2]
    changed = spec.model_copy(update={"banner": "会诊"})
    assert left_of(caption_of(room, changed, 4.0)) == before
    assert room.decoration(changed, time=4.0).layers[2] is mark
    again = spec.model_copy(update={"caption": ALL.caption + "。"})
    assert not [one for one in caption_of(room, again, 4.0).drawings if one.overlay.size[0] < SIZE[0]]


def test_a_long_caption_is_drawn_as_it_comes_into_view():
    room, spec = Room(), DecorationSpec(caption="长" * 2000)
    longest = 0
    for second in range(0, 120, 3):
        group = caption_of(room, spec, float(second))
        longest = max(longest, sum(drawing.overlay.size[0] for drawing in group.drawings))
        covered = sum(drawing.rect.width for drawing in group.drawings)
        assert covered == SIZE[0]
    assert longest < 3 * SIZE[0]


@pytest.mark.parametrize("caption", ["🙂🙂", "\u202e", "x", "ش" * 30, "é" * 300])
def test_odd_captions_and_banners_are_drawn(caption):
    room = Room()
    for time in (0.0, 3.0, 20.0):
        room.paint(DecorationSpec(caption=caption, banner=caption, watermark=caption), time=time)


@settings(max_examples=40, deadline=None)
@given(
    st.builds(
        DecorationSpec,
        banner=st.text(max_size=60),
        caption=st.text(max_size=80),
        watermark=st.text(max_size=30),
        scroll=st.booleans(),
        clock=st.booleans(),
        names=st.booleans(),
        time_zone=st.none() | st.text(max_size=20),
    ),
    st.sampled_from([(320, 180), (176, 144), (96, 64), (16, 16), (2, 2)]),
)
def test_whatever_is_written_the_picture_is_made(spec, size):
    decorator, canvas = Decorator(ARTIST, size, 30, lambda: NOON), Canvas(*size, ARTIST)
    for time in (0.0, 2.0, 9.0):
        canvas.paint((Rect(0, 0, *size),), [TileContent.EMPTY], None, decorator.decoration(spec, True, time))


def test_a_picture_too_small_for_all_of_it_tells_of_the_recording_first(logo):
    room = Room((176, 144))
    spec = DecorationSpec(clock=True, logo=logo)
    (sign,) = room.decoration(DecorationSpec(), True).taken
    taken = room.decoration(spec, True).taken
    assert any(rect.size == sign.size for rect in taken)
    assert len(taken) == 2


@pytest.mark.parametrize("size", [(1920, 1080), (704, 576), (320, 180), (176, 144), (128, 96)])
@pytest.mark.parametrize("corner", ["top_left", "top_right", "bottom_left", "bottom_right"])
def test_everything_lies_inside_the_picture_and_apart(size: tuple[int, int], corner: Corner, logo: str):
    room = Room(size)
    spec = ALL.model_copy(update={"logo": logo, "logo_corner": corner, "clock_corner": corner})
    taken = room.decoration(spec, True, 5.0).taken
    for index, rect in enumerate(taken):
        assert Rect(0, 0, *size).contains(rect)
        assert not any(rect.overlaps(other) for other in taken[index + 1 :])


def test_names_keep_out_of_captions_and_corners(logo):
    room = Room()
    spec = ALL.model_copy(update={"logo": logo, "logo_corner": "bottom_left"})
    room.paint(spec, True)
    taken = room.decoration(spec, True).taken
    labels = [item.rect for tile in room.canvas._tiles for item in tile._layer if isinstance(item, Drawing)]
    assert len(labels) == 4
    assert not any(label.overlaps(rect) for label in labels for rect in taken)


def test_the_clock_shows_the_time_of_its_zone_and_of_the_server_where_the_zone_is_unknown(caplog):
    decorator = Room().decorator
    for zone, shown in (("Asia/Shanghai", "2026-11-20  10:12:13"), ("UTC", "2026-11-20  02:12:13")):
        decorator.decoration(DecorationSpec(clock=True, time_zone=zone), False, 0.0)
        assert decorator._time(int(NOON)) == shown
    decorator.decoration(DecorationSpec(clock=True, time_zone="../etc/passwd"), False, 0.0)
    assert "no time zone" in caplog.text
    assert decorator._time(int(NOON)).endswith(":12:13")


@pytest.mark.parametrize("kind", ["missing", "text", "too many pixels", "folder"])
def test_a_logo_that_cannot_be_shown_is_left_out_and_told(kind, tmp_path: Path, caplog):
    file = tmp_path / "logo.png"
    if kind == "text":
        file.write_text("not a picture")
    elif kind == "too many pixels":
        Image.new("1", (5000, 4000)).save(file)
    elif kind == "folder":
        file.mkdir()
    assert Room().decoration(DecorationSpec(logo=str(file))).taken == ()
    assert "cannot be shown" in caplog.text


def test_a_logo_keeps_its_shape_within_its_share_of_the_picture(tmp_path: Path):
    for shape in ((1000, 100), (100, 1000), (8, 8)):
        Image.new("RGBA", shape, "red").save(tmp_path / "logo.png")
        (place,) = Room().decoration(DecorationSpec(logo=str(tmp_path / "logo.png"))).taken
        assert place.width <= SIZE[0] * 0.22 + 2 and place.height <= SIZE[1] * 0.09 + 2
        assert abs(place.width / place.height / (shape[0] / shape[1]) - 1) < 0.35


@pytest.mark.parametrize("level", [0, 16, 128, 235, 255])
def test_a_watermark_is_faint_on_any_ground(level):
    canvas = solid(*SIZE, replace(BLUE, y=level))
    (mark,) = Room().decoration(DecorationSpec(watermark="协和医院")).layers[2]
    strokes: list[Stroke] = []
    mark.paint(strokes, mark.rect)
    canvas.paint(strokes)
    off = np.abs(canvas.y.astype(int) - min(max(level, 16), 235))
    assert 10 <= off.max() <= 14
    assert 0.01 < (off > 0).mean() < 0.3
    assert (canvas.u == BLUE.u).all()
