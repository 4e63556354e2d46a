"""The playout buffer against networks and senders of all kinds. Time is passed in; nothing waits."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.media.codec.audio_encoder import OPUS_LOOKAHEAD, rtp_samples
from mcu.media.sound.playout import PlayoutBuffer, PlayoutStatistics
from mcu.media.sound.playout_delay import MAXIMUM_DELAY
from mcu.media.sound.samples import RATE, TICK, TICK_SAMPLES, Sound, level_dbfs, silence
from mcu.media.spec import CodecSpec
from mcu.media.units import CodedSound
from tests.fakes.tones import CODECS, G722, OPUS, PCMA, ToneSender, delayed, loudest_frequency, steady_amplitude_db

TONE_DB = 20 * np.log10(0.25)


@dataclass
class Played:
    ticks: list[Sound | None]
    statistics: PlayoutStatistics
    delays: list[float]

    def sound(self, first: int = 0, last: int | None = None) -> Sound:
        return np.concatenate([silence() if tick is None else tick for tick in self.ticks[first:last]])


def play(units: Iterable[CodedSound], ticks: int, codec: CodecSpec = OPUS, phase: float = 0.007) -> Played:
    """Hand over every frame at its ``time`` and pull a tick every 20 ms; ``phase`` is the tick's lag behind frame 0."""
    buffer = PlayoutBuffer([codec])
    waiting = sorted(units, key=lambda unit: unit.time)
    played: list[Sound | None] = []
    delays: list[float] = []
    now = 0.0
    for n in range(ticks):
        now = n * TICK + phase
        while waiting and waiting[0].time <= now:
            buffer.insert(waiting.pop(0))
        played.append(buffer.pull(now))
        delays.append(buffer.statistics(now).delay)
    return Played(played, buffer.statistics(now), delays)


def clicks(sound: Sound) -> int:
    """Samples that jump further from their neighbours than a 440 Hz tone of this level ever does."""
    second = np.abs(np.diff(sound, 2))
    return int(np.count_nonzero(second > 0.02))


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
def test_a_steady_sender_is_played_whole_at_its_frequency_and_level(codec: CodecSpec) -> None:
    played = play(ToneSender(codec).units(100), 100, codec)
    sound = played.sound(30, 99)
    assert loudest_frequency(sound) == pytest.approx(440, abs=1)
    assert steady_amplitude_db(sound, 440) == pytest.approx(TONE_DB, abs=0.5)
    assert played.statistics.concealed == 0
    assert played.statistics.late == 0


def test_the_first_packet_waits_about_forty_ms() -> None:
    for phase in (0.001, 0.007, 0.013, 0.019):
        played = play(ToneSender(OPUS).units(20), 20, phase=phase)
        first = next(n for n, tick in enumerate(played.ticks) if tick is not None)
        assert 0.030 <= first * TICK + phase - TICK < 0.0501


@pytest.mark.parametrize("phase", [0.0, 0.001, 0.004, 0.009, 0.015, 0.0199])
def test_on_a_quiet_network_the_delay_settles_at_ten_to_thirty_three_ms(phase: float) -> None:
    played = play(ToneSender(PCMA).units(400), 400, PCMA, phase)
    assert 0.0099 <= played.delays[-1] <= 0.0331
    assert played.statistics.concealed == 0
    assert steady_amplitude_db(played.sound(250), 440) == pytest.approx(TONE_DB, abs=0.5)


def test_sound_is_held_back_for_a_slow_picture_without_a_gap() -> None:
    buffer = PlayoutBuffer([PCMA])
    buffer.hold_back(0.100)
    delays = []
    for n, unit in enumerate(ToneSender(PCMA).units(600)):
        buffer.insert(unit)
        tick = buffer.pull(n * TICK + 0.027)
        assert n < 3 or (tick is not None and level_dbfs(tick) > TONE_DB - 6)
        delays.append(buffer.statistics(n * TICK + 0.027).delay)
        if n == 300:
            assert 0.100 < delays[-1] < 0.140
            buffer.hold_back(-1)
    assert delays[-1] < 0.034


