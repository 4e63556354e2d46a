"""Everything that a listener in stereo can hear, on both sides: at its pitch, at its loudness, and at its length."""

from __future__ import annotations

from dataclasses import replace

import av
import numpy as np
import pytest

from mcu.media.codec.audio_decoder import make_decoder
from mcu.media.codec.audio_encoder import EncoderKey, make_encoder
from mcu.media.sound.playout import PlayoutBuffer
from mcu.media.sound.recorded_mix import aac_config
from mcu.media.sound.samples import RATE, TICK, TICK_SAMPLES, Sound, join, stereo
from mcu.media.sound.tones import AMPLITUDE, HIGH, LOW
from mcu.media.spec import CodecSpec, ProcessingSpec
from mcu.media.units import CodedSound
from tests.fakes.mix_room import STEREO, Room, leg
from tests.fakes.tones import G722, OPUS, PCMA, amplitude_db, loudest_frequency, tone

QUARTER = 20 * np.log10(0.25)
LEFT, RIGHT = 500.0, 900.0


def two_sided(seconds: float) -> Sound:
    return np.stack((tone(LEFT, round(seconds * RATE)), tone(RIGHT, round(seconds * RATE))))


def check_sides(sound: Sound, frequency: float, level: float, *, within: float = 1.0) -> None:
    """The same tone on both sides, and nothing louder."""
    assert sound.ndim == 2
    for side in sound:
        assert loudest_frequency(side) == pytest.approx(frequency, abs=2)
        assert amplitude_db(side, frequency) == pytest.approx(level, abs=within)


@pytest.mark.parametrize("codec", [PCMA, G722, OPUS], ids=lambda codec: codec.name)
def test_who_speaks_in_one_channel_is_heard_on_both_sides(codec: CodecSpec) -> None:
    heard = Room(leg("a", codec), leg("b", STEREO)).run({"a": tone(700, 2 * RATE)}, 2)["b"]
    assert heard.shape == (2, 2 * RATE)
    check_sides(heard[:, RATE:], 700, QUARTER)


