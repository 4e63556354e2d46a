"""A whole call over a bad network in simulated time: what bench.loss_simulated measures, in short."""

from __future__ import annotations

import numpy as np
import pytest

from bench.network_path import Conditions
from bench.simulated_call import SimulatedCall
from bench.simulated_ends import Kind
from bench.time_code import time_coded_clip
from consilium.simulated_room.clip import Clip, ClipFormat
from mcu.media.sound.samples import RATE
from tests.fakes.tones import tone

SHAPE = ClipFormat(width=320, height=180, frame_rate=30, bitrate=400_000)


@pytest.fixture(scope="module")
def clip() -> Clip:
    return time_coded_clip(SHAPE, 2.0, 1, None)


def call(clip: Clip, conditions: Conditions, kind: Kind | None = None) -> SimulatedCall:
    sentence = tone(440, 2 * RATE) * np.linspace(0.2, 1, 2 * RATE, dtype=np.float32)
    made = SimulatedCall(clip, sentence, kind or Kind(), conditions, 1)
    made.run(3.0)
    return made


def test_over_a_clean_network_all_is_seen_in_time(clip: Clip) -> None:
    clean = call(clip, Conditions(delay=0.02))
    figures = clean.figures()
    assert figures["freeze_ratio_up"] == figures["freeze_ratio_down"] == 0.0
    assert figures["ssim_up"] == pytest.approx(1.0, abs=0.001)
    for judged in (clean.up, clean.down):
        shown = [one for one in judged.seen if clean.start <= one.at < clean.end]
        assert len(shown) > 80


def test_from_the_first_moment_of_a_fifth_lost_pictures_go_on_both_ways(clip: Clip) -> None:
    lossy = call(clip, Conditions(delay=0.02, loss=0.2))
    figures = lossy.figures()
    up, down = figures["freeze_ratio_up"], figures["freeze_ratio_down"]
    assert up is not None and up <= 0.1
    assert down is not None and down <= 0.1
    assert figures["ssim_up"] == pytest.approx(1.0, abs=0.001)
    assert lossy.mix.leg_statistics(lossy.now)["near"].concealed < 0.5


def test_a_room_that_cannot_ask_sees_most_of_each_picture(clip: Clip) -> None:
    figures = call(clip, Conditions(delay=0.02, loss=0.1), Kind(frozenset(), None, None)).figures()
    assert figures["freeze_ratio_down"] == 0.0
    likeness = figures["ssim_down"]
    assert likeness is not None and likeness > 0.7


def test_the_same_call_gives_the_same_figures(clip: Clip) -> None:
    one, other = (call(clip, Conditions(delay=0.02, loss=0.1, burst=4.0)) for _ in range(2))
    assert [seen.at for seen in one.up.seen] == [seen.at for seen in other.up.seen]
    assert [unit.data for unit in one.down.sound] == [unit.data for unit in other.down.sound]
