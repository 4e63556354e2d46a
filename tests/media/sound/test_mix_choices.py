"""What legs and conferences may choose: gains, music, stereo, tones, evened levels, who may take the floor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mcu.media.sound.level import TARGET_DBFS
from mcu.media.sound.samples import RATE, Sound, level_dbfs, mono, silence
from mcu.media.sound.tones import HIGH
from mcu.media.spec import ProcessingSpec
from tests.fakes.mix_room import STEREO, Room, leg
from tests.fakes.tones import OPUS, PCMA, amplitude_db, tone
from tests.fakes.voices import hiss, keyboard, pump, voice


def steady(sound: Sound) -> Sound:
    return sound[..., -RATE:]


def test_a_microphones_gain_is_heard_by_all_others() -> None:
    plain = Room(leg("a"), leg("b")).run({"a": tone(500, 2 * RATE, amplitude=0.1)}, 2)
    louder = Room(leg("a", gain=6.0), leg("b")).run({"a": tone(500, 2 * RATE, amplitude=0.1)}, 2)
    difference = amplitude_db(steady(louder["b"]), 500) - amplitude_db(steady(plain["b"]), 500)
    assert difference == pytest.approx(6, abs=0.3)


def test_a_listening_gain_is_heard_by_that_leg_alone_and_never_beyond_full_scale() -> None:
    room = Room(leg("a"), leg("b", listen_gain=-12.0), leg("c"), leg("d", listen_gain=20.0))
    heard = room.run({"a": tone(500, 2 * RATE, amplitude=0.3)}, 2)
    levels = {name: amplitude_db(steady(heard[name]), 500) for name in "bcd"}
    assert levels["c"] - levels["b"] == pytest.approx(12, abs=0.3)
    assert levels["d"] > levels["c"] + 9
    assert np.abs(heard["d"]).max() <= 1.06  # the codec's filters overshoot a little


def test_stereo_is_kept_for_who_takes_it_and_folded_for_the_others() -> None:
    left, right = tone(500, 2 * RATE), tone(900, 2 * RATE)
    room = Room(leg("a", STEREO), leg("b", STEREO), leg("c", PCMA), leg("d", OPUS))
    heard = room.run({"a": np.stack((left, right))}, 2)
    both = steady(heard["b"])
    assert both.ndim == 2
    assert amplitude_db(both[0], 500) - amplitude_db(both[1], 500) > 30
    assert amplitude_db(both[1], 900) - amplitude_db(both[0], 900) > 30
    for name in "cd":
        folded = steady(heard[name])
        assert folded.ndim == 1
        assert amplitude_db(folded, 500) == pytest.approx(20 * np.log10(0.125), abs=1)
        assert amplitude_db(folded, 900) == pytest.approx(20 * np.log10(0.125), abs=1)
    assert level_dbfs(steady(heard["a"])) < -80  # who speaks alone hears nothing, on neither side


def test_two_in_stereo_hear_each_other_and_not_themselves() -> None:
    quiet = silence(2 * RATE)
    room = Room(leg("a", STEREO), leg("b", STEREO))
    heard = room.run({"a": np.stack((tone(500, 2 * RATE), quiet)), "b": np.stack((quiet, tone(900, 2 * RATE)))}, 2)
    a, b = steady(heard["a"]), steady(heard["b"])
    assert amplitude_db(a[1], 900) > -15 and amplitude_db(mono(a), 500) < -60
    assert amplitude_db(b[0], 500) > -15 and amplitude_db(mono(b), 900) < -60


def test_music_mode_passes_what_is_too_faint_for_speech_and_changes_nothing() -> None:
    faint = tone(60, 3 * RATE, amplitude=0.0008)  # -65 dBFS: a heart through a bad microphone
    cleaned = ProcessingSpec(level=True, denoise=True)
    for music in (False, True):
        heard = Room(leg("a", OPUS, music=music), leg("b", OPUS), processing=cleaned).run({"a": faint}, 3)
        found = amplitude_db(steady(heard["b"]), 60)
        assert (found == pytest.approx(20 * np.log10(0.0008), abs=1.5)) == music


def test_music_takes_no_floor() -> None:
    room = Room(leg("a", music=True), leg("b"))
    room.run({"a": voice(3.0, 150.0, 0.3)}, 3)
    assert set(room.speakers) == {None}


def test_a_pump_or_a_keyboard_takes_no_floor_and_a_voice_beside_them_does() -> None:
    room = Room(leg("pump"), leg("keys"), leg("voice"))
    noises = {"pump": pump(6.0), "keys": keyboard(6.0)}
    room.run(noises, 3)
    assert set(room.speakers) == {None}
    room.run(noises | {"voice": voice(3.0, 150.0, 0.3)}, 3)
    assert room.speakers[-1] == "voice"


def test_loud_and_soft_voices_are_evened_when_the_conference_asks_for_it() -> None:
    spoken = voice(8.0, 150.0, 0.5)
    levels = {}
    for level in (False, True):
        room = Room(leg("a"), leg("b"), processing=ProcessingSpec(level=level))
        levels[level] = [
            level_dbfs(room.run({"a": spoken * np.float32(factor)}, 8)["b"][-2 * RATE :]) for factor in (0.15, 1.0)
        ]
    assert levels[False][1] - levels[False][0] > 15
    assert levels[True][1] - levels[True][0] < 6
    assert levels[True][1] == pytest.approx(TARGET_DBFS, abs=4)


def test_noise_goes_when_the_conference_asks_for_it() -> None:
    levels = []
    for denoise in (False, True):
        room = Room(leg("a", OPUS), leg("b", OPUS), processing=ProcessingSpec(denoise=denoise))
        levels.append(level_dbfs(steady(room.run({"a": hiss(5.0, 0.02)}, 5)["b"])))
    assert levels[1] < levels[0] - 8


def test_all_but_the_newcomer_hear_the_tone_of_its_coming() -> None:
    room = Room(leg("a"), leg("b"), processing=ProcessingSpec(tones=True))
    room.run({}, 1)  # their own tone is over
    room.state = replace(room.state, legs=(*room.state.legs, leg("new")))
    room.mix.apply(room.state)
    heard = room.run({}, 0.4)
    assert amplitude_db(heard["a"], HIGH) > -48
    assert amplitude_db(heard["b"], HIGH) > -48
    assert level_dbfs(heard["new"]) < -70
    room.state = replace(room.state, legs=room.state.legs[:2])
    room.mix.apply(room.state)
    assert amplitude_db(room.run({}, 0.4)["a"], HIGH) > -48


def test_without_tones_nobody_hears_who_comes() -> None:
    room = Room(leg("a"))
    room.state = replace(room.state, legs=(*room.state.legs, leg("new")))
    room.mix.apply(room.state)
    assert level_dbfs(room.run({}, 0.4)["a"]) < -70
