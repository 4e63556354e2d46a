"""Modes and changes on the whole pipeline: what is seen in every single picture that comes out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from layouts.automatic import automatic
from layouts.catalogue import CATALOGUE
from layouts.custom import custom_layout
from layouts.geometry import Rect
from layouts.rules import Mode, SeatingRules
from mcu.media.picture.artist import BACKGROUND
from mcu.media.picture.pipeline import PictureSource, PictureState, Rung
from mcu.media.picture.planes import Colour, Planes
from mcu.media.picture.state import View
from tests.media.picture.material import BLUE, GREEN, RED, coded_colour, difference, solid
from tests.media.picture.pipeline_room import PATIENCE, ROUNDING, RUNG, SMALL, Room

FORM = Rung(320, 180, 30, 400_000, "VP8")
COLOURS = {"a": RED, "b": GREEN, "c": BLUE}
UNITS = {who: coded_colour(FORM, colour, 0.0) for who, colour in COLOURS.items()}
SOURCES = tuple(PictureSource(who, "", "VP8", order=order) for order, who in enumerate("abc"))
WHOLE = Rect(0, 0, 320, 180)


def send(room: Room, who: str = "abc") -> None:
    """Everybody's next picture, each a key frame."""
    for one in who:
        room.pipeline.push(one, replace(UNITS[one], time=time.monotonic()))


