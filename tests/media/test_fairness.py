"""Who gives way when the machine is short of CPU, and who gets back first."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.media.fairness import (
    CALM,
    DIVISORS,
    GRAVE_TICKS,
    JUDGED,
    LATE_TICKS,
    LONGEST_CALM,
    PERSISTENT,
    SETTLING,
    CanvasLoad,
    Fairness,
    Importance,
)

FULL_HD, HD = 1920 * 1080, 1280 * 720


def load(importance: Importance, pixels: int = FULL_HD, missed: int = 0) -> CanvasLoad:
    return CanvasLoad(importance, pixels, made=30 - missed, missed=missed)


CANVASES = {
    "own": load(Importance.OWN),
    "own, small": load(Importance.OWN, HD),
    "common": load(Importance.SHARED),
    "recorded": load(Importance.RECORDED),
}


def review(fairness: Fairness[str], reviews: int, late_ticks: int = 0) -> dict[str, int]:
    result: dict[str, int] = {}
    for _ in range(reviews):
        result = fairness.review(CANVASES, late_ticks)
    return result


def test_while_all_is_well_nobody_gives_way() -> None:
    assert review(Fairness(), 100, late_ticks=LATE_TICKS - 1) == dict.fromkeys(CANVASES, 1)


def test_late_sound_slows_down_the_least_important_first_step_by_step() -> None:
    fairness: Fairness[str] = Fairness()
    fallen = [key for _ in range(PERSISTENT - 1 + 12) if (key := _changed(fairness)) is not None]
    assert fallen == ["own"] * 3 + ["own, small"] * 3 + ["common"] * 3
    assert review(fairness, 5, LATE_TICKS) == {"own": 6, "own, small": 6, "common": 6, "recorded": 1}


LONE = {"common": load(Importance.SHARED)}


def test_a_lone_canvas_gives_for_sound_only_when_that_is_in_great_trouble() -> None:
    fairness: Fairness[str] = Fairness()
    assert {fairness.review(LONE, GRAVE_TICKS - 1)["common"] for _ in range(30)} == {1}
    assert fairness.review(LONE, GRAVE_TICKS) == {"common": 2}


def test_a_lone_canvas_goes_on_giving_while_that_helps_sound() -> None:
    fairness: Fairness[str] = Fairness()
    given = [fairness.review(LONE, ticks)["common"] for ticks in [40] + [20] * 4 + [12] * 4]
    assert given == [2] * 4 + [3] * 4 + [6]


def test_a_lone_canvas_gets_back_what_has_not_helped_sound_and_is_left_alone_for_a_while() -> None:
    fairness: Fairness[str] = Fairness()
    given = [fairness.review(LONE, 20)["common"] for _ in range(1 + JUDGED + LONGEST_CALM)]
    assert given == [2] * JUDGED + [1] * LONGEST_CALM + [2]


def test_of_equals_one_is_the_last() -> None:
    fairness: Fairness[str] = Fairness()
    equals = {"one": load(Importance.SHARED), "other": load(Importance.SHARED)}
    assert [fairness.review(equals, GRAVE_TICKS - 1) for _ in range(20)][-1] == {"one": 6, "other": 1}


@pytest.mark.parametrize("missed, divisor", [(9, 1), (10, 2), (25, 6)])
def test_a_lone_canvas_that_misses_pictures_gives_no_more_than_it_misses(missed: int, divisor: int) -> None:
    """What it misses at full rate is taken to fall with what it has to make."""
    fairness: Fairness[str] = Fairness()
    now, able = 1, 30 - missed
    for _ in range(3 * PERSISTENT + SETTLING):
        due = 30 // now
        made = min(due, able)
        now = fairness.review({"common": CanvasLoad(Importance.SHARED, FULL_HD, made, due - made)}, 0)["common"]
    assert now == divisor


def _changed(fairness: Fairness[str]) -> str | None:
    before = {key: DIVISORS[step] for key, step in fairness._steps.items()}
    after = fairness.review(CANVASES, LATE_TICKS)
    return next((key for key in CANVASES if after[key] != before.get(key, 1)), None)


def test_a_canvas_that_misses_pictures_is_a_sign_as_well() -> None:
    fairness = settled()
    short = CANVASES | {"recorded": load(Importance.RECORDED, missed=5)}
    results = [fairness.review(short, 0) for _ in range(PERSISTENT)]
    assert results[-1] == {"own": 2, "own, small": 1, "common": 1, "recorded": 1}
    once = CANVASES | {"recorded": load(Importance.RECORDED, missed=1)}
    fairness = settled()
    assert [fairness.review(once, 0) for _ in range(10)] == [dict.fromkeys(CANVASES, 1)] * 10


def settled() -> Fairness[str]:
    """Canvases that have been there for a while."""
    fairness: Fairness[str] = Fairness()
    review(fairness, SETTLING)
    return fairness


@pytest.mark.parametrize("late_ticks, missed", [(GRAVE_TICKS - 1, 0), (0, 20)])
def test_a_hiccup_takes_nothing_from_anybody(late_ticks: int, missed: int) -> None:
    fairness = settled()
    stumbling = {key: load(canvas.importance, missed=missed) for key, canvas in CANVASES.items()}
    for _ in range(10):
        for _ in range(PERSISTENT - 1):
            assert fairness.review(stumbling, late_ticks) == dict.fromkeys(CANVASES, 1)
        assert review(fairness, 1) == dict.fromkeys(CANVASES, 1)


def test_pictures_that_a_new_canvas_misses_are_no_sign() -> None:
    fairness = settled()
    opening = CANVASES | {"new": load(Importance.OWN, 1, missed=25)}
    for _ in range(SETTLING):
        assert set(fairness.review(opening, 0).values()) == {1}
    assert [max(fairness.review(opening, 0).values()) for _ in range(PERSISTENT)] == [1] * (PERSISTENT - 1) + [2]


def test_what_equals_miss_is_not_taken_from_one_of_them() -> None:
    fairness: Fairness[str] = Fairness()
    missing = {"one": load(Importance.OWN, missed=5), "other": load(Importance.OWN, missed=4)}
    assert [max(fairness.review(missing, 0).values()) for _ in range(30)] == [1] * 30
    jerky = missing | {"other": load(Importance.OWN, missed=10)}
    assert [max(fairness.review(jerky, 0).values()) for _ in range(2)] == [2, 3]


def fast(missed: int = 0, divisor: int = 1) -> CanvasLoad:
    due = 60 // divisor
    return CanvasLoad(Importance.SHARED, HD, due - missed // divisor, missed // divisor, rate=60)


def test_sixty_pictures_a_second_become_thirty_before_thirty_become_fewer_and_come_back_last() -> None:
    """Two rooms see the same at different rates, whichever of them came first."""
    for names in (("fast", "usual"), ("usual", "fast")):
        fairness: Fairness[str] = Fairness()
        given = {"fast": 1, "usual": 1}
        fallen, risen = [], []
        for late_ticks, steps, seen in ((LATE_TICKS, PERSISTENT + 3, fallen), (0, 20 * CALM, risen)):
            for _ in range(steps):
                loads = {"fast": fast(divisor=given["fast"]), "usual": load(Importance.SHARED, HD)}
                after = fairness.review({name: loads[name] for name in names}, late_ticks)
                seen += [(name, after[name]) for name in after if after[name] != given[name]]
                given = after
        assert fallen[0] == ("fast", 2) and risen[-1] == ("fast", 1)
        assert given == {"fast": 1, "usual": 1}


@pytest.mark.parametrize("missed, divisor", [(8, 1), (10, 2), (20, 2), (29, 2)])
def test_a_lone_canvas_of_sixty_that_misses_pictures_makes_a_steady_thirty(missed: int, divisor: int) -> None:
    fairness: Fairness[str] = Fairness()
    now = 1
    for _ in range(SETTLING + 3 * PERSISTENT):
        # Once it makes thirty a machine that can make more misses none.
        now = fairness.review({"common": fast(missed if now == 1 else 0, now)}, 0)["common"]
    assert now == divisor


def test_a_lone_canvas_of_sixty_comes_back_in_calm_and_later_each_time_that_it_was_too_much() -> None:
    fairness: Fairness[str] = Fairness()
    rates = [1]
    for _ in range(SETTLING + 200):
        rates.append(fairness.review({"common": fast(20 if rates[-1] == 1 else 0, rates[-1])}, 0)["common"])
    runs = [(rate, len(list(run))) for rate, run in itertools.groupby(rates)]
    assert [rate for rate, _ in runs[:6]] == [1, 2, 1, 2, 1, 2]
    waits = [length for rate, length in runs if rate == 2]
    assert waits[:4] == [CALM, 2 * CALM, 4 * CALM, 8 * CALM]


def test_nothing_is_given_back_while_pictures_are_missed() -> None:
    fairness: Fairness[str] = Fairness()
    pair = {"one": load(Importance.OWN), "other": load(Importance.OWN)}
    for _ in range(PERSISTENT):
        fairness.review(pair, LATE_TICKS)
    missing = pair | {"other": load(Importance.OWN, missed=5)}
    assert {fairness.review(missing, 0)["one"] for _ in range(10 * CALM)} == {2}


def test_sound_in_great_trouble_is_helped_at_once() -> None:
    assert settled().review(CANVASES, GRAVE_TICKS)["own"] == 2


def test_in_calm_the_most_important_gets_back_first() -> None:
    fairness: Fairness[str] = Fairness()
    review(fairness, PERSISTENT - 1 + 7, LATE_TICKS)
    assert review(fairness, CALM - 1) == {"own": 6, "own, small": 6, "common": 2, "recorded": 1}
    assert review(fairness, 1) == {"own": 6, "own, small": 6, "common": 1, "recorded": 1}
    assert review(fairness, CALM) == {"own": 6, "own, small": 3, "common": 1, "recorded": 1}
    assert review(fairness, 10 * CALM) == dict.fromkeys(CANVASES, 1)


def test_what_brought_trouble_back_is_tried_again_ever_later() -> None:
    fairness: Fairness[str] = Fairness()
    review(fairness, PERSISTENT, LATE_TICKS)
    waits = []
    for _ in range(6):
        waited = 1
        while review(fairness, 1)["own"] != 1:
            waited += 1
        waits.append(waited)
        assert review(fairness, 2)["own"] == 1
        assert review(fairness, PERSISTENT, LATE_TICKS)["own"] == 2
    assert waits == [CALM, 2 * CALM, 4 * CALM, 8 * CALM, LONGEST_CALM, LONGEST_CALM]


def test_after_a_long_calm_it_is_tried_as_soon_as_ever() -> None:
    fairness: Fairness[str] = Fairness()
    for _ in range(3):
        review(fairness, PERSISTENT, LATE_TICKS)
        review(fairness, LONGEST_CALM)
    review(fairness, LONGEST_CALM)
    review(fairness, PERSISTENT, LATE_TICKS)
    assert review(fairness, CALM)["own"] == 1


def test_a_canvas_that_has_gone_is_forgotten() -> None:
    fairness: Fairness[str] = Fairness()
    review(fairness, PERSISTENT - 1 + 3, LATE_TICKS)
    assert fairness.review({"common": CANVASES["common"]}, 0) == {"common": 1}
    assert fairness.review(CANVASES, 0) == dict.fromkeys(CANVASES, 1)


@given(st.lists(st.integers(0, 5), max_size=80))
def test_nobody_important_gives_way_before_the_less_important_gave_all(late: list[int]) -> None:
    fairness: Fairness[str] = Fairness()
    order = list(CANVASES)
    for ticks in late:
        divisors = fairness.review(CANVASES, ticks)
        for less, more in itertools.pairwise(order):
            assert divisors[more] == 1 or divisors[less] == DIVISORS[-1]
