import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.media.picture.frame_clock import FrameClock, phase


@pytest.mark.parametrize("count", [2, 3, 4, 8, 16])
def test_clocks_that_begin_together_tick_far_from_each_other(count):
    phases = sorted(phase(number, 30) for number in range(count))
    assert phases[0] == 0.0 and phases[-1] < 1 / 30
    gaps = [later - earlier for earlier, later in itertools.pairwise([*phases, 1 / 30])]
    assert min(gaps) > 0.4 / 30 / count


def test_nothing_is_due_early():
    clock = FrameClock(30, 100.0)
    assert clock.tick(100.0).time == 100.0
    assert clock.tick(100.01) is None


def test_instants_are_even_whenever_the_thread_wakes():
    clock = FrameClock(30, 0.0)
    times = [clock.tick(index / 30 + 0.004).time for index in range(90)]
    assert times == [index / 30 for index in range(90)]


def test_a_late_picture_is_made_up_for():
    clock = FrameClock(10, 0.0)
    clock.tick(0.0)
    first, second = clock.tick(0.25), clock.tick(0.25)
    assert (first.time, first.missed, second.time, second.missed) == (0.1, 0, 0.2, 0)
    assert clock.tick(0.25) is None


def test_catching_up_is_bounded_and_what_is_given_up_is_counted():
    clock = FrameClock(10, 0.0)
    clock.tick(0.0)
    tick = clock.tick(5.05)
    assert (tick.missed, round(tick.time, 6)) == (48, 4.9)
    assert clock.tick(5.05).missed == 0
    assert clock.tick(5.05) is None


@given(st.lists(st.floats(0, 0.5), max_size=50), st.sampled_from([5, 25, 30, 60]))
def test_every_instant_is_either_made_or_counted(steps, rate):
    clock = FrameClock(rate, 0.0)
    now, made, missed, last = 0.0, 0, 0, -1.0
    for step in steps:
        now += step
        while (tick := clock.tick(now)) is not None:
            assert last < tick.time <= now + 1e-9
            made, missed, last = made + 1, missed + tick.missed, tick.time
    assert made + missed == round(clock.deadline * rate)
