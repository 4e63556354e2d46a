"""What is done to a leg's sound: noise, level, gain; and what counts as a voice. By levels and tones."""

from __future__ import annotations

import numpy as np
import pytest

from bench.speech import NoSpeech, speech
from mcu.media.codec import g711
from mcu.media.sound.denoise import HOP, Denoiser
from mcu.media.sound.level import DEAD_ZONE, MOST_UP, TARGET_DBFS, Fader, Leveller
from mcu.media.sound.resample import Downsampler, Upsampler
from mcu.media.sound.samples import RATE, TICK_SAMPLES, Sound, level_dbfs, silence
from mcu.media.sound.tones import HIGH, LOW, Tones, two_notes
from mcu.media.sound.voice import VoiceDetector
from tests.fakes.tones import amplitude_db, tone
from tests.fakes.voices import hiss, hum, keyboard, pump, voice


def ticks(sound: Sound) -> list[Sound]:
    return [sound[..., at : at + TICK_SAMPLES] for at in range(0, sound.shape[-1] - TICK_SAMPLES + 1, TICK_SAMPLES)]


# Who has a voice


def voiced_share(sound: Sound) -> float:
    detector = VoiceDetector()
    return float(np.mean([detector.hear(tick, level_dbfs(tick)) for tick in ticks(sound)]))


@pytest.mark.parametrize("amplitude", [0.02, 0.3])
@pytest.mark.parametrize("pitch", [95.0, 180.0, 300.0])
def test_a_voice_is_one_within_half_a_second(amplitude: float, pitch: float) -> None:
    detector = VoiceDetector()
    found = [detector.hear(tick, level_dbfs(tick)) for tick in ticks(voice(4.0, pitch, amplitude))]
    assert found.index(True) < 25
    assert np.mean(found[25:]) > 0.9


def test_a_voice_over_a_running_pump_is_one() -> None:
    assert voiced_share(voice(6.0, 150.0, 0.2) + pump(6.0)) > 0.7


def test_machines_keys_and_hiss_are_no_voices() -> None:
    assert voiced_share(pump(8.0)) == 0
    assert voiced_share(keyboard(8.0)) == 0
    assert voiced_share(hiss(4.0, 0.1)) == 0


