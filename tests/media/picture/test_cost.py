"""Ports: what pictures take, and that sharing is free."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.media.picture.cost import Shares, cost, weight
from mcu.media.spec import ConferenceSpec, LegSpec, PageSpec, RecordingSpec
from tests.fakes.media import browser_leg, room_leg, sharing_leg

ENCODERS = Shares(encoding=1.0, composing=0.0, decoding=0.0)
CANVASES = Shares(encoding=0.0, composing=1.0, decoding=0.0)
SOURCES = Shares(encoding=0.0, composing=0.0, decoding=1.0)


def conference(*legs: LegSpec, **changes: object) -> ConferenceSpec:
    return ConferenceSpec(id="c", revision=1, legs=legs).model_copy(update=changes)


def sized(leg: LegSpec, width: int, height: int) -> LegSpec:
    assert leg.video is not None
    video = leg.video.model_copy(update={"max_width": width, "max_height": height, "max_bitrate": 4_000_000})
    return leg.model_copy(update={"video": video})


def test_a_1080p60_picture_is_two_of_1080p30_four_of_720p30_eight_of_standard_definition() -> None:
    whole = weight(1920, 1080, 60)
    assert whole == 2 * weight(1920, 1080, 30) == 4 * weight(1280, 720, 30) == 8 * weight(704, 576, 30)
    assert weight(640, 360, 30) == weight(704, 576, 30)
    assert weight(1920, 1080, 30) == 1.0


def test_those_who_get_the_same_picture_share_its_cost() -> None:
    one, ten = conference(room_leg("a")), conference(*(room_leg(f"r{number}") for number in range(10)))
    assert cost(one, ENCODERS) == cost(ten, ENCODERS) == 1.0
    assert cost(one, CANVASES) == cost(ten, CANVASES) == 1.0
    assert cost(ten, SOURCES) == 10 * cost(one, SOURCES)


def test_another_size_and_an_own_picture_cost_their_ports() -> None:
    small = sized(room_leg("b"), 1280, 720)
    assert cost(conference(room_leg("a"), small), ENCODERS) == 1.5
    own = room_leg("c").model_copy(update={"layout": "1"})
    assert cost(conference(room_leg("a"), own), ENCODERS) == 2.0


def test_a_recording_costs_only_what_nobody_else_gets() -> None:
    spec = conference(browser_leg("a"), recordings=(RecordingSpec(id="r", directory="r"),))
    assert cost(spec, ENCODERS) == 1.0


def test_sound_alone_and_whoever_sends_no_picture_cost_nothing() -> None:
    assert cost(conference(browser_leg("a")), Shares()) == 0.0
    unseen = [room_leg("a").model_copy(update={change: True}) for change in ("camera_muted", "hidden", "held")]
    assert cost(conference(*unseen), SOURCES) == 0.0
    assert cost(conference(room_leg("a"), page=PageSpec()), SOURCES) == 0.0


def test_what_is_shared_is_decoded_once_and_sent_as_slides() -> None:
    legs = (sharing_leg("a"), sharing_leg("b"))
    before, after = conference(*legs), conference(*legs, content_from="a")
    assert cost(after, SOURCES) - cost(before, SOURCES) == pytest.approx(1 / 3)
    assert cost(after, ENCODERS) > cost(before, ENCODERS)


@given(st.lists(st.sampled_from([(1920, 1080), (1280, 720), (640, 360)]), max_size=8))
def test_nobody_who_comes_makes_it_cheaper(sizes: list[tuple[int, int]]) -> None:
    legs = [sized(room_leg(f"r{number}"), *size) for number, size in enumerate(sizes)]
    costs = [cost(conference(*legs[:count]), Shares()) for count in range(len(legs) + 1)]
    assert costs == sorted(costs)
