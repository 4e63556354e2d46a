"""Who sees what: equal needs are one view, and nothing changes for those who choose nothing."""

from __future__ import annotations

import pytest

from layouts.rules import Mode, SeatingRules
from mcu.media.picture.state import COMMON_VIEW, ContentPlace, View
from mcu.media.picture.views import notices, own_layouts, seating_rules, view_for_leg, views_for_leg
from mcu.media.spec import CellSpec, ConferenceSpec, LayoutSpec, LegSpec, SeatingSpec
from tests.fakes.media import room_leg


def leg(name: str, **changes: object) -> LegSpec:
    return room_leg(name).model_copy(update=changes)


def conference(*legs: LegSpec, **changes: object) -> ConferenceSpec:
    return ConferenceSpec.model_validate({"id": "c", "revision": 1, "legs": legs} | changes)


def views(spec: ConferenceSpec) -> dict[str, View]:
    return {one.id: view_for_leg(spec, one) for one in spec.legs}


def test_nobody_who_chose_nothing_has_a_view_of_its_own():
    assert set(views(conference(leg("a"), leg("b"), leg("c"))).values()) == {COMMON_VIEW}


def test_whoever_watches_the_same_shares_a_view():
    spec = conference(leg("a", watch="c"), leg("b", watch="c"), leg("c"))
    assert views(spec) == {"a": View(watched="c"), "b": View(watched="c"), "c": COMMON_VIEW}


def test_a_layout_that_divides_the_picture_as_the_conference_does_is_the_common_view():
    spec = conference(leg("a", layout="3"), leg("b"), leg("c"))
    assert set(views(spec).values()) == {COMMON_VIEW}


def test_two_layouts_that_come_to_the_same_are_one_view():
    spec = conference(leg("a", layout="auto"), leg("b", layout="3"), leg("c"), layout="1+5")
    assert views(spec) == {"a": View("3"), "b": View("3"), "c": COMMON_VIEW}


def test_watching_goes_before_the_own_layout():
    spec = conference(leg("a", layout="1+5", watch="b"), leg("b"))
    assert views(spec)["a"] == View(watched="b")


def test_a_choice_that_means_nothing_any_more_is_the_common_view():
    spec = conference(leg("a", watch="gone"), leg("b", layout="no such layout"))
    assert set(views(spec).values()) == {COMMON_VIEW}


def test_the_one_whom_all_watch_goes_on_seeing_all_of_them():
    spec = conference(leg("a"), leg("b"), leg("c"), watch="a")
    assert views(spec) == {"a": View("3"), "b": COMMON_VIEW, "c": COMMON_VIEW}


def test_watching_whom_all_watch_is_the_common_view():
    spec = conference(leg("a"), leg("b", watch="a"), watch="a")
    assert views(spec)["b"] == COMMON_VIEW


LECTURE = SeatingSpec(mode="lecture", lecturer="a", interval=7.0, pins={0: "b"})
VOICE = SeatingSpec(mode="voice")
HALVES = LayoutSpec(
    name="halves",
    cells=(CellSpec(left=0, top=0, width=0.5, height=1), CellSpec(left=0.5, top=0, width=0.5, height=1)),
)


def test_rules_are_a_value_that_can_be_compared():
    spec = SeatingSpec(mode="polling", interval=4.0, pins={2: "b", 0: "a"}, show_without_video=False)
    rules = seating_rules(spec)
    assert rules == SeatingRules(Mode.POLLING, interval=4.0, pins=((0, "a"), (2, "b")), show_without_video=False)
    assert hash(rules) == hash(seating_rules(spec.model_copy()))


def test_rules_of_ones_own_make_a_view_and_equal_ones_share_it():
    spec = conference(leg("a", seating=VOICE), leg("b", seating=VOICE), leg("c", seating=SeatingSpec()), leg("d"))
    own = View(seating=SeatingRules(Mode.VOICE))
    assert views(spec) == {"a": own, "b": own, "c": COMMON_VIEW, "d": COMMON_VIEW}


