"""Pictures that a network delays by turns leave evenly, and on a good network none waits."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

from mcu.media.jitter_peaks import MAXIMUM
from mcu.media.picture_hold import PictureHold
from mcu.media.picture_pace import MAX_MARGIN, UNNOTICED, ArrivalPace
from mcu.media.units import CodedPicture

INTERVAL = 1 / 30
FIRST_TIMESTAMP = 5_000_000


def leaving(seconds: float, delay: Callable[[int], float], goal: float = 0.0) -> tuple[list[float], PictureHold]:
    """When pictures leave that are captured evenly and come in order, each ``delay`` later."""
    hold = PictureHold()
    hold.goal = goal
    arrivals: list[float] = []
    for number in range(round(seconds * 30)):
        arrivals.append(max([number * INTERVAL + delay(number), *arrivals[-1:]]))
    left: list[float] = []
    for number, at in enumerate(arrivals):
        left += [unit.time for unit in hold.due(at)]
        timestamp = FIRST_TIMESTAMP + round(number * INTERVAL * 90_000)
        hold.push(CodedPicture(b"", False, at, timestamp), at)
    return left + [unit.time for unit in hold.due(float("inf"))], hold


def test_on_a_good_network_no_picture_waits() -> None:
    rng = random.Random(1)
    delays = [0.02 + rng.random() * 0.02 for _ in range(300)]
    left, hold = leaving(10, lambda number: delays[number])
    assert hold.margin == 0.0
    assert left == pytest.approx(np.maximum.accumulate([n * INTERVAL + d for n, d in enumerate(delays)]).tolist())


def test_pictures_that_wait_for_repetitions_come_to_leave_evenly() -> None:
    rng = random.Random(2)
    delays = [0.02 + (rng.choice([0.06, 0.11, 0.2]) if rng.random() < 0.25 else 0.0) for _ in range(900)]
    left, hold = leaving(30, lambda number: delays[number])
    assert UNNOTICED < hold.margin <= MAX_MARGIN
    steps = np.diff(left[450:])
    assert np.quantile(steps, 0.99) < 2 * INTERVAL
    assert np.mean(np.array(left[450:]) - np.arange(450, 900) * INTERVAL) < 0.3


def test_what_was_late_once_is_forgotten() -> None:
    _, hold = leaving(60, lambda number: 0.2 if number < 300 and number % 4 == 0 else 0.0)
    assert hold.margin == 0.0


def test_what_is_late_by_turns_is_waited_for_within_a_bound() -> None:
    rng = random.Random(5)
    late = [rng.random() for _ in range(900)]
    _, hold = leaving(30, lambda number: 0.14 if late[number] < 0.3 else 0.0)
    assert 0.05 < hold.margin <= MAX_MARGIN


def wobble(most: float, seed: int) -> Callable[[int], float]:
    """The delay is another one four times a second."""
    rng = random.Random(seed)
    delays = [rng.random() * most for _ in range(400)]
    return lambda number: delays[number * 4 // 30]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_second_of_jitter_is_even_after_two_seconds_and_over_as_soon_as_it_ends(seed: int) -> None:
    jitter = wobble(1.0, seed)
    left, hold = leaving(24, lambda number: jitter(number) if 60 <= number < 360 else 0.0)
    steps = np.diff(left)[int(np.searchsorted(left, 2 + 2)) :]
    assert steps[steps > 0.15].sum() < 0.03 * 8
    assert left[350] - 350 * INTERVAL > 0.7
    assert hold.margin == 0.0 and hold.held < 0.05


def test_one_stall_leaves_no_wait_behind() -> None:
    left, hold = leaving(14, lambda number: max(0.0, 0.8 - (number - 60) * INTERVAL) if number >= 60 else 0.0)
    assert hold.margin == hold.held == 0.0
    assert max(left[number] - number * INTERVAL for number in range(90, 420)) < 0.3
    assert left[-1] == pytest.approx(419 * INTERVAL)


def test_the_longest_wait_has_a_bound() -> None:
    _, hold = leaving(60, lambda number: number // 8 % 7 * 0.25)
    assert 0.5 < hold.held <= MAXIMUM


def test_a_wait_for_sound_makes_a_second_of_jitter_even() -> None:
    rng = random.Random(3)
    jitter = [rng.random() for _ in range(400)]
    left, _ = leaving(50, lambda number: jitter[number // 8], goal=0.5)
    assert np.quantile(np.diff(left[900:]), 0.97) < 3 * INTERVAL


def test_a_sender_that_starts_anew_is_followed_at_once() -> None:
    pace = ArrivalPace()
    for number in range(60):
        pace.due(number * INTERVAL, round(number * INTERVAL * 90_000))
    assert pace.due(2.0, 1 << 40) == pytest.approx(2.0)
    assert pace.margin == 0.0


def test_a_picture_without_a_timestamp_was_due_when_it_came() -> None:
    assert ArrivalPace().due(7.0, None) == 7.0
