"""What lip sync wants of sound is done between words."""

from __future__ import annotations

import numpy as np
import pytest

from mcu.media.codec.audio_encoder import EncoderKey, make_encoder
from mcu.media.sound.lull import SILENT_DBFS, SOFTER, Lull, tick_before
from mcu.media.sound.playout import PATIENCE_TICKS, PlayoutBuffer
from mcu.media.sound.samples import TICK, TICK_SAMPLES, Sound, silence
from mcu.media.units import CodedSound
from tests.fakes.tones import PCMA, tone

WORD_TICKS, BREATH_TICKS = 60, 8


def said(number: int, *, breathing: bool) -> Sound:
    """A word of a tone, and a breath that is far softer, again and again."""
    loud = not breathing or number % (WORD_TICKS + BREATH_TICKS) < WORD_TICKS
    return tone(440, start=number * TICK_SAMPLES, amplitude=0.25 if loud else 0.01)


def heard(ticks: int, *, breathing: bool) -> tuple[PlayoutBuffer, list[Sound], list[float]]:
    """Held back by 0.16 s from the second second on; what is played, and the delay at each tick."""
    buffer, encoder = PlayoutBuffer([PCMA]), make_encoder(EncoderKey.of(PCMA))
    played, delays = [], []
    for number in range(ticks):
        if number == 100:
            buffer.hold_back(0.16)
        data = encoder.encode(said(number, breathing=breathing))
        buffer.insert(CodedSound(data, PCMA.payload_type, number * TICK, number * 160, number))
        tick = buffer.pull(number * TICK + 0.005)
        played.append(silence() if tick is None else tick)
        delays.append(buffer.statistics(number * TICK + 0.005).delay)
    return buffer, played, delays


def test_a_lull_is_softer_than_what_was_said_and_silence_is_one_always() -> None:
    lull = Lull()
    assert lull.hear(silence())
    assert not lull.hear(tone(440))
    assert not lull.hear(tone(440, amplitude=0.25 * 10 ** ((3 - SOFTER) / 20)))
    assert lull.hear(tone(440, amplitude=0.25 * 10 ** ((-3 - SOFTER) / 20)))
    assert not Lull().hear(tone(440, amplitude=1.5 * 10 ** (SILENT_DBFS / 20) * 2**0.5))


def test_who_goes_on_more_softly_is_not_in_a_lull_for_ever() -> None:
    lull, soft = Lull(), tone(440, amplitude=0.01)
    lull.hear(tone(440))
    found = [lull.hear(soft) for _ in range(200)]
    assert found[0] and not found[-1]


def test_a_tick_in_between_joins_without_a_jump() -> None:
    rng = np.random.default_rng(1)
    noise = np.cumsum(rng.normal(0, 1e-4, 2 * TICK_SAMPLES)).astype(np.float32)
    made = tick_before(noise[TICK_SAMPLES:])
    assert made.shape == (TICK_SAMPLES,)
    whole = np.concatenate([noise[:TICK_SAMPLES], made, noise[TICK_SAMPLES:]])
    assert np.abs(np.diff(whole)).max() <= np.abs(np.diff(noise)).max()


def test_sound_that_waits_for_its_picture_is_stopped_between_words_only() -> None:
    buffer, played, delays = heard(400, breathing=True)
    assert delays[-1] - delays[99] == pytest.approx(0.16, abs=0.021)
    assert buffer.statistics(8.0).concealed == 0
    later = round((delays[-1] - delays[99]) / TICK)
    words = [n for n in range(150, 380) if np.abs(played[n]).max() > 0.2]
    # Whole words, and none longer than it was said, but for ticks that share a word with a breath.
    runs = np.split(words, np.flatnonzero(np.diff(words) != 1) + 1)
    assert len(runs) > 3 and all(WORD_TICKS <= run.size <= WORD_TICKS + 2 for run in runs[1:-1])
    assert later == 8


def test_where_nobody_pauses_it_is_stretched_after_a_while() -> None:
    _, _, delays = heard(100 + PATIENCE_TICKS + 150, breathing=False)
    assert delays[100 + PATIENCE_TICKS - 5] == pytest.approx(delays[99], abs=0.001)
    assert delays[-1] - delays[99] == pytest.approx(0.16, abs=0.03)