def composites(room: Room, rung: Rung = RUNG, sending: str = "abc") -> Iterator[Planes]:
    """Every composite that comes out, while everybody goes on sending."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        send(room, sending)
        picture = room.decoded(room.next_unit(rung), rung)
        if picture is not None:
            yield picture
    raise AssertionError("what was waited for never came")


def is_(colour: Colour, picture: Planes, tile: Rect = WHOLE) -> bool:
    """Whether the middle of the tile is of this colour."""
    middle = Rect(tile.x + tile.width // 8 * 2, tile.y + tile.height // 8 * 2, 16, 16)
    window = picture.window(middle)
    wanted = solid(16, 16, colour)
    chroma = abs(int(window.u.mean()) - colour.u) + abs(int(window.v.mean()) - colour.v)
    return difference(window, wanted) < ROUNDING and chroma < 2 * ROUNDING


def until(room: Room, wanted: Callable[[Planes], bool], rung: Rung = RUNG, sending: str = "abc") -> list[Planes]:
    """All composites up to the first that is as wanted, which is the last of them."""
    seen = []
    for picture in composites(room, rung, sending):
        seen.append(picture)
        if wanted(picture):
            return seen
    raise AssertionError("unreachable")


def state(layout: str = "auto", *, rungs: frozenset[Rung] = frozenset({RUNG}), **changes: object) -> PictureState:
    return replace(PictureState(layout, SOURCES, rungs), **changes)  # type: ignore[arg-type]


def test_a_new_layout_comes_without_a_flash(room):
    room.pipeline.apply(state("1"))
    until(room, lambda picture: is_(RED, picture))
    for name in ("4", "1", "1+2", "9", "1+1"):
        room.pipeline.apply(state(name))
        tiles = CATALOGUE[name].tiles(320, 180)

        def ready(picture: Planes, tiles: tuple[Rect, ...] = tiles) -> bool:
            return is_(RED, picture, tiles[0]) and (len(tiles) < 2 or is_(GREEN, picture, tiles[1]))

        corner = Rect(20, 40, 16, 16)
        for picture in until(room, ready):
            dark = difference(picture.window(corner), solid(16, 16, Colour.rgb(*BACKGROUND))) < ROUNDING
            assert not dark, f"{name}: background where somebody was seen before and after"


def test_no_key_frame_is_sent_for_a_new_layout_or_other_people(room):
    room.pipeline.apply(state("1"))
    until(room, lambda picture: is_(RED, picture))
    units: list[bool] = []

    def unit_until(wanted: Callable[[Planes], bool]) -> None:
        while True:
            send(room)
            unit = room.next_unit()
            units.append(unit.keyframe)
            picture = room.decoded(unit, RUNG)
            if picture is not None and wanted(picture):
                return

    room.pipeline.apply(state("1", watched="b"))
    unit_until(lambda picture: is_(GREEN, picture))
    room.pipeline.apply(state("9"))
    unit_until(lambda picture: is_(RED, picture, CATALOGUE["9"].tiles(320, 180)[0]))
    assert units and not any(units)


def test_a_round_goes_on_though_nobody_speaks_and_shows_nothing_but_people(room):
    room.pipeline.apply(state("1", seating=SeatingRules(Mode.POLLING, interval=0.3)))
    until(room, lambda picture: is_(RED, picture))
    for colour in (GREEN, BLUE, RED):
        for picture in until(room, lambda picture, colour=colour: is_(colour, picture)):
            assert any(is_(one, picture) for one in COLOURS.values())


def test_whoever_comes_next_is_asked_for_a_key_frame_before_its_turn(room):
    started = time.monotonic()
    room.pipeline.apply(state("1", seating=SeatingRules(Mode.POLLING, interval=1.5)))
    while room.wanted.get(timeout=PATIENCE) != "b":
        send(room, "a")
    assert 0.4 < time.monotonic() - started < 1.5


def test_the_voice_takes_the_large_tile_after_a_while_and_not_for_a_cough(room):
    large, second, _ = CATALOGUE["1+2"].tiles(320, 180)
    room.pipeline.apply(state(seating=SeatingRules(Mode.VOICE, switch_after=0.3, hold=0.0)))
    until(room, lambda picture: is_(RED, picture, large) and is_(GREEN, picture, second))
    room.pipeline.speaker("c")
    room.pipeline.speaker(None)
    room.pipeline.speaker("b")
    started = time.monotonic()
    seen = until(room, lambda picture: is_(GREEN, picture, large) and is_(RED, picture, second))
    assert time.monotonic() - started >= 0.3
    assert not any(is_(BLUE, picture, large) for picture in seen)


def test_who_hides_itself_sees_the_others_while_they_see_it(room):
    own = replace(SMALL, view=View(without="a"))
    room.add(own)
    room.pipeline.apply(state(rungs=frozenset({RUNG, own})))
    left, right = automatic(2).tiles(160, 90)
    until(room, lambda picture: is_(GREEN, picture, left) and is_(BLUE, picture, right), own)
    first, second, third = automatic(3).tiles(320, 180)
    until(room, lambda p: is_(RED, p, first) and is_(GREEN, p, second) and is_(BLUE, p, third))


def test_a_new_view_begins_with_people_and_not_with_an_empty_picture(room):
    room.pipeline.apply(state())
    first = automatic(3).tiles(320, 180)[0]
    until(room, lambda picture: is_(RED, picture, first))
    own = replace(RUNG, view=View(watched="b"))
    room.add(own)
    room.pipeline.apply(state(rungs=frozenset({RUNG, own})))
    assert is_(GREEN, next(composites(room, own)))


def test_a_picture_in_the_picture_stays_over_the_moving_one_below(room):
    room.pipeline.apply(state("1+1"))
    whole, inset = CATALOGUE["1+1"].tiles(320, 180)
    until(room, lambda picture: is_(RED, picture, whole) and is_(GREEN, picture, inset))
    moving = composites(room)
    for _ in range(5):
        picture = next(moving)
        assert is_(RED, picture, whole) and is_(GREEN, picture, inset)


def test_an_own_layout_divides_the_picture_as_drawn(room):
    own = custom_layout("mine", [(0.0, 0.0, 0.25, 0.5), (0.25, 0.5, 0.75, 0.5)])
    room.pipeline.apply(state("mine", layouts={"mine": own}))
    small, large = own.tiles(320, 180)
    until(room, lambda picture: is_(RED, picture, small) and is_(GREEN, picture, large))


def test_who_sends_nothing_is_left_out_until_it_does(room):
    room.pipeline.apply(state(seating=SeatingRules(show_without_video=False)))
    left, right = automatic(2).tiles(320, 180)
    until(room, lambda picture: is_(RED, picture, left) and is_(BLUE, picture, right), sending="ac")
    first, second, third = automatic(3).tiles(320, 180)
    until(room, lambda p: is_(RED, p, first) and is_(BLUE, p, second) and is_(GREEN, p, third))


@pytest.mark.parametrize("running", [True, False])
def test_a_pipeline_that_was_told_to_stop_changes_nothing_any_more(running):
    one = Room()
    if running:
        one.pipeline.start()
    one.pipeline.stop()
    one.pipeline.speaker("a")
    one.pipeline.apply(state())
    assert one.pipeline.statistics().encoders == 0
