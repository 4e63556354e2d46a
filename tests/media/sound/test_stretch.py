"""Leaving out, repeating and making up sound; and resampling."""

from __future__ import annotations

import numpy as np
import pytest

from mcu.media.sound.concealment import FADE_OUT, Concealer
from mcu.media.sound.resample import TAPS, Downsampler, Upsampler
from mcu.media.sound.samples import RATE, TICK_SAMPLES, level_dbfs
from mcu.media.sound.stretch import LONGEST_LAG, SHORTEST_LAG, best_lag, leave_out, lengthen, shorten
from tests.fakes.tones import amplitude_db, loudest_frequency, tone

PERIOD = 240  # of 200 Hz


def largest_step(sound: np.ndarray) -> float:
    return float(np.abs(np.diff(sound)).max())


def test_the_lag_of_a_voice_is_a_whole_number_of_periods() -> None:
    voice = tone(200, 3000) + tone(400, 3000) + tone(1000, 3000)
    assert best_lag(voice, LONGEST_LAG) % PERIOD in (0, 1, PERIOD - 1)


def test_shortening_leaves_out_a_period_and_nothing_else() -> None:
    voice = tone(200, TICK_SAMPLES + LONGEST_LAG)
    shorter, left_out = shorten(voice, 500)
    assert shorter.size == TICK_SAMPLES
    assert SHORTEST_LAG <= left_out <= 500
    assert left_out % PERIOD == 0
    assert np.allclose(shorter, voice[:TICK_SAMPLES], atol=0.01)


def test_lengthening_repeats_a_period() -> None:
    voice = tone(200)
    longer, kept = lengthen(voice)
    assert longer.size == TICK_SAMPLES
    assert kept % PERIOD == 0
    assert np.allclose(longer, tone(200), atol=0.01)


def test_noise_is_joined_without_a_step() -> None:
    noise = np.random.default_rng(1).normal(0, 0.05, TICK_SAMPLES + LONGEST_LAG).astype(np.float32)
    for joined in (shorten(noise, LONGEST_LAG)[0], lengthen(noise[:TICK_SAMPLES])[0], leave_out(noise, 77)):
        assert joined.size == TICK_SAMPLES
        assert largest_step(joined) <= 1.5 * largest_step(noise)


def test_a_lost_voice_goes_on_and_fades() -> None:
    concealer = Concealer()
    concealer.remember(tone(200, 2 * TICK_SAMPLES))
    made_up = np.concatenate([concealer.conceal(TICK_SAMPLES) for _ in range(4)])
    expected = tone(200, made_up.size, start=2 * TICK_SAMPLES)
    assert np.allclose(made_up[:400], expected[:400], atol=0.02)
    levels = [level_dbfs(made_up[at : at + 480]) for at in range(0, FADE_OUT, 480)]
    assert levels == sorted(levels, reverse=True)
    assert concealer.faded_out
    assert not made_up[FADE_OUT:].any()


def test_sound_after_a_loss_is_joined_softly() -> None:
    concealer = Concealer()
    concealer.remember(tone(200))
    made_up = concealer.conceal(TICK_SAMPLES)
    resumed = concealer.resume(-tone(200, start=300))
    assert largest_step(np.concatenate((made_up, resumed))) < 0.02
    concealer.remember(resumed)
    assert np.array_equal(concealer.resume(tone(200)), tone(200))


def test_nothing_is_made_up_from_nothing() -> None:
    concealer = Concealer()
    assert not concealer.sounding
    assert not concealer.conceal(TICK_SAMPLES).any()


@pytest.mark.parametrize("factor", [3, 6])
def test_resampling_up_and_down_gives_the_tone_back(factor: int) -> None:
    down, up = Downsampler(factor), Upsampler(factor)
    sound = tone(1000, RATE)
    ticks = [up.convert(down.convert(sound[at : at + TICK_SAMPLES])) for at in range(0, RATE, TICK_SAMPLES)]
    assert {tick.size for tick in ticks} == {TICK_SAMPLES}
    heard = np.concatenate(ticks)[4800:]
    assert loudest_frequency(heard) == pytest.approx(1000, abs=1)
    assert amplitude_db(heard, 1000) == pytest.approx(20 * np.log10(0.25), abs=0.05)
    image = RATE / factor - 1000
    assert amplitude_db(heard, image) < -65


@pytest.mark.parametrize("factor", [3, 6])
def test_resampling_does_not_depend_on_how_the_sound_is_cut(factor: int) -> None:
    sound = tone(700, 4800)
    whole, pieces = Upsampler(factor), Upsampler(factor)
    assert np.allclose(
        whole.convert(sound[:800]), np.concatenate([pieces.convert(sound[at : at + 80]) for at in range(0, 800, 80)])
    )
    impulse = np.zeros(TAPS * 2, np.float32)
    impulse[0] = 1
    response = Upsampler(factor).convert(impulse)
    centre = float(np.dot(np.arange(response.size), response**2) / np.sum(response**2))
    assert centre == pytest.approx((TAPS * factor - 1) / 2, abs=0.6)
