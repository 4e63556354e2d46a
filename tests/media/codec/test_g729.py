"""G.729 as we send it, where the machine has an encoder; FFmpeg's decoder is the other end."""

from __future__ import annotations

import ctypes.util

import numpy as np
import pytest

from bench.speech import NoSpeech, aligned, quality, speech
from mcu.media.codec import libbcg729
from mcu.media.codec.audio_decoder import make_decoder
from mcu.media.codec.audio_encoder import EncoderKey, can_encode, make_encoder, rtp_samples
from mcu.media.sound.pipeline import SoundLeg, SoundPipeline, SoundState
from mcu.media.sound.samples import RATE, TICK_SAMPLES, Sound
from mcu.media.spec import CodecSpec
from tests.fakes.tones import amplitude_db, loudest_frequency, tone

G729 = CodecSpec(name="G729", payload_type=18, clock_rate=8_000, parameters={"annexb": "no"})

needs_the_library = pytest.mark.skipif(ctypes.util.find_library("bcg729") is None, reason="no libbcg729 here")


def there_and_back(sound: Sound) -> Sound:
    encoder, decoder = make_encoder(EncoderKey.of(G729)), make_decoder(G729)
    ticks = (sound[at : at + TICK_SAMPLES] for at in range(0, sound.size - TICK_SAMPLES + 1, TICK_SAMPLES))
    coded = [encoder.encode(tick) for tick in ticks]
    assert {len(data) for data in coded} == {20}  # two frames of 10 octets (RFC 3551 section 4.5.6)
    return np.concatenate([decoder.decode(data) for data in coded])


def spoken(seconds: float) -> Sound:
    try:
        return speech(seconds)
    except NoSpeech as error:
        pytest.skip(str(error))


@needs_the_library
@pytest.mark.parametrize("frequency", [300, 1000])
def test_a_tone_keeps_its_frequency_and_level(frequency: int) -> None:
    sound = there_and_back(tone(frequency, RATE))
    assert sound.size == RATE
    assert loudest_frequency(sound[9600:]) == pytest.approx(frequency, abs=2)
    assert amplitude_db(sound[9600:], frequency) == pytest.approx(20 * np.log10(0.25), abs=1.5)


@needs_the_library
def test_speech_is_as_good_as_g729_can_be() -> None:
    sentence = spoken(4.0)
    heard = there_and_back(np.concatenate((sentence, np.zeros(RATE // 2, np.float32))))
    grade = quality(sentence, aligned(sentence, heard), wide=False)
    if grade is None:
        pytest.skip("no PESQ here")
    assert grade > 3.4  # published figures for annex A lie at 3.6 to 3.8


@needs_the_library
def test_delay_is_what_it_says() -> None:
    sentence = spoken(2.0)
    heard = there_and_back(sentence)
    size = 1 << 18
    match = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(sentence, size)), size)
    # The decoder's resampler adds 1.5 ms of its own.
    assert int(np.argmax(match[:RATE])) / RATE == pytest.approx(
        make_encoder(EncoderKey.of(G729)).delay + 0.0015, abs=0.001
    )


@needs_the_library
def test_a_tick_is_twenty_octets_and_160_steps() -> None:
    assert rtp_samples(G729) == 160
    assert can_encode("G729")


def test_without_the_library_it_is_only_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libbcg729, "library", lambda: None)
    assert not can_encode("G729")
    with pytest.raises(ValueError, match="G729"):
        make_encoder(EncoderKey.of(G729))
    pipeline = SoundPipeline("x", on_coded=lambda mixes: None)
    with pytest.raises(ValueError, match="encode"):
        pipeline.apply(SoundState(legs=(SoundLeg("a", (G729,), G729),)))
    assert make_decoder(G729).decode(bytes(20)).size == TICK_SAMPLES
