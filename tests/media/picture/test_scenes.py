"""Who is where in the pictures of a conference: modes, views, what is shared."""

from __future__ import annotations

from dataclasses import replace

import pytest

from layouts.catalogue import CATALOGUE
from layouts.custom import custom_layout
from layouts.rules import Mode, SeatingRules
from mcu.media.picture.page import Page
from mcu.media.picture.scenes import Scenes
from mcu.media.picture.state import COMMON_VIEW, CanvasFormat, ContentPlace, PictureSource, PictureState, View

SLIDES = PictureSource("content:a", "A", "H264", still=True)


def people(names: str, **changes: object) -> tuple[PictureSource, ...]:
    return tuple(
        replace(PictureSource(name, name.upper(), "H264", order=order), **changes)  # type: ignore[arg-type]
        for order, name in enumerate(names)
    )


class Stage:
    """Scenes, and what they show as letters: "*" is what is shared, "." an empty tile."""

    def __init__(self, names: str = "", **state: object) -> None:
        self.silent: set[str] = set()
        self.scenes = Scenes("conference", lambda source: source not in self.silent)
        self.state = PictureState(sources=people(names))
        self.change(**state)

    def change(self, **state: object) -> None:
        self.state = replace(self.state, **state)  # type: ignore[arg-type]
        self.scenes.apply(self.state)

    def form(self, view: View = COMMON_VIEW) -> CanvasFormat:
        return CanvasFormat(320, 180, 30, view)

    def shows(self, view: View = COMMON_VIEW, now: float = 0.0) -> str:
        seats = self.scenes.scene(self.form(view), now).seats
        return "".join("." if one is None else "*" if one.id.startswith("content:") else one.id for one in seats)

    def layout(self, view: View = COMMON_VIEW) -> str:
        """The name of the layout that a scene has the tiles of."""
        tiles = self.scenes.scene(self.form(view), 0.0).tiles
        return next(name for name, layout in CATALOGUE.items() if layout.tiles(320, 180) == tiles)


def test_people_sit_by_their_order_and_hidden_ones_nowhere():
    stage = Stage()
    hidden = replace(people("abcd")[1], hidden=True)
    stage.change(sources=(*people("abcd")[2:], hidden, people("a")[0]))
    assert (stage.shows(), stage.layout()) == ("acd", "3")
    assert stage.shows(View(watched="b")) == "acd"
    stage.change(watched="b")
    assert stage.shows() == "acd"


def test_the_speaker_is_framed_where_there_are_several():
    stage = Stage("abc")
    stage.scenes.speaks("c", 1.0)
    assert stage.scenes.scene(stage.form(), 1.0).speaker == 2
    assert stage.scenes.scene(stage.form(View(watched="c")), 1.0).speaker is None
    stage.scenes.speaks(None, 2.0)
    assert stage.scenes.scene(stage.form(), 2.0).speaker is None


def test_the_voice_gets_the_large_tile_and_says_when_to_look_again():
    stage = Stage("abcd", seating=SeatingRules(Mode.VOICE))
    assert (stage.shows(), stage.layout()) == ("abcd", "1+3")
    stage.scenes.speaks("c", 10.0)
    assert stage.shows(now=10.0) == "abcd"
    assert stage.scenes.next_deadline(10.0) == 11.0
    assert stage.shows(now=11.0) == "cbad"
    assert stage.scenes.next_deadline(11.0) is None


FOR_LEAD = View(for_lead=True)


def test_who_has_the_large_tile_for_its_voice_sees_the_one_before_there_and_not_itself():
    stage = Stage("abcd", seating=SeatingRules(Mode.VOICE))
    assert (stage.shows(), stage.scenes.leads()) == ("abcd", {COMMON_VIEW: "a"})
    assert stage.shows(FOR_LEAD) == "bacd", "nobody was there before: the next one"
    stage.scenes.speaks("c", 10.0)
    assert (stage.shows(now=11.0), stage.shows(FOR_LEAD, 11.0)) == ("cbad", "abcd")
    assert stage.scenes.leads() == {COMMON_VIEW: "c"}
    stage.scenes.speaks("d", 20.0)
    assert (stage.shows(now=21.0), stage.shows(FOR_LEAD, 21.0)) == ("dbac", "cbad")


