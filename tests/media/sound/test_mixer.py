"""Mixing, limiting, gating, and who speaks."""

from __future__ import annotations

import numpy as np
import pytest

from mcu.media.sound.mixer import CEILING, Limiter, Mixture
from mcu.media.sound.samples import SILENCE_DBFS, TICK, TICK_SAMPLES, Sound, level_dbfs, silence
from mcu.media.sound.speaker import GATE_HOLD, SPEAKER_HOLD, TAKE_OVER_SECONDS, Gate, SpeakerDetector
from tests.fakes.tones import amplitude_db, tone

FREQUENCIES = {"a": 440, "b": 1000, "c": 1700}


def test_each_hears_all_but_itself() -> None:
    parts = {leg: tone(frequency, 9600) for leg, frequency in FREQUENCIES.items()}
    heard: dict[str, list[Sound]] = {leg: [] for leg in parts}
    for at in range(0, 9600, TICK_SAMPLES):
        mixture = Mixture({leg: sound[at : at + TICK_SAMPLES] for leg, sound in parts.items()})
        for leg in parts:
            heard[leg].append(mixture.without(leg))
    for leg in parts:
        sound = np.concatenate(heard[leg])
        for other, frequency in FREQUENCIES.items():
            if other == leg:
                assert amplitude_db(sound, frequency) < -90
            else:
                assert amplitude_db(sound, frequency) == pytest.approx(-12.04, abs=0.1)


def test_a_listener_hears_the_sum_and_a_lonely_speaker_nothing() -> None:
    mixture = Mixture({"a": tone(440)})
    assert np.array_equal(mixture.without("listener"), tone(440))
    assert np.array_equal(mixture.everyone(), tone(440))
    assert not mixture.without("a").any()
    assert not Mixture({}).everyone().any()


def test_mixing_leaves_its_parts_alone() -> None:
    part = tone(440)
    Mixture({"a": part, "b": tone(1000)}).without("a")
    assert np.array_equal(part, tone(440))


def test_the_limiter_leaves_speech_alone() -> None:
    limiter = Limiter()
    assert np.array_equal(limiter.limit(tone(440, amplitude=0.8)), tone(440, amplitude=0.8))


def test_the_limiter_holds_a_loud_sum_below_full_scale_without_distortion() -> None:
    limiter = Limiter()
    loud = tone(1000, 20 * TICK_SAMPLES, amplitude=3.0)
    limited = [limiter.limit(loud[at : at + TICK_SAMPLES]) for at in range(0, loud.size, TICK_SAMPLES)]
    assert all(np.abs(tick).max() <= 1.0 for tick in limited)
    settled = np.concatenate(limited[2:])
    assert np.abs(settled).max() == pytest.approx(CEILING, abs=0.01)
    assert amplitude_db(settled, 3000) < amplitude_db(settled, 1000) - 50


def test_the_limiter_lets_go_again() -> None:
    limiter = Limiter()
    limiter.limit(tone(1000, amplitude=3.0))
    quiet = [limiter.limit(tone(1000, amplitude=0.1)) for _ in range(50)]
    assert np.abs(quiet[0]).max() < 0.05
    assert np.abs(quiet[-1]).max() == pytest.approx(0.1, abs=0.001)
    assert np.array_equal(limiter.limit(silence()), silence())


def test_the_gate_keeps_silence_out_and_word_endings_in() -> None:
    gate = Gate()
    assert gate.passing(silence(), 0.0) is None
    opened = gate.passing(tone(440), 0.02)
    assert opened is not None
    assert abs(opened[0]) < 0.001
    held = [gate.passing(silence(), 0.02 + n * TICK) for n in range(1, 40)]
    passing = [part is not None for part in held]
    assert 0.99 * GATE_HOLD <= sum(passing) * TICK <= GATE_HOLD + 2 * TICK
    assert passing == sorted(passing, reverse=True)
    assert gate.passing(None, 2.0) is None
    assert gate.level == SILENCE_DBFS


def test_a_gate_that_is_shut_fades_over_its_last_tick() -> None:
    gate = Gate()
    assert gate.shut(tone(440)) is None
    gate.passing(tone(440), 0.0)
    last = gate.shut(tone(440))
    assert last is not None
    assert abs(last[-1]) < 0.001
    assert gate.shut(tone(440)) is None


def test_levels() -> None:
    assert level_dbfs(tone(1000, amplitude=1.0)) == pytest.approx(-3.01, abs=0.01)
    assert level_dbfs(silence()) == level_dbfs(silence(0)) == SILENCE_DBFS


def follow(detector: SpeakerDetector, levels: dict[str, float], start: float, seconds: float) -> list[str | None]:
    speakers = []
    for n in range(round(seconds / TICK)):
        detector.update(levels, start + n * TICK)
        speakers.append(detector.speaker)
    return speakers


def test_the_speaker_is_found_and_changes_with_a_delay() -> None:
    detector = SpeakerDetector()
    found = follow(detector, {"a": -20, "b": -70}, 0, 2)
    assert found[0] is None
    assert found[-1] == "a"
    assert found.index("a") * TICK >= TAKE_OVER_SECONDS
    changed = follow(detector, {"a": -70, "b": -25}, 2, 2)
    assert changed[0] == "a"
    assert changed.index("b") * TICK < 1.0


def test_a_cough_or_an_equal_voice_does_not_take_over() -> None:
    detector = SpeakerDetector()
    follow(detector, {"a": -22, "b": -70}, 0, 2)
    assert set(follow(detector, {"a": -22, "b": -10}, 2, 0.2)) == {"a"}
    assert set(follow(detector, {"a": -22, "b": -70}, 2.2, 1)) == {"a"}
    assert set(follow(detector, {"a": -22, "b": -20}, 3.2, 3)) == {"a"}


def test_nobody_is_the_speaker_after_a_while_of_silence() -> None:
    detector = SpeakerDetector()
    follow(detector, {"a": -20}, 0, 1)
    silent = follow(detector, {"a": -70}, 1, SPEAKER_HOLD + 2)
    assert silent[0] == "a"
    assert silent[-1] is None


def test_a_speaker_who_left_is_none_at_once() -> None:
    detector = SpeakerDetector()
    follow(detector, {"a": -20, "b": -70}, 0, 1)
    assert detector.update({"b": -70.0}, 1.0)
    assert detector.speaker is None
    assert not detector.update({}, 1.02)