def test_the_lecturer_sees_the_class_in_turn_and_the_class_the_common_picture():
    spec = conference(leg("a"), leg("b"), leg("c"), seating=LECTURE)
    in_turn = SeatingRules(Mode.POLLING, interval=7.0)
    assert views(spec) == {"a": View("1", seating=in_turn, without="a"), "b": COMMON_VIEW, "c": COMMON_VIEW}
    spec = conference(leg("a", layout="4"), leg("b"), seating=LECTURE)
    assert views(spec)["a"] == View("4", seating=in_turn, without="a")


def test_a_lecturer_without_a_class_sees_itself():
    assert views(conference(leg("a"), seating=LECTURE)) == {"a": COMMON_VIEW}
    assert views(conference(leg("a"), leg("b", hidden=True), seating=LECTURE))["a"] == COMMON_VIEW


def test_a_lecture_without_its_lecturer_is_no_lecture():
    assert set(views(conference(leg("b"), leg("c"), seating=LECTURE)).values()) == {COMMON_VIEW}
    hidden = conference(leg("a", hidden=True), leg("b"), seating=LECTURE)
    assert set(views(hidden).values()) == {COMMON_VIEW}


def test_who_hides_itself_has_a_view_of_its_own():
    spec = conference(leg("a", hide_self=True), leg("b", hide_self=True), leg("c"))
    assert views(spec) == {"a": View(without="a"), "b": View(without="b"), "c": COMMON_VIEW}


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"hidden": True}, {}),
        ({"camera_muted": True}, {"seating": SeatingSpec(show_without_video=False)}),
        ({"video": None}, {"seating": SeatingSpec(show_without_video=False)}),
        ({}, {"seating": LECTURE}),
        ({}, {"watch": "a"}),
    ],
)
def test_hiding_oneself_makes_no_view_where_one_would_not_be_seen(changes, state):
    spec = conference(leg("a"), leg("b", hide_self=True, **changes), leg("c"), **state)
    assert views(spec)["b"] == COMMON_VIEW


def test_hiding_oneself_counts_in_a_layout_of_ones_own():
    spec = conference(leg("a", hide_self=True, layout="auto"), leg("b"), leg("c"), layout="1+5")
    assert views(spec)["a"] == View("2", without="a")
    assert views(conference(leg("a", hide_self=True, watch="b"), leg("b")))["a"] == View(watched="b")


def test_hidden_legs_are_watched_by_nobody():
    spec = conference(leg("a", watch="b"), leg("b", hidden=True), leg("c"), watch="b")
    assert set(views(spec).values()) == {COMMON_VIEW}


def test_a_layout_of_the_conferences_own_can_be_chosen():
    spec = conference(leg("a", layout="halves"), leg("b"), leg("c"), layouts=(HALVES,))
    assert views(spec)["a"] == View("halves")
    assert len(own_layouts(spec)["halves"].cells) == 2
    assert (
        views(conference(leg("a", layout="halves"), leg("b"), layouts=(HALVES,), layout="halves"))["a"] == COMMON_VIEW
    )


@pytest.mark.parametrize(
    ("choice", "second", "sharing", "expected"),
    [
        ("auto", True, False, (View(content=ContentPlace.OUTSIDE), View(content=ContentPlace.ALONE))),
        ("auto", False, False, (COMMON_VIEW, None)),
        ("tile", True, False, (View(content=ContentPlace.TILE), None)),
        ("tile", False, False, (View(content=ContentPlace.TILE), None)),
        ("swap", True, False, (View(content=ContentPlace.SWAPPED), View(content=ContentPlace.OUTSIDE))),
        ("swap", False, False, (COMMON_VIEW, None)),
        ("swap", True, True, (View(content=ContentPlace.OUTSIDE), None)),
    ],
)
def test_what_is_shared_comes_as_it_was_chosen(choice, second, sharing, expected):
    spec = conference(leg("a", content_choice=choice), leg("b"))
    assert views_for_leg(spec, spec.legs[0], shared=True, second=second, sharing=sharing) == expected
    assert views_for_leg(spec, spec.legs[0], shared=False, second=second, sharing=sharing) == (COMMON_VIEW, None)


def test_a_notice_is_drawn_only_where_nobody_else_would_see_it():
    shared, alone = View(watched="c"), View(watched="d")
    legs = {name: leg(name, notice=f"for {name}") for name in "abcd"}
    seen = {"a": shared, "b": shared, "c": alone, "d": COMMON_VIEW}
    assert notices(legs, seen) == {alone: "for c"}
