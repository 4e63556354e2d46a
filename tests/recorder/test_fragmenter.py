from __future__ import annotations

import itertools

import pytest

from recorder.formats import SILENCE, AudioFormat, Fragment
from recorder.fragmenter import FILLED_GAP, FRAGMENT_SECONDS, SOUND_WAIT, Fragmenter

AUDIO = AudioFormat()
UNIT = 1024 / 48_000


def run(fragmenter: Fragmenter, pictures: list[tuple[float, bool]], sounds: list[float]) -> list[Fragment]:
    """Feed in order of time; the fragments that came of it without an end."""
    fragments = []
    for time, key in sorted([*pictures, *((sound, None) for sound in sounds)], key=lambda item: item[0]):
        fragments += fragmenter.add_sound(b"s", time) if key is None else fragmenter.add_picture(b"p", time, key)
    return fragments


def steady(seconds: float, begin: float = 0.0, key_every: int = 30) -> list[tuple[float, bool]]:
    return [(begin + n / 30, n % key_every == 0) for n in range(round(seconds * 30))]


def sounds(seconds: float, begin: float = 0.0) -> list[float]:
    return [begin + n * UNIT for n in range(round(seconds / UNIT))]


def test_nothing_waits_longer_than_a_crash_may_cost() -> None:
    fragmenter, out = Fragmenter(AUDIO), 0
    shown = steady(10.0)
    for number, (time, key) in enumerate(shown):
        out += sum(len(fragment.pictures) for fragment in fragmenter.add_picture(b"p", time, key))
        waiting = number + 1 - out
        assert waiting / 30 <= FRAGMENT_SECONDS + SOUND_WAIT + 2 / 30 < 0.5
        for at in sounds(1 / 30, time):
            out += sum(len(fragment.pictures) for fragment in fragmenter.add_sound(b"s", at))


def test_each_picture_lasts_until_the_next_even_over_a_fragment_s_end() -> None:
    fragmenter = Fragmenter(None)
    times = [n / 30 + (n % 3) * 0.004 for n in range(60)]
    fragments = run(fragmenter, [(time, n == 0) for n, time in enumerate(times)], []) + fragmenter.finish()[0]
    at = [picture.time for fragment in fragments for picture in fragment.pictures]
    assert at == [round(time * 90_000) for time in times]
    for before, after in itertools.pairwise(fragments):
        assert before.end == after.pictures[0].time


def test_a_key_frame_always_begins_a_fragment() -> None:
    fragmenter = Fragmenter(AUDIO)
    fragments = run(fragmenter, steady(5.0, key_every=7), sounds(5.0)) + fragmenter.finish()[0]
    for fragment in fragments:
        assert not any(picture.key for picture in fragment.pictures[1:])


def test_sound_goes_with_the_pictures_that_it_belongs_to() -> None:
    fragmenter = Fragmenter(AUDIO)
    for fragment in run(fragmenter, steady(5.0), sounds(5.0)):
        begin, end = fragment.pictures[0].time / 90_000, fragment.end / 90_000
        assert begin - 1e-4 <= fragment.sounds[0].time / 48_000 < begin + UNIT
        assert end - 1e-4 <= fragment.sound_end / 48_000 < end + UNIT


def test_sound_that_jitters_is_counted_by_its_samples() -> None:
    fragmenter = Fragmenter(AUDIO)
    late = [time + (0.015 if n % 2 else 0.0) for n, time in enumerate(sounds(3.0))]
    fragments = run(fragmenter, steady(3.0), late) + fragmenter.finish()[0]
    at = [sound.time for fragment in fragments for sound in fragment.sounds]
    assert at == [n * 1024 for n in range(len(at))]


def test_a_short_gap_in_the_sound_is_filled_with_silence() -> None:
    fragmenter = Fragmenter(AUDIO)
    fragments = run(fragmenter, steady(5.0), sounds(1.0) + sounds(2.0, 3.0)) + fragmenter.finish()[0]
    every = [sound for fragment in fragments for sound in fragment.sounds]
    steps = [after.time - before.time for before, after in itertools.pairwise(every)]
    assert max(steps) < 2 * 1024
    assert 90 <= sum(sound.data == SILENCE[1] for sound in every) <= 94
    assert next(s.time for s in reversed(every) if s.data == SILENCE[1]) < 3.0 * 48_000 <= every[-90].time


