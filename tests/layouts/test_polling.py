"""The round: everybody comes, nobody twice before all have been."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from layouts.polling import PollingRound


def test_all_are_seen_where_there_is_room():
    polling = PollingRound(10)
    assert polling.turn("abc", 3, 0.0) == ("a", "b", "c")
    assert polling.deadline is None
    assert polling.turn("abc", 3, 1000.0) == ("a", "b", "c")
    assert polling.next == ()


def test_the_next_come_when_the_interval_is_over():
    polling = PollingRound(10)
    assert polling.turn("abcde", 2, 0.0) == ("a", "b")
    assert polling.turn("abcde", 2, 9.9) == ("a", "b")
    assert polling.next == ("c", "d")
    assert polling.turn("abcde", 2, 10.0) == ("c", "d")
    assert polling.turn("abcde", 2, 10.0) == ("c", "d")
    assert polling.deadline == 20.0
    assert polling.turn("abcde", 2, 20.0) == ("e", "a")


def test_who_leaves_is_replaced_at_once_and_newcomers_wait_for_their_turn():
    polling = PollingRound(10)
    polling.turn("abcd", 2, 0.0)
    assert polling.turn("acde", 2, 3.0) == ("a", "c")
    assert polling.turn("acde", 2, 10.0) == ("d", "e")


def test_after_a_standstill_the_round_does_not_race():
    polling = PollingRound(10)
    polling.turn("abc", 1, 0.0)
    assert polling.turn("abc", 1, 1000.0) == ("b",)
    assert polling.deadline == 1010.0


def test_more_and_fewer_places_in_the_middle_of_a_round():
    polling = PollingRound(10)
    polling.turn("abcdef", 4, 0.0)
    assert polling.turn("abcdef", 2, 1.0) == ("a", "b")
    assert polling.turn("abcdef", 3, 2.0) == ("a", "b", "c")
    assert polling.turn("abcdef", 0, 3.0) == ()


@given(st.integers(2, 12), st.integers(1, 6))
def test_nobody_waits_longer_than_a_round(people, places):
    names = [str(number) for number in range(people)]
    polling = PollingRound(1.0)
    turns = -(-people // places)
    for start in range(3):
        seen: set[str] = set()
        for turn in range(turns):
            seen |= set(polling.turn(names, places, float(start * turns + turn)))
        assert seen == set(names)