def test_the_picture_for_the_lead_follows_the_usual_one_though_nobody_looks_at_that():
    stage = Stage("abc", layout="1")
    stage.scenes.speaks("b", 1.0)
    assert stage.shows(FOR_LEAD, now=2.0) == "a"
    stage.scenes.keep({FOR_LEAD})
    assert (stage.shows(FOR_LEAD, now=3.0), stage.scenes.leads()) == ("a", {COMMON_VIEW: "b"})
    stage.change(sources=people("b"))
    assert (stage.shows(FOR_LEAD, now=4.0), stage.scenes.leads()) == ("b", {})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"seating": SeatingRules(Mode.VOICE), "layout": "4"},
        {"seating": SeatingRules(Mode.POLLING), "layout": "1"},
        {"seating": SeatingRules(Mode.VOICE, pins=((0, "a"),)), "layout": "1"},
        {"seating": SeatingRules(Mode.LECTURE, lecturer="a")},
        {"watched": "a"},
    ],
)
def test_nobody_leads_where_tiles_are_equal_or_not_given_for_a_voice(changes):
    stage = Stage("abcd", **changes)
    stage.scenes.speaks("b", 1.0)
    stage.shows(now=30.0)
    assert stage.scenes.leads() == {}


def test_beside_what_is_shared_the_only_face_for_its_speaker_is_another():
    stage = Stage("abc", layout="1", seating=SeatingRules(Mode.VOICE), content=SLIDES)
    stage.scenes.speaks("b", 1.0)
    assert (stage.shows(now=2.0), stage.shows(FOR_LEAD, 2.0)) == ("*b", "*a")


def test_a_round_goes_on_by_itself():
    stage = Stage("abc", seating=SeatingRules(Mode.POLLING, interval=5.0))
    assert [stage.shows(now=now) for now in (0.0, 5.0, 10.0, 15.0)] == ["a", "b", "c", "a"]
    assert stage.scenes.next_deadline(15.0) == 19.0
    assert stage.scenes.next_deadline(19.0) == 20.0


def test_pictures_of_those_whose_turn_comes_are_decoded_a_second_before():
    stage = Stage("abc", seating=SeatingRules(Mode.POLLING, interval=5.0))
    whole = (320, 180)
    stage.shows()
    assert stage.scenes.expected(stage.form(), 3.9) == []
    assert stage.scenes.expected(stage.form(), 4.0) == [("b", whole)]
    stage.change(layout="1", seating=SeatingRules(Mode.VOICE))
    stage.shows(now=10.0)
    assert stage.scenes.expected(stage.form(), 10.0) == []
    stage.scenes.speaks("c", 10.0)
    stage.shows(now=10.0)
    assert stage.scenes.expected(stage.form(), 10.0) == [("c", whole)]
    stage.change(sources=(*people("ab"), replace(people("abc")[2], muted=True)))
    stage.shows(now=10.5)
    assert stage.scenes.expected(stage.form(), 10.5) == []


def test_all_sizes_of_a_view_show_the_same_people():
    stage = Stage("abc", seating=SeatingRules(Mode.POLLING, interval=5.0))
    small = CanvasFormat(160, 90, 15)
    for now in (0.0, 5.0, 10.0):
        assert stage.scenes.scene(small, now).seats == stage.scenes.scene(stage.form(), now).seats


def test_in_a_lecture_all_see_the_lecturer_and_the_lecturer_the_class_in_turn():
    stage = Stage("abcd", seating=SeatingRules(Mode.LECTURE, lecturer="b"))
    assert stage.shows() == "b"
    own = View("1", seating=SeatingRules(Mode.POLLING, interval=5.0), without="b")
    assert [stage.shows(own, now) for now in (0.0, 5.0, 10.0, 15.0)] == ["a", "c", "d", "a"]
    assert stage.shows(View("4")) == "bacd"
    stage.change(sources=people("acd"))
    assert stage.shows() == "acd"


def test_who_hides_itself_sees_the_others():
    stage = Stage("abc")
    stage.shows()
    assert stage.shows(View(without="a")) == "bc"
    assert (stage.shows(View(without="b")), stage.layout(View(without="b"))) == ("ac", "2")


def test_a_view_has_rules_of_its_own():
    stage = Stage("abcd")
    voice = View("1", seating=SeatingRules(Mode.VOICE))
    stage.shows(voice)
    stage.scenes.speaks("d", 1.0)
    assert stage.shows(voice, 2.5) == "d"
    assert stage.shows(now=2.5) == "abcd"


def test_a_new_view_begins_in_the_order_of_the_common_one_and_new_rules_with_their_own():
    stage = Stage("abcd")
    stage.shows()
    stage.change(sources=tuple(one for one in stage.state.sources if one.id != "b"))
    assert stage.shows() == "adc"
    assert stage.shows(View("4")) == "adc."
    stage.change(seating=SeatingRules(pins=((0, "d"),)))
    assert stage.shows() == "dac"
    stage.change(seating=SeatingRules())
    assert stage.shows() == "acd"


