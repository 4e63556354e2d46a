"""Keys in the sound: found when they are there, through every codec, and never in speech, music or noise."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mcu.media.codec.audio_decoder import make_decoder
from mcu.media.codec.audio_encoder import EncoderKey, make_encoder
from mcu.media.sound.dtmf import COLUMNS, KEYS, ROWS, DtmfDetector
from mcu.media.sound.pipeline import SoundLeg, SoundPipeline, SoundState
from mcu.media.sound.samples import RATE, TICK_SAMPLES, Sound, silence
from mcu.media.units import CodedSound
from tests.fakes.tones import CODECS, PCMA

PLACES = {
    key: (row, column) for row, keys in zip(ROWS, KEYS, strict=True) for key, column in zip(keys, COLUMNS, strict=True)
}


def key_sound(
    key: str, seconds: float, *, amplitude: float = 0.2, detuned: float = 1.0, twist_db: float = 0.0
) -> Sound:
    row, column = PLACES[key]
    time = np.arange(round(seconds * RATE)) / RATE
    low = np.sin(2 * np.pi * row * detuned * time)
    high = 10 ** (twist_db / 20) * np.sin(2 * np.pi * column * detuned * time + 1)
    return (amplitude * (low + high)).astype(np.float32)


def pause(seconds: float) -> Sound:
    return silence(round(seconds * RATE))


def heard(*parts: Sound) -> str:
    detector = DtmfDetector()
    sound = np.concatenate(parts)
    ticks = (sound[at : at + TICK_SAMPLES] for at in range(0, sound.size - TICK_SAMPLES + 1, TICK_SAMPLES))
    return "".join(filter(None, (detector.hear(tick) for tick in ticks)))


def test_every_key_is_told_from_every_other():
    for key in PLACES:
        assert heard(pause(0.05), key_sound(key, 0.1), pause(0.05)) == key


def test_a_key_counts_once_however_long_it_is_held():
    assert heard(key_sound("5", 3.0)) == "5"


def test_the_same_key_pressed_again_counts_again():
    assert heard(*itertools.chain.from_iterable((key_sound("1", 0.08), pause(0.07)) for _ in range(4))) == "1111"


@pytest.mark.parametrize("offset", range(0, TICK_SAMPLES, 160))
def test_a_tone_of_60_ms_is_found_wherever_it_begins(offset):
    assert heard(silence(offset), key_sound("7", 0.06), pause(0.1)) == "7"


def test_a_blip_is_no_key():
    assert heard(pause(0.1), key_sound("7", 0.025), pause(0.1)) == ""


@pytest.mark.parametrize("detuned", [0.985, 0.99, 1.01, 1.015])
def test_tones_may_be_off_by_one_and_a_half_percent(detuned):
    assert heard(key_sound("2", 0.1, detuned=detuned)) == "2"
    assert heard(key_sound("#", 0.1, detuned=detuned)) == "#"


@pytest.mark.parametrize("detuned", [0.95, 1.05])
def test_tones_far_off_are_no_keys(detuned):
    assert heard(key_sound("5", 0.3, detuned=detuned)) == ""


def test_twist_within_bounds_is_accepted_and_more_is_not():
    assert heard(key_sound("4", 0.1, twist_db=4)) == heard(key_sound("4", 0.1, twist_db=-8)) == "4"
    assert heard(key_sound("4", 0.1, twist_db=12)) == heard(key_sound("4", 0.1, twist_db=-14)) == ""


def test_faint_keys_are_found_and_the_faintest_are_not():
    assert heard(key_sound("9", 0.1, amplitude=0.02)) == "9"
    assert heard(key_sound("9", 0.1, amplitude=0.002)) == ""


def test_noise_below_a_key_does_no_harm_and_noise_alone_is_no_key():
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.02, RATE * 20).astype(np.float32)
    assert heard(noise * 10) == ""
    assert heard(noise[: RATE // 10] + key_sound("8", 0.1)) == "8"


@pytest.mark.parametrize("frequency", [440.0, 697.0, 941.0, 1336.0, 2600.0])
def test_a_single_tone_is_no_key(frequency):
    time = np.arange(RATE) / RATE
    assert heard((0.3 * np.sin(2 * np.pi * frequency * time)).astype(np.float32)) == ""


def test_two_keys_at_once_are_no_key():
    assert heard(key_sound("1", 0.3) + key_sound("5", 0.3)) == ""


def voice(rng: np.random.Generator, seconds: float) -> Sound:
    """Something like vowels: a gliding fundamental with harmonics under moving formants."""
    samples = round(seconds * RATE)
    pitch = rng.uniform(80, 350) * (1 + 0.2 * np.sin(2 * np.pi * rng.uniform(0.5, 6) * np.arange(samples) / RATE))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    formants = [(rng.uniform(250, 950), 60), (rng.uniform(800, 2300), 90), (rng.uniform(2000, 3200), 120)]
    sound = np.zeros(samples)
    for number in range(1, 30):
        frequency = number * float(np.mean(pitch))
        gain = sum(1 / (1 + ((frequency - middle) / width) ** 2) for middle, width in formants) / number**0.5
        sound += gain * np.sin(number * phase + rng.uniform(0, 6))
    return (0.3 * sound / (np.abs(sound).max() + 1e-9)).astype(np.float32)


def test_voices_are_no_keys():
    rng = np.random.default_rng(7)
    assert "".join(heard(voice(rng, 0.4)) for _ in range(150)) == ""


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="make tools installs espeak-ng")
@pytest.mark.parametrize("voice", ["en", "cmn+f2"])
def test_speech_is_no_key(voice):
    """A minute of each; hours of it have none either."""
    text = Path(__file__).parents[3].joinpath("docs", "user-guide.zh.md" if voice[0] == "c" else "user-guide.en.md")
    spoken = subprocess.run(
        ["espeak-ng", "-v", voice, "--stdout", text.read_text("utf-8")[:700]], capture_output=True, check=True
    ).stdout
    samples = np.frombuffer(spoken[44 : len(spoken) // 2 * 2], np.int16).astype(np.float32) / 32768
    at = np.arange(int((samples.size - 1) * RATE / 22_050)) * 22_050 / RATE
    sound = np.interp(at, np.arange(samples.size), samples).astype(np.float32)
    assert sound.size > 20 * RATE
    assert heard(sound) == ""


def test_a_voice_during_the_pauses_does_not_hide_keys():
    rng = np.random.default_rng(3)
    assert heard(voice(rng, 0.4), key_sound("3", 0.12), voice(rng, 0.4), key_sound("3", 0.12)) == "33"


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
def test_keys_survive_every_codec(codec):
    """Also against the tick grid: what a room sends never begins on ours."""
    encoder, decoder = make_encoder(EncoderKey.of(codec)), make_decoder(codec)
    pressed = "19*0#D55"
    sound = np.concatenate([silence(333)] + [part for key in pressed for part in (key_sound(key, 0.1), pause(0.1))])
    sound = sound[: sound.size // TICK_SAMPLES * TICK_SAMPLES]
    decoded = [decoder.decode(encoder.encode(tick)) for tick in sound.reshape(-1, TICK_SAMPLES)]
    assert heard(*decoded) == pressed


def test_a_lost_packet_within_a_key_does_not_make_two_of_it():
    sound = key_sound("6", 0.2)
    sound[3 * TICK_SAMPLES : 4 * TICK_SAMPLES] = 0
    assert heard(sound) == "6"


def test_silence_has_no_keys():
    detector = DtmfDetector()
    assert detector.hear(None) is None
    assert detector.hear(silence()) is None


class Telephone:
    """A leg that presses keys, through a whole pipeline driven by hand."""

    def __init__(self, **changes: bool) -> None:
        self.keys: list[tuple[str, str]] = []
        self.now = 1000.0
        self.pipeline = SoundPipeline(
            "c", lambda: self.now, on_coded=lambda mixes: None, on_key=lambda leg, key: self.keys.append((leg, key))
        )
        self.pipeline.apply(SoundState((replace(SoundLeg("a", (PCMA,), PCMA), **changes),)))  # type: ignore[arg-type]

    def press(self, key: str) -> None:
        encoder = make_encoder(EncoderKey.of(PCMA))
        sound = np.concatenate((pause(0.3), key_sound(key, 0.2), pause(0.5)))
        for number, tick in enumerate(sound.reshape(-1, TICK_SAMPLES)):
            unit = CodedSound(encoder.encode(tick), 8, self.now, timestamp=160 * number, sequence=number)
            self.pipeline.push("a", unit)
            self.now += 0.02
            self.pipeline.run_tick(self.now)


def test_keys_are_found_in_what_a_leg_sends():
    telephone = Telephone(find_keys=True)
    telephone.press("6")
    assert telephone.keys == [("a", "6")]


def test_a_muted_leg_can_still_press_keys():
    telephone = Telephone(find_keys=True, microphone_muted=True)
    telephone.press("6")
    assert telephone.keys == [("a", "6")]


def test_keys_are_not_looked_for_where_telephone_events_come():
    telephone = Telephone()
    telephone.press("6")
    assert telephone.keys == []
