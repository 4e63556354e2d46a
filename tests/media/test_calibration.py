"""What a machine can do, by a measurement whose clock is passed in."""

from __future__ import annotations

import itertools

from mcu.media.calibration import PICTURES, REAL_DETAIL, TILES, USABLE, calibrate
from mcu.media.facts import Capacity
from mcu.media.picture.cost import Shares
from mcu.media.port_meter import WorkerPortMeter
from mcu.media.spec import ConferenceSpec
from tests.fakes.media import room_leg


class Stopwatch:
    """A machine that takes 20 ms to encode, 5 ms to decode and 5 ms to compose a picture."""

    def __init__(self) -> None:
        self.now = 0.0
        self.steps = itertools.cycle((0.0, 0.020, 0.005, 0.005))
        self.reads = 0

    def __call__(self) -> float:
        self.now += next(self.steps)
        self.reads += 1
        return self.now


def test_the_work_of_a_port_is_one_picture_composed_and_encoded() -> None:
    watch = Stopwatch()
    capacity = calibrate(2, watch)
    assert watch.reads == 4 * PICTURES
    assert capacity.ports == round(2 * USABLE / (0.025 * 30), 2)
    assert round(capacity.encoding, 3) == 0.8
    assert round(capacity.composing, 3) == 0.2
    assert round(capacity.decoding, 3) == round((0.005 * REAL_DETAIL + 0.005 / TILES) / 0.025, 3)


def test_twice_the_cores_are_twice_the_ports() -> None:
    assert abs(calibrate(8, Stopwatch()).ports - 2 * calibrate(4, Stopwatch()).ports) < 0.02


def test_a_real_measurement_is_plausible() -> None:
    capacity = calibrate()
    assert 0.1 < capacity.ports < 5000
    assert 0.2 < capacity.encoding < 0.98
    assert 0.01 < capacity.decoding < 2.0


def test_the_control_side_counts_with_what_was_measured() -> None:
    spec = ConferenceSpec(id="c", revision=1, legs=(room_leg("a"),))
    unknown = WorkerPortMeter(lambda: None)
    assert unknown.total() is None
    assert unknown.cost(spec) == 1.0 + Shares().decoding
    meter = WorkerPortMeter(lambda: Capacity(ports=4.0, encoding=0.5, composing=0.5, decoding=0.1))
    assert meter.total() == 4.0
    assert meter.cost(spec) == 1.1
    assert meter.source(1920, 1080) == 2 * meter.source(1280, 720) == 0.1