def test_shrinking_the_delay_of_a_tone_makes_no_click() -> None:
    played = play(ToneSender(PCMA).units(300), 300, PCMA, 0.0)
    assert played.delays[-1] < played.delays[10] - 0.015
    assert clicks(played.sound(4, 299)) == 0


def test_jitter_is_measured_and_waited_for() -> None:
    chance = random.Random(7)
    units = [delayed(unit, chance.uniform(0, 0.060)) for unit in ToneSender(OPUS).units(1000)]
    played = play(units, 1000)
    assert 0.05 < played.delays[-1] < 0.12
    early, all_of_it = play(units[:500], 500).statistics, played.statistics
    assert all_of_it.concealed - early.concealed < 0.03 * 10
    assert steady_amplitude_db(played.sound(500), 440) == pytest.approx(TONE_DB, abs=1)


def test_the_delay_comes_down_again_after_the_network_has_calmed() -> None:
    chance = random.Random(3)
    units = [
        delayed(unit, chance.uniform(0, 0.080) if n < 300 else 0.0)
        for n, unit in enumerate(ToneSender(OPUS).units(900))
    ]
    played = play(units, 900)
    assert max(played.delays) > 0.06
    assert played.delays[-1] < 0.035


def test_packets_out_of_order_are_played_in_order() -> None:
    units = list(ToneSender(PCMA).units(100))
    for n in range(20, 90, 5):
        one, other = units[n], units[n + 1]
        units[n], units[n + 1] = replace(one, time=other.time), replace(other, time=one.time)
    played = play(units, 100, PCMA)
    assert played.statistics.late == 0
    assert steady_amplitude_db(played.sound(40, 99), 440) == pytest.approx(TONE_DB, abs=0.5)


def test_duplicates_are_played_once() -> None:
    units = [unit for one in ToneSender(PCMA).units(60) for unit in (one, delayed(one, 0.001))]
    played = play(units, 60, PCMA)
    assert loudest_frequency(played.sound(10, 59)) == pytest.approx(440, abs=1)
    assert clicks(played.sound(10, 59)) == 0


@pytest.mark.parametrize("codec", [OPUS, G722, PCMA], ids=lambda codec: codec.name)
def test_single_losses_are_concealed_without_a_gap_or_a_shift(codec: CodecSpec) -> None:
    units = [unit for n, unit in enumerate(ToneSender(codec).units(200)) if n % 10 != 5]
    played = play(units, 199, codec)
    assert 0.02 * 15 <= played.statistics.concealed <= 0.02 * 25
    for n in range(20, 198):
        tick = played.ticks[n]
        assert tick is not None
        # A tone has no voice to copy: where Opus makes it up itself, it may dip for a frame.
        assert level_dbfs(tick) > TONE_DB - 16


def test_a_long_loss_fades_to_silence_and_comes_back_in_place() -> None:
    units = [unit for n, unit in enumerate(ToneSender(PCMA).units(200)) if not 60 <= n < 100]
    whole, played = play(ToneSender(PCMA).units(200), 200, PCMA), play(units, 200, PCMA)
    assert played.ticks[80] is None
    assert played.statistics.concealed <= 0.121
    assert level_dbfs(played.sound(120, 199)) == pytest.approx(level_dbfs(whole.sound(120, 199)), abs=0.5)
    assert played.delays[-1] == pytest.approx(whole.delays[-1], abs=0.021)


def test_a_network_stall_raises_the_delay_only_for_a_while() -> None:
    units = [
        replace(unit, time=max(unit.time, 3.0)) if unit.time >= 2.0 else unit for unit in ToneSender(OPUS).units(600)
    ]
    played = play(units, 600)
    assert max(played.delays[152:]) <= MAXIMUM_DELAY + 2 * TICK
    assert played.delays[-1] < 0.07
    assert level_dbfs(played.sound(170, 590)) == pytest.approx(TONE_DB - 3, abs=1)
    assert played.statistics.restarts == 0


