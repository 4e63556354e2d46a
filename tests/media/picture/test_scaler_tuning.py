"""The faster scaling code is found by measuring, and gives the same picture."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from mcu.media.picture.scaler import Scaler
from mcu.media.picture.scaler_tuning import SLOW_GATHER, LibavCpuFlags, choose, scaling_cost
from tests.media.picture.material import pattern_frame


class Flags:
    def __init__(self, value: int) -> None:
        self.value = value

    def get(self) -> int:
        return self.value

    def set(self, flags: int) -> None:
        self.value = flags


@pytest.fixture
def libav() -> Iterator[LibavCpuFlags]:
    flags = LibavCpuFlags()
    before = flags.get()
    yield flags
    flags.set(before)


@pytest.mark.parametrize(
    ("with_gather", "without", "expected"),
    [(1.0, 0.7, True), (1.0, 1.3, False), (1.0, 0.99, False)],
)
def test_the_faster_way_is_chosen(with_gather: float, without: float, expected: bool) -> None:
    flags = Flags(0x55)
    assert choose(flags, lambda: without if flags.value & SLOW_GATHER else with_gather) is expected
    assert flags.value == (0x55 | SLOW_GATHER if expected else 0x55)


def test_one_slow_round_decides_nothing() -> None:
    flags = Flags(0x55)
    noise = iter([5.0, 1.0] + [1.0, 1.0] * 10)
    assert not choose(flags, lambda: next(noise))


def test_what_ffmpeg_knows_itself_is_not_measured() -> None:
    flags = Flags(0x55 | SLOW_GATHER)
    assert not choose(flags, lambda: pytest.fail("measured"))


def test_both_ways_give_the_same_picture(libav: LibavCpuFlags) -> None:
    frame = pattern_frame(1280, 720)
    found = []
    for flags in (libav.get() & ~SLOW_GATHER, libav.get() | SLOW_GATHER):
        libav.set(flags)
        assert libav.get() == flags
        scaled = Scaler().scale(frame, (632, 354))
        assert scaled is not None
        found.append(scaled)
    for one, other in zip((found[0].y, found[0].u, found[0].v), (found[1].y, found[1].u, found[1].v), strict=True):
        assert np.array_equal(one, other)


def test_the_cost_is_of_this_thread(libav: LibavCpuFlags) -> None:
    assert 0 < scaling_cost() < 1
