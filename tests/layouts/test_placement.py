"""Into which tiles a choice of people goes: as few as possible change places."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from layouts.placement import placed


def test_groups_take_the_tiles_in_order():
    assert placed([["z"], ["a", "b"]], [0, 1, 2, 3], {}) == {0: "z", 1: "a", 2: "b"}


def test_tiles_that_are_kept_for_somebody_else_are_left_out():
    assert placed([["a", "b"]], [1, 3], {}) == {1: "a", 3: "b"}


def test_who_had_a_tile_of_the_group_keeps_it_and_newcomers_fill_the_gaps():
    assert placed([["a", "n", "b", "m"]], [0, 1, 2, 3], {"a": 2, "b": 1}) == {0: "n", 1: "b", 2: "a", 3: "m"}


def test_who_had_a_tile_that_belongs_to_another_group_now_moves():
    assert placed([["z"], ["a", "b"]], [0, 1, 2], {"a": 0, "b": 1, "z": 2}) == {0: "z", 1: "b", 2: "a"}


def test_nobody_and_no_tiles():
    assert placed([], [0, 1], {"a": 0}) == {}
    assert placed([[]], [], {}) == {}


@given(st.permutations("abcdefg"), st.integers(0, 7), st.permutations("abcdefg"), st.integers(0, 7))
def test_everybody_gets_one_tile_and_who_can_stay_stays(order, count, before, former):
    people = order[:count]
    had = {who: tile for tile, who in enumerate(before[:former])}
    seats = placed([people], list(range(7)), had)
    assert sorted(seats.values()) == sorted(people)
    assert sorted(seats) == list(range(count))
    assert all(seats[tile] == who for who, tile in had.items() if who in people and tile < count)
