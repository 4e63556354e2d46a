"""Decoration through the whole pipeline: told in a state, seen in what comes out of the encoders."""

import time
from collections.abc import Callable

from layouts.automatic import automatic
from layouts.geometry import Rect
from mcu.media.picture.planes import Planes
from mcu.media.picture.state import ContentPlace, PictureSource, PictureState, Rung, View
from mcu.media.spec import DecorationSpec
from tests.media.picture.material import GREEN, RED, coded_colour
from tests.media.picture.pipeline_room import PATIENCE, RUNG, Room

TOP, BOTTOM = Rect(0, 0, 320, 8), Rect(0, 172, 320, 8)
# What coding a clip and coding the composite may take from the brightness of a plain colour.
CODING = 12
ANNA = PictureSource("a", "Anna", "H264", order=1)
CLIP = Rung(320, 180, 30, 400_000)


def until(room: Room, looks: Callable[[Planes], bool], rung: Rung = RUNG) -> Planes:
    """The first composite that looks so."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        picture = room.decoded(room.next_unit(rung), rung)
        if picture is not None and looks(picture):
            return picture
    raise AssertionError("the picture never came")


def brightness(picture: Planes, rect: Rect) -> float:
    return float(picture.window(rect).y.mean())


def test_banner_and_caption_come_and_go(room: Room):
    (tile,) = automatic(1).tiles(320, 180)
    middle = Rect(0, 60, 320, 60)
    lines = DecorationSpec(banner="会诊", caption="静音", scroll=False, names=False)
    plain = DecorationSpec(names=False)
    for decoration, covered in ((plain, False), (lines, True), (plain, False)):
        room.pipeline.apply(PictureState("auto", (ANNA,), frozenset({RUNG}), decoration=decoration))
        room.pipeline.push("a", coded_colour(CLIP, RED, time.monotonic()))
        picture = until(
            room,
            lambda seen, covered=covered: (
                abs(brightness(seen, middle) - RED.y) < CODING
                and (brightness(seen, TOP) < RED.y - 25) is covered
                and (brightness(seen, BOTTOM) < RED.y - 25) is covered
            ),
        )
        assert picture.size == tile.size


def test_a_source_of_another_shape_fills_its_tile_when_it_is_to_be_cropped(room: Room):
    """A wide picture on an upright canvas: bars, or none."""
    upright = Rung(180, 320, 30, 400_000)
    room.add(upright)
    state = PictureState("1", (ANNA,), frozenset({upright}))
    sides = (Rect(0, 20, 180, 40), Rect(0, 260, 180, 40))
    for fill, filled in (("fit", False), ("crop", True), ("fit", False)):
        decoration = DecorationSpec(names=False, fill=fill)
        room.pipeline.apply(PictureState(state.layout, state.sources, state.rungs, decoration=decoration))
        room.pipeline.push("a", coded_colour(CLIP, RED, time.monotonic()))
        until(
            room,
            lambda seen, filled=filled: all((abs(brightness(seen, side) - RED.y) < CODING) is filled for side in sides),
            upright,
        )


def test_slides_are_neither_cropped_nor_written_on(room: Room):
    alone = Rung(180, 320, 30, 400_000, view=View(content=ContentPlace.ALONE))
    room.add(alone)
    slides = PictureSource("b", "李明", "H264", still=True)
    decoration = DecorationSpec(banner="会诊", clock=True, fill="crop")
    room.pipeline.apply(
        PictureState("1", (ANNA,), frozenset({alone}), content=slides, decoration=decoration, recorded=True)
    )
    room.pipeline.push("b", coded_colour(CLIP, GREEN, time.monotonic()))
    whole = Rect(0, 112, 180, 96)
    seen = until(room, lambda seen: abs(brightness(seen, whole) - GREEN.y) < CODING, alone)
    for bar in (Rect(0, 0, 180, 100), Rect(0, 220, 180, 100)):
        assert seen.window(bar).y.max() < 40, "bars with nothing in them"
