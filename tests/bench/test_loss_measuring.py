"""What the benchmark of bad networks makes of what was seen."""

from __future__ import annotations

import numpy as np
import pytest

from bench.bottleneck import cap_figures
from bench.loss_call import quality_of, recover_seconds
from bench.loss_view import Seen, freeze_ratio, shown_at, similarity

RATE = 30


def seen(start: float, end: float, likeness: float, every: int = 1) -> list[Seen]:
    numbers = range(round(start * RATE), round(end * RATE), every)
    return [Seen(number, number / RATE, number * 3000, likeness if number % 3 == 0 else None) for number in numbers]


def test_quality_falls_with_likeness_and_with_missing_pictures() -> None:
    good, blurred, halting = seen(0, 4, 0.99), seen(0, 4, 0.95), seen(0, 4, 0.99, every=3)
    assert quality_of(good, RATE, 0, 4) == pytest.approx(20.0, abs=0.2)
    assert quality_of(blurred, RATE, 0, 4) == pytest.approx(13.0, abs=0.2)
    assert quality_of(halting, RATE, 0, 4) == pytest.approx(20 / 3, abs=0.3)
    assert quality_of([], RATE, 0, 4) == 0.0


def test_recovery_is_counted_from_the_end_of_the_shortage_to_nine_tenths_of_the_quality() -> None:
    call = [*seen(0, 4, 0.99), *seen(4, 17, 0.93), *seen(17, 30, 0.985)]
    found = recover_seconds(call, RATE, (0, 4), 12, 30)
    assert found == pytest.approx(5.0, abs=0.6)
    assert recover_seconds([*seen(0, 4, 0.99), *seen(4, 30, 0.93)], RATE, (0, 4), 12, 30) is None


def test_a_player_with_a_buffer_shows_late_pictures_in_step() -> None:
    late = [Seen(n, n / RATE + (0.1 if n % 7 == 0 else 0.0), n * 3000, None) for n in range(90)]
    assert freeze_ratio(shown_at(late, 0.2), 0.3, 3.0, 1 / RATE) == 0.0
    gone = [one for one in late if not 30 <= (one.number or 0) < 60]
    assert freeze_ratio(shown_at(gone, 0.2), 0.3, 3.0, 1 / RATE) == pytest.approx(1 / 2.7, abs=0.05)


def test_likeness_is_one_of_equal_pictures_only() -> None:
    rng = np.random.default_rng(1)
    picture = rng.uniform(0, 255, (64, 64)).astype(np.float32)
    noisy = picture + rng.normal(0, 20, picture.shape).astype(np.float32)
    assert similarity(picture, picture) == pytest.approx(1.0) and similarity(picture, noisy) < 0.97


def test_the_simulated_cap_is_followed_and_left() -> None:
    found = cap_figures(1.0, 0.0, 1)
    follow, back = found["follow_s"], found["recover_s"]
    assert isinstance(follow, float) and follow <= 2.0 and isinstance(back, float) and back <= 15.0