def test_a_monitor_that_beeps_is_no_voice() -> None:
    beep = np.concatenate((tone(1000, RATE * 15 // 100), silence(RATE * 85 // 100)))
    assert voiced_share(np.tile(beep, 6)) == 0


@pytest.mark.parametrize("frequency", [200, 333, 400, 777, 1000, 2500])
def test_a_whistle_is_no_voice(frequency: float) -> None:
    whistle = tone(frequency, 4 * RATE)
    assert voiced_share(whistle) == 0
    assert voiced_share(whistle + hiss(4.0, 0.01)) == 0


@pytest.mark.parametrize("pitch", [110.0, 150.0, 260.0])
def test_who_only_hums_a_note_does_not_speak(pitch: float) -> None:
    assert voiced_share(hum(8.0, pitch, 0.2)) == 0


def test_alarms_of_one_note_and_of_two_are_no_voices() -> None:
    quick = np.concatenate((tone(1000, RATE // 10), silence(RATE // 10)))
    assert voiced_share(np.tile(quick, 20)) == 0
    assert voiced_share(np.tile(np.concatenate((tone(880, RATE // 5), tone(988, RATE // 5))), 15)) == 0


def test_a_real_voice_is_one_also_by_telephone_and_over_noise() -> None:
    try:
        spoken = speech(8.0)
    except NoSpeech as missing:
        pytest.skip(str(missing))
    narrow = Upsampler(6).convert(g711.decode("PCMA", g711.encode("PCMA", Downsampler(6).convert(spoken))))
    for sound in (spoken, narrow, 0.05 * spoken, spoken + hiss(8.0, 0.006)):
        detector = VoiceDetector()
        found = [detector.hear(tick, level_dbfs(tick)) for tick in ticks(sound)]
        assert found.index(True) < 30
        assert np.mean(found[50:]) > 0.97


def test_silence_ends_a_voice_within_a_second() -> None:
    detector = VoiceDetector()
    for tick in ticks(voice(3.0, 150.0, 0.2)):
        detector.hear(tick, level_dbfs(tick))
    assert detector.speaking
    assert not [detector.hear(None, -120.0) for _ in range(50)][-1]


# Level


def evened(sound: Sound) -> tuple[Sound, Leveller]:
    leveller = Leveller()
    return np.concatenate([leveller.even(tick, True) for tick in ticks(sound)]), leveller


@pytest.mark.parametrize("level", [-38.0, -24.0, -12.0])
def test_voices_come_to_one_level(level: float) -> None:
    spoken = tone(300, 8 * RATE, amplitude=10 ** (level / 20) * 2**0.5)
    heard, _ = evened(spoken)
    assert level_dbfs(heard[-RATE:]) == pytest.approx(TARGET_DBFS, abs=3)


def test_a_whisper_is_not_lifted_beyond_measure_and_pauses_not_at_all() -> None:
    heard, leveller = evened(tone(300, 10 * RATE, amplitude=0.001))
    assert MOST_UP - DEAD_ZONE <= leveller.gain <= MOST_UP
    before = leveller.gain
    for tick in ticks(hiss(2.0, 0.001)):
        leveller.even(tick, False)
    assert leveller.gain == before
    assert np.abs(np.diff(heard, 2)).max() < 0.01  # no steps


def test_a_gain_is_a_ramp_when_it_changes_and_exact_afterwards() -> None:
    fader = Fader()
    sound = tone(500)
    assert fader.set(sound, 0.0) is sound
    changing = fader.set(sound, 6.0)
    assert changing[0] == sound[0] and abs(changing[1:] / sound[1:]).max() < 2.01
    assert amplitude_db(fader.set(tone(500, 4800), 6.0), 500) == pytest.approx(20 * np.log10(0.25) + 6, abs=0.1)


# Noise


def denoised(sound: Sound) -> Sound:
    denoiser = Denoiser()
    return np.concatenate([denoiser.clean(tick) for tick in ticks(sound)], axis=-1)


def test_steady_noise_goes_and_a_voice_stays() -> None:
    noise, spoken = hiss(8.0, 0.01), voice(8.0, 150.0, 0.2)
    left = denoised(noise)[4 * RATE :]
    assert level_dbfs(left) < level_dbfs(noise) - 10
    assert np.isfinite(left).all()
    kept = denoised(spoken + noise)
    # The fifth harmonic, well above the noise, 10 ms later.
    for second in (3, 5):
        part = slice(second * RATE, (second + 2) * RATE)
        assert level_dbfs(kept[part]) == pytest.approx(level_dbfs(spoken[part]), abs=2.5)


def test_the_denoiser_says_by_how_much_it_is_late() -> None:
    sound = voice(2.0, 150.0, 0.2)
    heard = denoised(sound)
    assert Denoiser.delay * RATE == HOP
    lag = int(np.argmax(np.correlate(heard[RATE // 2 : RATE], sound[RATE // 2 - 1000 : RATE - 1000], "full")))
    assert lag - (RATE // 2 - 1) + 0 == pytest.approx(HOP - 1000, abs=2)


def test_stereo_is_cleaned_on_both_sides_alike() -> None:
    noise = np.stack((hiss(6.0, 0.02), hiss(6.0, 0.01)))
    left, right = denoised(noise)[:, 4 * RATE :]
    assert level_dbfs(left) - level_dbfs(right) == pytest.approx(6, abs=1)
    assert level_dbfs(left) < level_dbfs(noise[0]) - 10


# Tones


def test_who_comes_is_told_by_rising_notes_that_it_does_not_hear_itself() -> None:
    tones = Tones()
    tones.enter(frozenset({"new"}))
    tones.leave()
    heard = []
    while (part := tones.pull()) is not None:
        heard.append(part)
    half = len(heard) // 2
    assert all(deaf == {"new"} for _, deaf in heard[:half])
    assert all(deaf == frozenset() for _, deaf in heard[half:])
    rising, falling = (np.concatenate([sound for sound, _ in part]) for part in (heard[:half], heard[half:]))
    first = slice(0, RATE // 8)
    assert amplitude_db(rising[first], LOW) > amplitude_db(rising[first], HIGH) + 10
    assert amplitude_db(falling[first], HIGH) > amplitude_db(falling[first], LOW) + 10


def test_a_tone_is_short_and_soft() -> None:
    notes = two_notes(LOW, HIGH)
    assert notes.size <= 0.3 * RATE
    assert notes.size % TICK_SAMPLES == 0
    assert -40 < level_dbfs(notes) < -25
    assert np.abs(np.diff(notes, 2)).max() < 0.003  # no clicks
