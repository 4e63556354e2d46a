"""Ports: what pictures take, and that sharing is free."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.media.picture.cost import Shares, cost, weight
from mcu.media.spec import ConferenceSpec, LegSpec, PageSpec, RecordingSpec, SeatingSpec
from tests.fakes.media import browser_leg, forwarding_leg, room_leg, sharing_leg

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


def test_only_those_are_decoded_who_can_be_seen_at_once() -> None:
    rooms = tuple(room_leg(f"r{number}") for number in range(12))
    all_seen = cost(conference(*rooms), SOURCES)
    assert all_seen == pytest.approx(12.0)
    # One is seen, and the next is made ready.
    assert cost(conference(*rooms, layout="1", seating=SeatingSpec(mode="polling")), SOURCES) == 2.0
    assert cost(conference(*rooms, watch="r3", layout="4"), SOURCES) == 6.0, "whom all watch sees four"
    own = rooms[0].model_copy(update={"layout": "4"})
    assert cost(conference(own, *rooms[1:], layout="1", seating=SeatingSpec(mode="polling")), SOURCES) == 6.0


def test_who_is_large_for_its_voice_has_a_picture_of_its_own() -> None:
    rooms, voice = tuple(room_leg(f"r{number}") for number in range(4)), SeatingSpec(mode="voice")
    assert cost(conference(*rooms, seating=voice), ENCODERS) == 2.0
    assert cost(conference(*rooms, seating=voice), CANVASES) == 2.0
    assert cost(conference(*rooms, seating=voice, layout="4"), ENCODERS) == 1.0, "all tiles are equal"
    assert cost(conference(*rooms[:2], seating=voice), ENCODERS) == 1.0, "two are equals"
    assert cost(conference(rooms[0], seating=voice, layout="1"), ENCODERS) == 1.0
    assert cost(conference(*rooms, layout="1"), ENCODERS) == 2.0
    assert cost(conference(*rooms, layout="1", watch="r1"), ENCODERS) == 2.0, "the one who is watched sees others"


# What a machine with two cores measured at its start. Ten rooms took 1.1 of its cores there: 2.3 ms to decode each
# picture, 0.6 to 0.9 ms to scale it, and 8.6 ms to encode theirs.
TWO_CORES, TWO_CORES_SHARES = 4.3, Shares(encoding=0.72, composing=0.28, decoding=0.30)


def test_eight_rooms_of_1080p_and_their_picture_fit_on_two_cores() -> None:
    eight, ten = (conference(*(room_leg(f"r{number}") for number in range(count))) for count in (8, 10))
    assert cost(eight, TWO_CORES_SHARES) < TWO_CORES
    assert cost(ten, TWO_CORES_SHARES) < TWO_CORES


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


def test_who_is_forwarded_to_costs_no_port_and_who_is_left_to_compose_does() -> None:
    browsers = [forwarding_leg(name).model_copy(update={"forwarded": True}) for name in ("a", "b", "c")]
    for shares in (ENCODERS, CANVASES, SOURCES):
        assert cost(conference(*browsers), shares) == 0.0
    composed = browsers[0].model_copy(update={"forwarded": False})
    assert cost(conference(composed, *browsers[1:]), ENCODERS) == 1.0
    # A room sees all; those who are forwarded to see it composed, in one picture that they share.
    assert cost(conference(room_leg("room"), *browsers), ENCODERS) == 2.0
    assert cost(conference(*browsers, recordings=(RecordingSpec(id="r", directory="r"),)), SOURCES) == pytest.approx(
        3.0
    )


def test_what_is_shared_as_it_is_is_neither_decoded_nor_encoded() -> None:
    sharer = forwarding_leg("a")
    slides = sharer.slots[0].model_copy(update={"ssrc": 20, "receive": True})
    sharer = sharer.model_copy(update={"content": slides, "forwarded": True})
    viewer = forwarding_leg("b").model_copy(update={"forwarded": True, "shared": sharer.slots[1]})
    without = viewer.model_copy(update={"content": slides, "shared": None})
    shared = conference(sharer, viewer, content_from="a")
    assert cost(shared, SOURCES) == cost(shared, ENCODERS) == 0.0
    assert cost(conference(sharer, without, content_from="a"), SOURCES) > 0.0
