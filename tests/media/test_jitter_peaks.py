"""What comes late again and again is waited for, what did so once is not, and calm is believed."""

from __future__ import annotations

import random

import pytest

from mcu.media.jitter_peaks import CALM, MAXIMUM, MEMORY, NONE, PEAK, JitterPeaks


def seen(count: int, *peaks: tuple[float, float]) -> JitterPeaks:
    """(when, how late) of what came late."""
    found = JitterPeaks(count)
    for at, late in peaks:
        found.observe(7.0 + late, 7.0, at)
    return found


def test_one_stall_is_not_waited_for_however_much_it_held_up() -> None:
    burst = [(1.0 + number / 1000, 0.8 - number / 50) for number in range(40)]
    assert seen(2, *burst).wanted(7.0, 1.1) == NONE


def test_small_lateness_is_left_to_quantiles() -> None:
    assert seen(2, *((number / 10, PEAK - 0.01) for number in range(50))).wanted(7.0, 5.0) == NONE


def test_the_second_stall_is_waited_for_with_something_to_spare() -> None:
    least, enough = seen(2, (1.0, 0.4), (2.0, 0.4)).wanted(7.0, 2.0)
    assert least == pytest.approx(0.4)
    assert enough == pytest.approx(0.6)


def test_a_long_stall_after_a_short_one_is_not_waited_for_whole() -> None:
    least, enough = seen(2, (1.0, 0.2), (2.0, 0.9)).wanted(7.0, 2.0)
    assert least == enough == pytest.approx(0.3)


def test_pictures_want_more_of_them() -> None:
    assert seen(3, (1.0, 0.4), (2.0, 0.4)).wanted(7.0, 2.0) == NONE
    assert seen(3, (1.0, 0.4), (2.0, 0.4), (3.0, 0.4)).wanted(7.0, 3.0).least == pytest.approx(0.4)


def test_a_second_of_jitter_is_known_within_two_seconds_and_bounded() -> None:
    rng = random.Random(1)
    peaks = sorted((number / 50 + (late := rng.random()), late) for number in range(1000))
    found = seen(2, *((at, late) for at, late in peaks if at < 2.0))
    assert found.wanted(7.0, 2.0).enough > 0.95
    assert seen(2, *peaks).wanted(7.0, 20.0).enough <= MAXIMUM
    assert seen(2, (1.0, 3.0), (2.0, 3.0)).wanted(7.0, 2.0).least == MAXIMUM


def test_calm_is_believed_sooner_where_trouble_came_often() -> None:
    often = seen(2, *((number / 4, 0.5) for number in range(21)))  # until 5.0
    assert often.wanted(7.0, 5.0 + CALM - 0.1).least == pytest.approx(0.5)
    assert often.wanted(7.0, 5.0 + CALM + 0.1) == NONE
    seldom = seen(2, (0.0, 0.5), (3.0, 0.5), (6.0, 0.5))
    assert seldom.wanted(7.0, 6.0 + CALM + 1).least == pytest.approx(0.5)
    assert seldom.wanted(7.0, 3.0 + MEMORY + 0.1) == NONE


def test_what_is_wanted_follows_the_fastest_way() -> None:
    found = seen(2, (1.0, 0.5), (2.0, 0.5))
    assert found.wanted(7.2, 2.0).least == pytest.approx(0.3)
    assert found.wanted(8.0, 2.0) == NONE


def test_a_sender_that_begins_anew_has_no_past() -> None:
    found = seen(2, (1.0, 0.5), (2.0, 0.5))
    found.reset()
    assert found.wanted(7.0, 2.0) == NONE
