"""The simulated call of the jitter benchmark measures what is there."""

from __future__ import annotations

import pytest

from bench.jitter_simulated import QUIET, Call
from bench.loss_simulated import SENTENCE_SECONDS, SHAPE
from bench.network_path import Conditions
from bench.speech import NoSpeech, speech
from bench.time_code import time_coded_clip
from consilium.simulated_room.clip import Clip
from mcu.media.sound.samples import Sound


@pytest.fixture(scope="module")
def played() -> tuple[Clip, Sound]:
    try:
        return time_coded_clip(SHAPE, 1.0, 1, None), speech(SENTENCE_SECONDS)
    except NoSpeech as missing:
        pytest.skip(str(missing))


def test_on_a_quiet_network_nothing_stands_still_and_nobody_waits(played: tuple[Clip, Sound]) -> None:
    call = Call(*played, seed=1)
    call.run(QUIET)
    assert call.frozen(1, QUIET) == 0.0
    assert call.picture_delay(1, QUIET) < 0.08 and call.sound_delay(1, QUIET) < 0.08
    assert max(map(abs, call.apart(1, QUIET))) < 0.02
    repaired = call.ours["video"].repair_statistics()
    assert (repaired.packets_requested, repaired.key_frame_requests) == (0, 0)


def test_a_network_that_stands_still_is_seen_and_heard_to(played: tuple[Clip, Sound]) -> None:
    call = Call(*played, seed=1)
    call.run(2.0)
    call.change(Conditions(delay=1.0))
    call.run(3.5)
    assert 0.4 <= call.frozen(1.0, 3.5) < 0.55
    assert call.picture_delay(3.2, 3.5) == pytest.approx(1.08, abs=0.08)
    assert call.sound_delay(3.2, 3.5) > 0.8