def test_a_view_that_nobody_has_any_more_is_forgotten():
    stage = Stage("abc", seating=SeatingRules(Mode.POLLING, interval=5.0))
    stage.shows()
    stage.shows(View("2"))
    stage.scenes.keep({View("2")})
    stage.shows(View("2"), 1.0)
    stage.scenes.keep(set())
    assert stage.scenes.next_deadline(2.0) is None


def test_without_video_nobody_is_shown_if_so_wished():
    stage = Stage("abcd", seating=SeatingRules(show_without_video=False))
    stage.silent = {"b"}
    stage.change(sources=(*people("abc"), replace(people("abcd")[3], muted=True)))
    assert (stage.shows(), stage.layout()) == ("ac", "2")
    assert stage.scenes.hides_silent()
    stage.silent = set()
    assert stage.shows() == "acb"
    stage.change(seating=SeatingRules())
    assert stage.shows() == "abcd"
    assert not stage.scenes.hides_silent()


@pytest.mark.parametrize(
    ("place", "shown", "layout"),
    [
        (ContentPlace.INSIDE, "*abc", "1+3"),
        (ContentPlace.OUTSIDE, "abc", "3"),
        (ContentPlace.TILE, "abc*", "4"),
        (ContentPlace.ALONE, "*", "1"),
        (ContentPlace.SWAPPED, "*", "1"),
    ],
)
def test_what_is_shared_is_where_the_view_has_it(place, shown, layout):
    stage = Stage("abc", content=SLIDES)
    assert (stage.shows(View(content=place)), stage.layout(View(content=place))) == (shown, layout)
    stage.change(content=None)
    assert stage.shows(View(content=place)).strip(".") == ("" if layout == "1" else "abc")


def test_what_is_shared_takes_the_first_tile_that_is_free_or_the_last():
    stage = Stage("abc", content=SLIDES)
    assert stage.shows(View("9", content=ContentPlace.TILE)) == "abc*....."
    assert stage.shows(View("3", content=ContentPlace.TILE)) == "ab*"
    assert stage.shows(View("1", content=ContentPlace.TILE)) == "*"
    stage.change(seating=SeatingRules(pins=((3, "a"),)))
    assert stage.shows(View("5", content=ContentPlace.TILE)) == "bc*a."


def test_what_is_shared_is_beside_who_is_watched():
    stage = Stage("abc", content=SLIDES)
    assert stage.shows(View(watched="b")) == "*b"
    assert stage.shows(View(watched="b", content=ContentPlace.TILE)) == "b*"
    assert stage.shows(View(watched="b", content=ContentPlace.OUTSIDE)) == "b"


def test_a_layout_made_for_content_or_of_ones_own_is_kept_while_something_is_shared():
    stage = Stage("abcdefgh", content=SLIDES, layout="content+2")
    assert stage.shows() == "*ab"
    own = custom_layout("mine", [(0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 0.5, 1.0)])
    stage.change(layouts={"mine": own}, layout="mine")
    assert stage.shows() == "*a"
    stage.change(content=None)
    assert stage.shows() == "ab"


def test_beside_what_is_shared_are_as_few_as_the_voice_or_the_round_has_tiles():
    stage = Stage("abcde", content=SLIDES, layout="1", seating=SeatingRules(Mode.VOICE))
    stage.shows()
    stage.scenes.speaks("d", 1.0)
    assert stage.shows(now=3.0) == "*d"
    stage.change(layout="2", seating=SeatingRules(Mode.POLLING, interval=5.0))
    assert [stage.shows(now=now) for now in (10.0, 15.0, 20.0)] == ["*ab", "*cd", "*ea"]


def test_an_own_layout_comes_before_that_of_the_catalogue_and_may_overlap():
    own = custom_layout("4", [(0.0, 0.0, 1.0, 1.0), (0.7, 0.7, 0.25, 0.25)], overlap=True)
    stage = Stage("abc", layout="4", layouts={"4": own})
    assert stage.shows() == "ab"
    assert stage.scenes.scene(stage.form(), 0.0).tiles[0].size == (320, 180)


def test_a_layout_nobody_knows_is_the_automatic_one_and_is_complained_about_once(caplog):
    stage = Stage("ab", layout="no such")
    assert [stage.layout() for _ in range(3)] == ["2"] * 3
    assert caplog.text.count("no such") == 1


def test_a_page_is_instead_of_everything():
    stage = Stage("ab", page=Page("title"))
    scene = stage.scenes.scene(stage.form(), 0.0)
    assert (scene.tiles, scene.seats, scene.page) == ((), (), Page("title"))
