"""Who is heard where the loudest are: by level, without moving for nothing."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.media.forwarding.loudest import LEAD, STAY, VOICES, Loudest

NAMES = ("ann", "bob", "cat", "dan", "eve")
LOUD, ROOM = 20, 70


def talk(loudest: Loudest, levels: dict[str, int], begin: float, seconds: float) -> float:
    now = begin
    while now < begin + seconds:
        for who, level in levels.items():
            loudest.heard(who, level, now)
        now += 0.02
    return now


def test_who_speaks_takes_the_place_of_the_most_silent_at_its_first_packets() -> None:
    loudest = Loudest()
    now = talk(loudest, {"ann": ROOM, "bob": LOUD, "cat": ROOM + 5, "dan": ROOM}, 0.0, 2.0)
    assert set(loudest.to("eve")) == {"ann", "bob", "cat"}
    assert loudest.heard("dan", LOUD, now)
    assert set(loudest.to("eve")) == {"ann", "bob", "dan"}


def test_the_fourth_is_for_those_who_are_among_the_loudest_themselves() -> None:
    loudest = Loudest()
    talk(loudest, {"ann": 10, "bob": 12, "cat": 14, "dan": 25}, 0.0, 2.0)
    assert set(loudest.to("ann")) == {"bob", "cat", "dan"}
    assert set(loudest.to("dan")) == set(loudest.to("eve")) == {"ann", "bob", "cat"}


def test_a_little_louder_is_not_enough_and_a_gap_between_words_neither() -> None:
    loudest = Loudest()
    now = talk(loudest, {"ann": 20, "bob": 20, "cat": 20}, 0.0, 1.0)
    now = talk(loudest, {"ann": 20, "bob": 20, "cat": 20, "dan": 20 - int(LEAD) + 1}, now, 1.0)
    assert "dan" not in loudest.to("eve")
    now = talk(loudest, {"ann": 90, "bob": 20, "cat": 20, "dan": 40}, now, 0.3)
    assert "dan" not in loudest.to("eve")
    talk(loudest, {"ann": 90, "bob": 20, "cat": 20, "dan": 40}, now, 1.0)
    assert "dan" in loudest.to("eve") and "ann" not in loudest.to("eve")


def test_whoever_came_a_moment_ago_stays_and_silence_displaces_nobody() -> None:
    loudest = Loudest()
    talk(loudest, {"ann": 100, "bob": 100, "cat": 100}, 0.0, STAY / 2)
    assert not loudest.heard("ann", 127, STAY)
    loudest.heard("dan", 127, STAY)
    assert loudest.to("eve") == ("ann", "bob", "cat")
    assert loudest.is_silent("ann", 1.0) and loudest.is_silent("nobody", 1.0)


def test_who_is_gone_is_forgotten() -> None:
    loudest = Loudest()
    talk(loudest, {"ann": 10, "bob": 12, "cat": 14, "dan": 25}, 0.0, 2.0)
    assert loudest.keep({"bob", "cat", "dan"}) and not loudest.keep({"bob", "cat", "dan"})
    assert loudest.to("eve") == ("bob", "cat")
    assert loudest.keep({"bob", "cat"})
    assert loudest.to("bob") == ("cat",)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 127), st.floats(0.0, 1.0)), max_size=80))
def test_whatever_is_said_nobody_hears_itself_and_never_more_than_there_is_room_for(
    steps: list[tuple[str, int, float]],
) -> None:
    loudest, now = Loudest(), 0.0
    before: dict[str, tuple[str, ...]] = dict.fromkeys(NAMES, ())
    for who, level, pause in steps:
        now += pause
        changed = loudest.heard(who, level, now)
        heard = {name: loudest.to(name) for name in NAMES}
        for name, voices in heard.items():
            assert name not in voices and len(set(voices)) == len(voices) <= VOICES
        assert changed or heard == before
        before = heard