def test_ticks_that_the_mixer_missed_leave_the_delay_as_it_was() -> None:
    buffer = PlayoutBuffer([PCMA])
    heard, before = [], 0.0
    for n, unit in enumerate(ToneSender(PCMA).units(200)):
        buffer.insert(unit)
        now = n * TICK + 0.027
        if n == 92:
            before = buffer.statistics(now - 7 * TICK).delay
            buffer.skip(6)
        if not 86 <= n < 92:
            heard.append(buffer.pull(now))
    assert buffer.statistics(now).delay == pytest.approx(before, abs=0.021)
    assert buffer.statistics(now).concealed == 0
    after = np.concatenate([tick for tick in heard[50:] if tick is not None])
    assert after.size == (len(heard) - 50) * TICK_SAMPLES
    assert clicks(after) == 0


def test_a_pause_of_the_sender_is_silence_and_no_concealment_storm() -> None:
    """Opus DTX: nothing for 400 ms at a time, timestamps going on, sequence numbers without a hole."""
    units = []
    sequence = 0
    for n, unit in enumerate(ToneSender(OPUS).units(500)):
        talking = (n // 100) % 2 == 0
        if talking or n % 20 == 0:
            units.append(replace(unit, sequence=sequence, data=unit.data if talking else unit.data[:1]))
            sequence += 1
    played = play(units, 500)
    assert played.statistics.concealed < 1.0
    assert played.statistics.late == 0
    assert played.delays[-1] < 0.05
    for first in (220, 420):
        assert steady_amplitude_db(played.sound(first, first + 70), 440) == pytest.approx(TONE_DB, abs=1)


def test_a_sender_that_stops_for_good_ends_in_silence() -> None:
    played = play(ToneSender(OPUS).units(50), 200)
    assert all(tick is None for tick in played.ticks[60:])
    assert played.statistics.concealed <= 0.121


@pytest.mark.parametrize("jump", [-10_000_000, -24_000, 24_000, 4_000_000_000], ids=str)
def test_a_timestamp_jump_is_followed_within_a_tenth_of_a_second(jump: int) -> None:
    units = list(ToneSender(OPUS).units(300))
    units = [
        replace(unit, timestamp=(unit.timestamp or 0) + jump) if n >= 100 else unit for n, unit in enumerate(units)
    ]
    played = play(units, 299)
    assert played.statistics.restarts == 1
    silent = [n for n in range(100, 299) if played.ticks[n] is None or level_dbfs(played.sound(n, n + 1)) < -40]
    assert len(silent) <= 5
    assert played.delays[-1] < 0.06
    assert steady_amplitude_db(played.sound(115), 440) == pytest.approx(TONE_DB, abs=1)


def test_a_restarted_sender_is_heard_again_at_once() -> None:
    before = list(ToneSender(PCMA, 440).units(100))
    after = ToneSender(PCMA, 1000, first_timestamp=77, first_sequence=50_000).units(100, start=2.0)
    played = play([*before, *after], 199, PCMA)
    assert steady_amplitude_db(played.sound(110, 199), 1000) == pytest.approx(TONE_DB, abs=0.5)
    assert steady_amplitude_db(played.sound(110, 199), 440) < TONE_DB - 40


def test_a_single_wild_timestamp_changes_nothing() -> None:
    units = list(ToneSender(PCMA).units(100))
    units[50] = replace(units[50], timestamp=1)
    played = play(units, 100, PCMA)
    assert played.statistics.restarts == 0
    assert played.statistics.late == 1
    assert steady_amplitude_db(played.sound(60, 99), 440) == pytest.approx(TONE_DB, abs=0.5)


@pytest.mark.parametrize("jitter", [0.3, 0.95])
def test_a_network_that_is_up_to_a_second_late_is_put_up_with_and_forgotten(jitter: float) -> None:
    rng = random.Random(3)
    units = [
        replace(unit, time=unit.time + rng.random() * jitter) if 100 <= n < 700 else unit
        for n, unit in enumerate(ToneSender(PCMA).units(1500))
    ]
    played = play(units, 1500, PCMA)
    assert played.statistics.restarts == 0
    assert played.delays[690] == pytest.approx(jitter, abs=0.15)
    # Once the delay has grown there are no holes; what was sent last comes out last, at the right pitch.
    assert all(level_dbfs(played.sound(n, n + 1)) > TONE_DB - 12 for n in range(400, 1490))
    assert loudest_frequency(played.sound(400, 700)) == pytest.approx(440, abs=2)
    assert played.delays[-1] < 0.06


@pytest.mark.parametrize("ppm", [-200, 200])
@pytest.mark.parametrize("jitter", [0.0, 0.02])
def test_ten_minutes_of_a_clock_that_runs_off_are_evened_out_unheard(ppm: int, jitter: float) -> None:
    rng = random.Random(1)
    count = 30_000
    stream = [unit.data for unit in ToneSender(PCMA, 500).units(40)][20:]  # ten periods in each frame
    units = [
        CodedSound(stream[n % 20], 8, (n + 1) * TICK * (1 + ppm * 1e-6) + rng.random() * jitter, n * 160, n)
        for n in range(count)
    ]
    played = play(units, count - 50, PCMA)
    statistics = played.statistics
    assert statistics.drift == pytest.approx(-ppm * 1e-6, abs=5e-6)
    assert statistics.concealed == 0
    # The delay stands still but for one step to a rounder figure: without resampling it would move by 120 ms.
    delays = played.delays[5000:]
    lowest, highest = min(delays), max(delays)
    assert highest - lowest < TICK + 0.003
    assert statistics.stretched <= 12
    heard = played.sound(5000, count - 60)
    assert clicks(heard) == 0


def test_a_slow_or_fast_sender_clock_is_followed() -> None:
    for drift in (-0.0003, 0.0003):
        units = [replace(unit, time=unit.time * (1 + drift)) for unit in ToneSender(PCMA).units(6000)]
        played = play(units, 5990, PCMA)
        assert min(played.delays[500:]) > 0.0
        assert max(played.delays[500:]) < 0.06
        assert played.statistics.concealed < 0.3
        assert played.statistics.restarts == 0


@pytest.mark.parametrize("packet_ms", [10, 30, 40, 60])
def test_other_packet_lengths_are_played_whole(packet_ms: int) -> None:
    stream = b"".join(unit.data for unit in ToneSender(PCMA).units(150))
    size = packet_ms * 8
    units = [
        CodedSound(stream[at : at + size], 8, (at + size) / 8000, timestamp=at, sequence=at // size)
        for at in range(0, len(stream) - size + 1, size)
    ]
    played = play(units, 145, PCMA)
    assert played.statistics.concealed == 0
    assert steady_amplitude_db(played.sound(20, 140), 440) == pytest.approx(TONE_DB, abs=0.5)


def test_a_change_of_codec_in_mid_stream_is_followed() -> None:
    """Another payload type with another clock: positions do not go on, so the buffer begins anew."""
    first = list(ToneSender(OPUS, 440).units(100))
    second = ToneSender(PCMA, 440, first_sequence=200).units(100, start=2.0)
    buffer = PlayoutBuffer([OPUS, PCMA])
    waiting = [*first, *second]
    heard = []
    for n in range(199):
        now = n * TICK + 0.005
        while waiting and waiting[0].time <= now:
            buffer.insert(waiting.pop(0))
        tick = buffer.pull(now)
        heard.append(silence() if tick is None else tick)
    assert steady_amplitude_db(np.concatenate(heard[115:]), 440) == pytest.approx(TONE_DB, abs=0.5)


def test_frames_of_unknown_type_or_without_timestamp_are_counted_only() -> None:
    buffer = PlayoutBuffer([PCMA])
    buffer.insert(CodedSound(b"x" * 160, 99, 0.0, timestamp=0, sequence=0))
    buffer.insert(CodedSound(b"x" * 160, 8, 0.0))
    buffer.insert(CodedSound(b"", 8, 0.0, timestamp=0, sequence=0))
    assert buffer.malformed == 3
    assert buffer.pull(0.1) is None


def test_lip_sync_delay_of_a_marker_is_what_the_statistics_say() -> None:
    """A click in frame 100 comes out after the stated delay (and the encoder's lookahead)."""
    buffer = PlayoutBuffer([OPUS])
    units = list(ToneSender(OPUS, amplitude=0.0).units(100))
    loud = list(ToneSender(OPUS, 1000, first_timestamp=1_000_000 + 100 * 960, first_sequence=200).units(50, start=2.0))
    waiting = [*units, *loud]
    onset = None
    for n in range(149):
        now = n * TICK + 0.005
        while waiting and waiting[0].time <= now:
            buffer.insert(waiting.pop(0))
        expected = buffer.statistics(now - TICK).delay
        tick = buffer.pull(now)
        if onset is None and tick is not None and np.abs(tick).max() > 0.1:
            onset = now + int(np.argmax(np.abs(tick) > 0.1)) / RATE
            break
    assert onset is not None
    spoken = 2.0  # its first sample; it left 20 ms later
    assert onset - spoken == pytest.approx(TICK + expected + OPUS_LOOKAHEAD / RATE, abs=0.004)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.binary(max_size=60),
            st.sampled_from([0, 8, 9, 111, 77]),
            st.integers(-(2**40), 2**40) | st.integers(0, 20_000),
            st.integers(0, 300),
            st.floats(0, 2),
        ),
        max_size=40,
    )
)
def test_no_frames_whatever_make_it_raise_or_play_anything_but_ticks(
    frames: list[tuple[bytes, int, int, int, float]],
) -> None:
    buffer = PlayoutBuffer(CODECS)
    waiting = sorted(
        (
            CodedSound(data, kind, time, timestamp=stamp, sequence=sequence)
            for data, kind, stamp, sequence, time in frames
        ),
        key=lambda unit: unit.time,
    )
    for n in range(110):
        while waiting and waiting[0].time <= n * TICK:
            buffer.insert(waiting.pop(0))
        tick = buffer.pull(n * TICK)
        assert tick is None or (tick.shape in ((TICK_SAMPLES,), (2, TICK_SAMPLES)) and bool(np.isfinite(tick).all()))
    assert rtp_samples(OPUS) == TICK_SAMPLES


