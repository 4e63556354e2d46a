"""Pictures that a network delays by turns leave evenly, and on a good network none waits."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

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


def test_the_wait_has_a_bound() -> None:
    _, hold = leaving(60, lambda number: (number // 8 % 7) * 0.15)
    assert hold.margin == pytest.approx(MAX_MARGIN)


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
