"""The whole pipeline with its threads, on small pictures. Tests wait for what comes out, never for time."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from layouts.automatic import automatic
from layouts.catalogue import CATALOGUE
from layouts.geometry import Rect
from layouts.sharing import beside_content
from mcu.media.picture.artist import BACKGROUND, PLACEHOLDER
from mcu.media.picture.pipeline import PicturePipeline, PictureSource, PictureState, Rung
from mcu.media.picture.planes import Colour
from mcu.media.picture.state import ContentPlace, View
from mcu.media.units import CodedPicture
from tests.media.picture.material import BLUE, FONT, GREEN, RED, coded_colour, solid
from tests.media.picture.pipeline_room import PATIENCE, RUNG, SMALL, Room


def anna(**changes: object) -> PictureSource:
    return PictureSource(**({"id": "a", "name": "Anna", "codec": "H264", "order": 1} | changes))  # type: ignore[arg-type]


def bo(**changes: object) -> PictureSource:
    return PictureSource(**({"id": "b", "name": "李明", "codec": "VP8", "order": 2} | changes))  # type: ignore[arg-type]


def push(room: Room, source_id: str, colour: Colour) -> None:
    codec = "H264" if source_id == "a" else "VP8"
    room.pipeline.push(source_id, coded_colour(Rung(320, 180, 30, 400_000, codec), colour, time.monotonic()))


def test_two_sources_meet_in_one_picture_each_in_its_tile(room):
    room.apply(anna(), bo())
    push(room, "a", RED)
    push(room, "b", GREEN)
    left, right = automatic(2).tiles(320, 180)
    room.until(solid(*left.size, RED), left)
    room.until(solid(*right.size, GREEN), right)


def test_tiles_go_by_order_and_not_by_the_order_of_the_tuple(room):
    room.apply(bo(), anna())
    push(room, "a", RED)
    left, _ = automatic(2).tiles(320, 180)
    room.until(solid(*left.size, RED), left)


def test_pictures_come_at_the_even_instants_of_the_canvas(room):
    room.apply(anna())
    times = [room.next_unit().time for _ in range(10)]
    steps = [(after - before) * RUNG.frame_rate for before, after in itertools.pairwise(times)]
    assert all(abs(step - round(step)) < 1e-3 and step > 0.5 for step in steps)


def test_each_rung_has_its_own_size_codec_and_key_frames(room):
    room.apply(anna(), rungs=frozenset({RUNG, SMALL}))
    push(room, "a", BLUE)
    for rung in (RUNG, SMALL):
        (tile,) = automatic(1).tiles(rung.width, rung.height)
        assert room.until(solid(*tile.size, BLUE), tile, rung).size == (rung.width, rung.height)
    assert room.pipeline.statistics().encoders == 2


def test_a_source_without_a_picture_is_asked_for_a_key_frame(room):
    room.apply(anna())
    assert room.wanted.get(timeout=PATIENCE) == "a"


def test_when_nobody_watches_nothing_is_decoded_composed_or_encoded(room):
    room.apply(anna(), rungs=frozenset())
    push(room, "a", RED)
    statistics = room.pipeline.statistics()
    assert (statistics.encoders, statistics.composite_fps, statistics.decode_fps) == (0, 0.0, {"a": 0.0})
    assert room.coded[RUNG].empty() and room.wanted.empty()


def test_a_camera_switched_off_gives_way_to_the_placeholder_and_comes_back(room):
    (tile,) = automatic(1).tiles(320, 180)
    room.apply(anna())
    push(room, "a", RED)
    room.until(solid(*tile.size, RED), tile)
    room.apply(anna(muted=True))
    corner = Rect(0, 0, 60, 60)
    room.until(solid(60, 60, Colour.rgb(*PLACEHOLDER)), corner)
    room.apply(anna())
    push(room, "a", GREEN)
    room.until(solid(*tile.size, GREEN), tile)


def test_who_watches_one_sees_it_alone_while_the_others_see_all(room):
    one = replace(SMALL, view=View(watched="b"))
    room.add(one)
    room.apply(anna(), bo(), rungs=frozenset({RUNG, one}))
    push(room, "a", RED)
    push(room, "b", GREEN)
    left, right = automatic(2).tiles(320, 180)
    room.until(solid(*right.size, GREEN), right)
    room.until(solid(*left.size, RED), left)
    (whole,) = automatic(1).tiles(160, 90)
    room.until(solid(*whole.size, GREEN), whole, one)


def test_each_view_has_the_layout_that_was_chosen_for_it(room):
    large = replace(RUNG, view=View(layout="1+2"))
    room.add(large)
    room.apply(anna(), bo(), rungs=frozenset({RUNG, large}))
    push(room, "a", RED)
    first, second, _ = CATALOGUE["1+2"].tiles(320, 180)
    room.until(solid(*first.size, RED), first, large)
    push(room, "b", GREEN)
    room.until(solid(*second.size, GREEN), second, large)
    left, _ = automatic(2).tiles(320, 180)
    room.until(solid(*left.size, RED), left)


def test_the_common_view_can_be_one_source_alone_and_goes_back_to_all(room):
    room.pipeline.apply(PictureState("auto", (anna(), bo()), frozenset({RUNG}), watched="b"))
    push(room, "b", GREEN)
    (whole,) = automatic(1).tiles(320, 180)
    room.until(solid(*whole.size, GREEN), whole)
    room.apply(anna(), bo())
    push(room, "a", RED)
    left, _ = automatic(2).tiles(320, 180)
    room.until(solid(*left.size, RED), left)


def test_rungs_of_one_view_share_a_canvas_and_equal_needs_an_encoder(room):
    one, other = replace(RUNG, view=View(watched="a")), replace(RUNG, view=View(watched="a"), bitrate=64_000)
    room.add(one)
    room.add(other)
    room.apply(anna(), bo(), rungs=frozenset({one, other, replace(one)}))
    assert room.pipeline.statistics().encoders == 2
    assert sum(thread.name.startswith("canvas-") for thread in threading.enumerate()) == 1


def test_requests_for_a_key_frame_are_answered(room):
    room.apply(anna())
    assert room.next_unit().keyframe
    room.pipeline.request_key_frame(RUNG)
    assert any(room.next_unit().keyframe for _ in range(60))


def test_a_rung_that_comes_back_starts_with_a_key_frame(room):
    room.apply(anna())
    room.next_unit()
    room.apply(anna(), rungs=frozenset())
    while not room.coded[RUNG].empty():
        room.coded[RUNG].get()
    room.apply(anna())
    assert any(room.next_unit().keyframe for _ in range(3))


def test_a_speaker_without_a_tile_gets_one(room):
    room.apply(anna(), bo(), layout="1")
    push(room, "a", RED)
    (tile,) = automatic(1).tiles(320, 180)
    room.until(solid(*tile.size, RED), tile)
    room.pipeline.speaker("b")
    # How often "a" was asked for first depends on how quickly its key frame got through.
    while room.wanted.get(timeout=PATIENCE) != "b":
        pass
    push(room, "b", GREEN)
    room.until(solid(*tile.size, GREEN), tile)
    room.pipeline.speaker(None)
    room.until(solid(*tile.size, GREEN), tile)


def test_a_layout_nobody_knows_is_the_automatic_one(room, caplog):
    room.apply(anna(), layout="no such")
    push(room, "a", RED)
    (tile,) = automatic(1).tiles(320, 180)
    room.until(solid(*tile.size, RED), tile)
    assert "no such" in caplog.text


def test_garbage_from_one_source_does_not_touch_the_other(room):
    room.apply(anna(), bo())
    for _ in range(30):
        room.pipeline.push("a", CodedPicture(b"\0\0\0\1\x67" + b"\xff" * 40, True, time.monotonic()))
    room.pipeline.push("nobody", CodedPicture(b"", False, 0.0))
    push(room, "b", GREEN)
    _, right = automatic(2).tiles(320, 180)
    room.until(solid(*right.size, GREEN), right)


def test_a_source_may_change_its_codec_and_leave(room):
    room.apply(anna())
    push(room, "a", RED)
    (tile,) = automatic(1).tiles(320, 180)
    room.until(solid(*tile.size, RED), tile)
    room.apply(anna(codec="VP8"))
    room.pipeline.push("a", coded_colour(Rung(320, 180, 30, 400_000, "VP8"), BLUE, time.monotonic()))
    room.until(solid(*tile.size, BLUE), tile)
    room.apply()
    room.until(solid(*tile.size, Colour.rgb(*BACKGROUND)), tile)


def test_the_statistics_count_what_is_made():
    now = 100.0
    pipeline = PicturePipeline(
        "conference", FONT, clock=lambda: now, on_coded=lambda r, u: None, on_key_frame_wanted=lambda s: None
    )
    assert pipeline.statistics().composite_fps == 0.0
    pipeline.stop()


def test_a_failing_listener_does_not_end_the_pipeline():
    failures: queue.Queue[Rung] = queue.Queue()

    def fail(rung: Rung, unit: CodedPicture) -> None:
        failures.put(rung)
        raise RuntimeError("listener")

    pipeline = PicturePipeline("conference", FONT, on_coded=fail, on_key_frame_wanted=lambda s: None)
    pipeline.start()
    pipeline.apply(PictureState("auto", (anna(),), frozenset({RUNG})))
    assert [failures.get(timeout=PATIENCE) for _ in range(3)] == [RUNG] * 3
    pipeline.stop()


def test_a_missing_font_is_told_at_once():
    with pytest.raises(OSError):
        PicturePipeline("c", Path("no font"), on_coded=lambda r, u: None, on_key_frame_wanted=lambda s: None)


def test_what_is_shared_is_beside_the_people_or_alone_or_left_out_by_view(room):
    alone = replace(RUNG, view=View(content=ContentPlace.ALONE))
    outside = replace(RUNG, view=View(content=ContentPlace.OUTSIDE))
    for rung in (alone, outside):
        room.add(rung)
    face = PictureSource("a", "A", "H264")
    slides = PictureSource("content:a", "A", "H264", still=True)
    room.pipeline.apply(PictureState("auto", (face,), frozenset({RUNG, alone, outside}), content=slides))
    form = Rung(320, 180, 30, 400_000)
    room.pipeline.push("a", coded_colour(form, RED, time.monotonic()))
    room.pipeline.push("content:a", coded_colour(form, BLUE, time.monotonic()))

    whole = Rect(0, 0, 320, 180)
    shared, beside = beside_content(1).tiles(320, 180)
    room.until(solid(*shared.size, BLUE), shared)
    room.until(solid(*beside.size, RED), beside)
    room.until(solid(320, 180, BLUE), whole, alone)
    room.until(solid(320, 180, RED), whole, outside)

    room.pipeline.apply(PictureState("auto", (face,), frozenset({RUNG})))
    room.until(solid(320, 180, RED), whole)