@pytest.mark.parametrize("phase", [0.001, 0.011, 0.016, 0.019])
def test_while_frames_are_lost_there_is_time_for_the_next_one_to_mend_them(phase: float) -> None:
    rng = random.Random(5)
    units = [unit for unit in ToneSender(OPUS).units(600) if rng.random() >= 0.1]
    delays = play(units, 600, phase=phase).delays
    # The next frame comes a tick after the one that is missing.
    assert min(delays[100:]) + phase >= TICK
    assert max(delays[100:]) + phase < 3 * TICK


def test_a_codec_that_cannot_mend_waits_for_nothing() -> None:
    rng = random.Random(5)
    units = [unit for unit in ToneSender(PCMA).units(600) if rng.random() >= 0.1]
    clean = play(ToneSender(PCMA).units(600), 600, PCMA, 0.016)
    assert play(units, 600, PCMA, 0.016).delays[-1] == clean.delays[-1]


def test_after_a_time_without_loss_the_delay_shrinks_again() -> None:
    rng = random.Random(5)
    units = [unit for number, unit in enumerate(ToneSender(OPUS).units(2400)) if number > 400 or rng.random() >= 0.1]
    clean = play(ToneSender(OPUS).units(2400), 2400, phase=0.016)
    lossy = play(units, 2400, phase=0.016)
    assert lossy.delays[400] > clean.delays[400]
    assert lossy.delays[-1] == pytest.approx(clean.delays[-1], abs=0.001)