def test_a_long_gap_stays_open() -> None:
    fragmenter = Fragmenter(AUDIO)
    gap = FILLED_GAP + 2
    fragments = run(fragmenter, steady(gap + 2), sounds(1.0) + sounds(0.5, gap + 1)) + fragmenter.finish()[0]
    every = [sound for fragment in fragments for sound in fragment.sounds]
    assert {sound.data for sound in every} == {b"s"}
    assert every[-1].time / 48_000 == pytest.approx(gap + 1.5, abs=0.05)


def test_sound_over_what_is_there_already_is_left_out() -> None:
    fragmenter = Fragmenter(AUDIO)
    fragments = fragmenter.add_picture(b"p", 0.0, True)
    for time in [*sounds(1.0), *sounds(1.0), *sounds(1.0, 1.0)]:
        fragments += fragmenter.add_sound(b"s", time)
    fragments += fragmenter.finish()[0]
    at = [sound.time for fragment in fragments for sound in fragment.sounds]
    assert at == [n * 1024 for n in range(len(at))] and 92 <= len(at) <= 95


def test_sound_that_comes_before_its_first_picture_is_kept() -> None:
    fragmenter = Fragmenter(AUDIO)
    for time in sounds(3.0, 10.0):
        assert fragmenter.add_sound(b"s", time) == []
    assert fragmenter.add_picture(b"p", 12.5, True) == []
    fragments = fragmenter.add_picture(b"p", 12.54, False) + fragmenter.finish()[0]
    first = fragments[0].sounds[0]
    assert 0 <= first.time < 1024
    assert len([sound for fragment in fragments for sound in fragment.sounds]) == 23


def test_pictures_that_stall_let_the_sound_go_on_and_the_last_one_stands() -> None:
    fragmenter = Fragmenter(AUDIO)
    fragments = run(fragmenter, steady(1.0), sounds(4.0))
    assert fragments[-1].pictures == ()
    assert fragments[-1].sound_end / 48_000 > 3.5
    more = fragmenter.add_picture(b"p", 4.0, False) + fragmenter.finish()[0]
    stood = next(fragment for fragment in more if fragment.pictures)
    assert stood.pictures[0].time == pytest.approx(29 / 30 * 90_000, abs=1)


def test_a_part_begins_with_its_key_frame_even_when_the_second_picture_is_late() -> None:
    fragmenter = Fragmenter(AUDIO)
    fragments = run(fragmenter, [(0.0, True), (5.0, False)], sounds(4.0)) + fragmenter.finish()[0]
    assert fragments[0].pictures[0].key
    assert fragments[0].end / 90_000 == pytest.approx(1.0, abs=0.03)
    assert [picture.time for fragment in fragments for picture in fragment.pictures] == [0, 450_000]


def test_time_that_stands_still_or_goes_back_cannot_confuse_it() -> None:
    fragmenter = Fragmenter(AUDIO)
    fragments: list[Fragment] = []
    for n, time in enumerate([0.0, 0.0, -5.0, 0.1, 0.05, 0.2, 0.5, 0.9]):
        fragments += fragmenter.add_picture(b"p", time, n == 0)
    fragments += fragmenter.finish()[0]
    at = [picture.time for fragment in fragments for picture in fragment.pictures]
    assert len(at) == 8 and at == sorted(set(at))


def test_what_comes_after_the_end_of_a_part_is_given_back() -> None:
    fragmenter = Fragmenter(AUDIO)
    run(fragmenter, steady(1.0, 7.0), sounds(1.2, 7.0))
    fragments, later = fragmenter.finish(8.0)
    assert fragments[-1].end == 90_000
    assert all(time >= 8.0 - 1e-6 for _, time in later) and len(later) == 9
    assert later[0][1] == pytest.approx(7 + 47 * UNIT)


def test_a_part_without_anything_has_no_fragments() -> None:
    fragmenter = Fragmenter(AUDIO)
    assert fragmenter.add_picture(b"p", 0.0, False) == []
    assert fragmenter.finish() == ([], [])
