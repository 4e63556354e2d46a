"""Who sits where, mode by mode."""

from __future__ import annotations

import pytest

from layouts.rules import Mode, SeatingRules, Sitter
from layouts.seating import Seating
from layouts.speech import Speech


class Picture:
    """A seating and the conversation it is about."""

    def __init__(self, rules: SeatingRules, tiles: int) -> None:
        self.seating = Seating(rules)
        self.speech = Speech()
        self.tiles = tiles
        self.people: list[Sitter] = []

    def look(self, now: float = 0.0) -> str:
        """The seats as one letter each; a dot is an empty tile."""
        seats = self.seating.seats(self.people, self.tiles, self.speech, now)
        return "".join(who or "." for who in seats)

    def with_people(self, names: str, priority: int = 0, without_video: str = "") -> str:
        known = {one.id: one for one in self.people}
        self.people = [known.get(who) or Sitter(who, priority, who not in without_video) for who in names]
        return self.look()

    def speaks(self, who: str | None, now: float) -> str:
        self.speech.speaks(who, now)
        return self.look(now)


def picture(tiles: int, mode: Mode = Mode.ORDER, **rules: object) -> Picture:
    return Picture(SeatingRules(mode, **rules), tiles)  # type: ignore[arg-type]


def test_people_sit_in_order_of_joining():
    assert picture(4).with_people("abc") == "abc."


def test_newcomers_move_nobody_and_who_leaves_moves_only_the_last():
    room = picture(6)
    assert room.with_people("abcd") == "abcd.."
    assert room.with_people("abcde") == "abcde."
    assert room.with_people("acde") == "aecd.."


def test_too_many_people_leave_the_last_without_a_tile():
    assert picture(2).with_people("abc") == "ab"


def test_no_tiles_and_nobody():
    assert picture(0).with_people("abc") == ""
    assert picture(2).with_people("") == ".."


def test_who_speaks_gets_the_last_tile_and_keeps_it_while_those_with_tiles_speak():
    room = picture(3, hold=3.0)
    room.with_people("abcde")
    assert room.speaks("e", 1.0) == "abe"
    assert room.speaks("a", 2.0) == "abe"
    assert room.speaks(None, 20.0) == "abe"
    assert room.speaks("c", 30.0) == "abc"


def test_the_last_tile_does_not_go_back_and_forth_faster_than_the_hold():
    room = picture(2, hold=3.0)
    room.with_people("abcd")
    assert room.speaks("c", 10.0) == "ac"
    assert room.speaks("d", 11.0) == "ac"
    assert room.seating.next_deadline() == 13.0
    assert room.look(13.0) == "ad"


def test_the_speaker_gets_the_first_tile_by_changing_places():
    room = picture(4, Mode.VOICE)
    room.with_people("abcd")
    room.speaks("c", 10.0)
    assert room.look(10.9) == "abcd"
    assert room.seating.next_deadline() == 11.0
    assert room.look(11.0) == "cbad"
    room.speaks("d", 20.0)
    assert room.look(21.0) == "dbac"


def test_a_speaker_without_a_tile_takes_that_of_whoever_has_not_spoken_for_longest():
    room = picture(3, Mode.VOICE)
    room.with_people("abcde")
    now = 0.0
    for who in "abd":
        room.speaks(who, now)
        now += 5
        room.look(now)
    assert set(room.look(now)) == set("dab") and room.look(now)[0] == "d"
    room.speaks("e", now)
    # a spoke before b and has to go.
    assert set(room.look(now + 5)) == set("edb") and room.look(now + 5)[0] == "e"


def test_the_tiles_go_on_to_the_next_people():
    room = picture(2, Mode.POLLING, interval=10.0)
    assert room.with_people("abcde") == "ab"
    assert room.seating.next_deadline() == 10.0
    assert room.look(10.0) == "cd"
    # a would have had the second turn of this round beside e; it takes the tile that is free.
    assert room.look(20.0) == "ea"


def test_who_stays_through_a_turn_of_the_round_keeps_the_tile():
    room = picture(4, Mode.POLLING, interval=10.0)
    assert room.with_people("abcde") == "abcd"
    assert room.look(10.0) == "abce"


def test_people_with_priority_stay_while_the_round_goes_over_the_others():
    room = picture(2, Mode.POLLING, interval=10.0)
    room.people = [Sitter("a"), Sitter("b"), Sitter("z", priority=5), Sitter("c")]
    assert [room.look(now) for now in (0.0, 10.0, 20.0, 30.0)] == ["za", "zb", "zc", "za"]


def test_a_round_without_a_tile_to_spare_goes_over_all():
    room = picture(1, Mode.POLLING, interval=10.0)
    room.people = [Sitter("a"), Sitter("z", priority=1), Sitter("b")]
    assert [room.look(now) for now in (0.0, 10.0, 20.0, 30.0)] == ["z", "a", "b", "z"]


def test_the_lecturer_has_the_first_tile():
    room = picture(3, Mode.LECTURE, lecturer="c")
    assert room.with_people("abcd") == "cab"
    # When the lecturer has gone, the others sit in order.
    assert room.with_people("abd") == "dab"


def test_priority_comes_first_and_among_equals_the_order_of_joining():
    room = picture(3)
    room.with_people("abc")
    room.people = [*room.people, Sitter("z", priority=2)]
    assert room.look() == "zba"
    room.people = [*room.people, Sitter("y", priority=2)]
    assert room.look()[:2] == "zy"


def test_whoever_is_given_priority_sits_first_and_goes_back_when_it_is_taken_away():
    room = picture(4)
    room.with_people("abc")
    a, b, c = room.people
    room.people = [a, b, Sitter("c", priority=20)]
    assert room.look() == "cab."
    room.people = [a, b, c]
    assert room.look() == "abc."


@pytest.mark.parametrize("mode", Mode)
def test_pins_hold_in_every_mode(mode):
    room = picture(4, mode, pins=((2, "a"), (9, "b"), (3, "gone"), (2, "c"), (1, "a")), lecturer="a", interval=1.0)
    room.with_people("abcdefg")
    for step, who in enumerate("abcdefgfedcba"):
        assert room.speaks(who, step * 10.0)[2] == "a"
        assert room.look(step * 10.0 + 9)[2] == "a"


def test_a_pinned_speaker_stays_where_it_is():
    room = picture(3, Mode.VOICE, pins=((2, "c"),))
    room.with_people("abcd")
    room.speaks("c", 10.0)
    assert room.look(20.0) == "abc"


def test_people_without_video_are_left_out_but_for_pins_and_the_lecturer():
    room = picture(4, show_without_video=False, pins=((1, "c"),))
    assert room.with_people("abcd", without_video="bc") == "acd."
    room = picture(4, Mode.LECTURE, show_without_video=False, lecturer="b")
    assert room.with_people("abcd", without_video="bc") == "bad."


def test_a_new_picture_begins_with_the_seats_of_another():
    room = picture(4)
    room.with_people("abcd")
    room.with_people("acd")
    other = Seating(SeatingRules(), room.seating.taken)
    assert other.seats(room.people, 4, room.speech, 0.0) == ("a", "d", "c", None)
