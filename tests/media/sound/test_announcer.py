"""Spoken prompts in the mix."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from mcu.media.sound.announcer import MAXIMUM_SECONDS, PAUSE, Announcer, load_announcement
from mcu.media.sound.mix import SoundMix
from mcu.media.sound.samples import RATE, TICK_SAMPLES, silence
from mcu.media.sound.state import SoundLeg, SoundState
from mcu.media.spec import CodecSpec

PCMA = CodecSpec(name="PCMA", payload_type=8, clock_rate=8000)


def write_wave(path: Path, seconds: float = 0.1, rate: int = 8000, channels: int = 1, width: int = 2) -> str:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        values = np.full(round(seconds * rate) * channels, 8192, "<i2")
        file.writeframes(values.tobytes() if width == 2 else bytes(values.size * width))
    return str(path)


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (22050, 1), (48000, 2)])
def test_files_come_out_at_48_khz_mono(tmp_path: Path, rate: int, channels: int) -> None:
    sound = load_announcement([write_wave(tmp_path / "a.wav", 0.1, rate, channels)])
    assert sound.size == round((0.1 + PAUSE) * RATE)
    assert np.allclose(sound[: RATE // 10 - 100], 0.25, atol=0.001)


def test_what_cannot_be_read_is_a_tone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "bad.wav").write_bytes(b"RIFF????WAVE")
    for name in ("missing.wav", "bad.wav"):
        sound = load_announcement([str(tmp_path / name)])
        assert float(np.abs(sound).max()) > 0.05
        assert name in caplog.text
    eight_bits = load_announcement([write_wave(tmp_path / "eight.wav", width=1)])
    assert float(np.abs(eight_bits).max()) > 0.05


def test_an_announcement_is_bounded(tmp_path: Path) -> None:
    files = [write_wave(tmp_path / "long.wav", 40.0)] * 3
    assert load_announcement(files).size == MAXIMUM_SECONDS * RATE


def test_it_is_said_once_in_ticks() -> None:
    announcer = Announcer()
    assert announcer.pull() is None
    announcer.say(np.ones(TICK_SAMPLES + 10, np.float32))
    first, second = announcer.pull(), announcer.pull()
    assert first is not None and second is not None
    assert first.sum() == TICK_SAMPLES and second.sum() == 10 and second.size == TICK_SAMPLES
    assert announcer.pull() is None


def test_all_legs_hear_it_and_it_can_be_cut_short() -> None:
    mix = SoundMix("menu")
    leg = SoundLeg("leg", (PCMA,), PCMA)
    mix.apply(SoundState((leg,)))
    quiet = mix.tick(1.0).coded[0].unit.data
    mix.announce(np.full(10 * TICK_SAMPLES, 0.5, np.float32))
    heard = [mix.tick(1.0 + 0.02 * tick).coded[0].unit.data for tick in range(1, 4)]
    assert all(data != quiet for data in heard)
    mix.announce(silence(0))
    later = [mix.tick(1.1 + 0.02 * tick).coded[0].unit.data for tick in range(5)]
    assert len(set(later[-1])) <= 2  # silence again