def test_an_announcement_is_heard_on_both_sides_at_its_pitch_and_length() -> None:
    room = Room(leg("a", STEREO), leg("b"))
    room.mix.announce(tone(880, RATE))
    heard = room.run({}, 2)
    check_sides(heard["a"][:, RATE // 4 : RATE * 3 // 4], 880, QUARTER)
    assert amplitude_db(heard["b"][RATE // 4 : RATE * 3 // 4], 880) == pytest.approx(QUARTER, abs=1)
    for side in heard["a"]:
        loud = np.flatnonzero(np.abs(side) > 0.1)
        assert (loud[-1] - loud[0]) / RATE == pytest.approx(1.0, abs=0.02)


def test_the_tones_of_who_comes_and_goes_are_heard_on_both_sides() -> None:
    room = Room(leg("a", STEREO), leg("b"), processing=ProcessingSpec(tones=True))
    room.run({}, 1)  # the tone for those two themselves
    for legs, first, second in (((leg("c"),), LOW, HIGH), ((), HIGH, LOW)):
        room.change(leg("a", STEREO), leg("b"), *legs)
        heard = room.run({}, 0.5)["a"]
        # A note is 0.13 s; encoder and decoder shift it by some ms.
        for start, pitch in ((0.03, first), (0.16, second)):
            part = heard[:, round(start * RATE) : round((start + 0.08) * RATE)]
            for side in part:
                assert amplitude_db(side, pitch) == pytest.approx(20 * np.log10(AMPLITUDE), abs=2)


def test_a_speaker_that_is_muted_gets_silence_on_both_sides() -> None:
    heard = Room(leg("a"), leg("b", STEREO, speaker_muted=True)).run({"a": tone(700, RATE)}, 1)["b"]
    assert heard.shape == (2, RATE)
    assert np.abs(heard[:, RATE // 2 :]).max() < 1e-6


@pytest.mark.parametrize(("choice", "value"), [("gain", 6.0), ("music", True)])
def test_gain_and_music_keep_each_side_as_it_is(choice: str, value: object) -> None:
    sender = replace(leg("a", STEREO), **{choice: value})  # type: ignore[arg-type]
    heard = Room(sender, leg("b", STEREO)).run({"a": two_sided(2) * np.float32(0.5)}, 2)["b"][:, RATE:]
    level = QUARTER - 6.02 + (6.0 if choice == "gain" else 0.0)
    for side, own, other in ((0, LEFT, RIGHT), (1, RIGHT, LEFT)):
        assert loudest_frequency(heard[side]) == pytest.approx(own, abs=2)
        assert amplitude_db(heard[side], own) == pytest.approx(level, abs=1)
        assert amplitude_db(heard[side], other) < level - 30


def test_a_listeners_gain_is_on_both_sides() -> None:
    heard = Room(leg("a"), leg("b", STEREO, listen_gain=-6.0)).run({"a": tone(700, 2 * RATE)}, 2)["b"]
    check_sides(heard[:, RATE:], 700, QUARTER - 6.0)


def test_evened_and_cleaned_sound_keeps_its_sides() -> None:
    both = ProcessingSpec(level=True, denoise=True)
    hiss = np.random.default_rng(2).standard_normal((2, 3 * RATE)).astype(np.float32) * np.float32(0.002)
    # A tone that comes and goes, or it would be taken for noise.
    gate = np.repeat(np.arange(30) % 3 == 0, RATE // 10).astype(np.float32)
    heard = Room(leg("a", STEREO), leg("b", STEREO), processing=both).run({"a": two_sided(3) * gate + hiss}, 3)["b"]
    for side, own, other in ((0, LEFT, RIGHT), (1, RIGHT, LEFT)):
        assert loudest_frequency(heard[side, RATE:]) == pytest.approx(own, abs=2)
        assert amplitude_db(heard[side, RATE:], own) - amplitude_db(heard[side, RATE:], other) > 20


@pytest.mark.parametrize("said", ["one channel", "two channels"])
def test_a_recording_in_stereo_has_pitch_and_level_of_what_was_said(said: str) -> None:
    codec, sound = (PCMA, tone(700, 3 * RATE)) if said == "one channel" else (STEREO, two_sided(3))
    room = Room(leg("a", codec), record_channels=2)
    room.run({"a": sound}, 3)
    decoder = av.CodecContext.create("aac", "r")
    decoder.extradata = aac_config(2)
    decoder.sample_rate, decoder.layout = RATE, "stereo"
    frames = [frame for unit in room.recorded for frame in decoder.decode(av.Packet(unit.data))]
    file = np.concatenate([frame.to_ndarray() for frame in frames], axis=1)
    assert file.shape[1] == pytest.approx(3 * RATE, abs=2 * 1024)
    for side, pitch in zip(file[:, RATE : 2 * RATE], (700, 700) if codec is PCMA else (LEFT, RIGHT), strict=True):
        assert loudest_frequency(side) == pytest.approx(pitch, abs=2)
        assert amplitude_db(side, pitch) == pytest.approx(QUARTER, abs=1)


def test_a_sender_may_change_between_one_channel_and_two_and_lose_packets_meanwhile() -> None:
    """Decoder, concealment, drift and stretching all have memory of the number of channels before."""
    one, two = make_encoder(EncoderKey.of(OPUS)), make_encoder(EncoderKey.of(STEREO))
    buffer = PlayoutBuffer([STEREO])
    buffer.hold_back(0.1)  # so that something is stretched
    heard: list[Sound] = []
    for number in range(300):
        part = tone(700, start=number * TICK_SAMPLES)
        data = one.encode(part) if number // 50 % 2 == 0 else two.encode(stereo(part))
        if number % 17 not in (3, 4):
            buffer.insert(CodedSound(data, 111, number * TICK * (1 - 2e-4), number * TICK_SAMPLES, number))
        tick = buffer.pull(number * TICK + 0.005)
        if tick is not None:
            assert tick.shape[-1] == TICK_SAMPLES
            heard.append(stereo(tick))
    assert buffer.statistics(6.0).stretched > 0
    whole = join(*heard)
    assert whole.shape[1] > 5.5 * RATE
    for side in whole:
        assert loudest_frequency(side[RATE:]) == pytest.approx(700, abs=2)
    assert np.abs(whole[0] - whole[1]).max() < 0.05


def test_what_is_folded_for_one_channel_is_half_of_each_side() -> None:
    heard = Room(leg("a", STEREO), leg("b", OPUS)).run({"a": two_sided(2)}, 2)["b"][RATE:]
    assert heard.ndim == 1
    for pitch in (LEFT, RIGHT):
        assert amplitude_db(heard, pitch) == pytest.approx(QUARTER - 6.02, abs=1)


def test_a_mono_decoder_takes_a_stereo_frame_as_two_channels() -> None:
    frame = make_encoder(EncoderKey.of(STEREO)).encode(two_sided(TICK))
    assert make_decoder(OPUS).decode(frame).shape == (2, TICK_SAMPLES)
