"""Who sees what: equal needs are one view, and nothing changes for those who choose nothing."""

from __future__ import annotations

from mcu.media.picture.state import COMMON_VIEW, View
from mcu.media.picture.views import notices, view_for_leg
from mcu.media.spec import ConferenceSpec, LegSpec
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


def test_a_notice_is_drawn_only_where_nobody_else_would_see_it():
    shared, alone = View(watched="c"), View(watched="d")
    legs = {name: leg(name, notice=f"for {name}") for name in "abcd"}
    seen = {"a": shared, "b": shared, "c": alone, "d": COMMON_VIEW}
    assert notices(legs, seen) == {alone: "for c"}
