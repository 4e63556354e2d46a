"""What a playout buffer leaves undone while its leg is inaudible, and how it wakes."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from mcu.media.codec.audio_encoder import EncoderKey, make_encoder
from mcu.media.sound.playout import PlayoutBuffer
from mcu.media.sound.samples import RATE, TICK, TICK_SAMPLES, Sound, level_dbfs, silence
from mcu.media.sound.speaker import Gate
from mcu.media.spec import CodecSpec
from mcu.media.units import CodedSound
from tests.fakes.tones import OPUS, PCMA, ToneSender, amplitude_db

HUM = 0.0004
"""-71 dBFS: below the gate's threshold, and no digital silence."""


def play(units: Iterable[CodedSound], ticks: int, asleep: Iterable[int]) -> tuple[list[Sound | None], PlayoutBuffer]:
    """Every frame at its time; in the ticks ``asleep`` nobody would hear the leg."""
    buffer = PlayoutBuffer([OPUS, PCMA])
    waiting, drowsy = sorted(units, key=lambda unit: unit.time), frozenset(asleep)
    played: list[Sound | None] = []
    for number in range(ticks):
        now = number * TICK + 0.007
        while waiting and waiting[0].time <= now:
            buffer.insert(waiting.pop(0))
        played.append(buffer.pull(now, number in drowsy))
    return played, buffer


def sound(ticks: Iterable[Sound | None]) -> Sound:
    return np.concatenate([silence() if tick is None else tick for tick in ticks])


def test_what_is_lost_while_nobody_hears_it_is_not_made_up() -> None:
    units = list(ToneSender(OPUS, amplitude=HUM).units(100))
    there = [unit for number, unit in enumerate(units) if not 50 <= number < 60]
    awake, _ = play(there, 100, ())
    asleep, buffer = play(there, 100, range(100))
    assert level_dbfs(sound(awake[53:58])) > -110
    assert not sound(asleep[54:60]).any()
    assert level_dbfs(sound(asleep[80:95])) == pytest.approx(-71, abs=1.5)
    assert buffer.statistics(2.0).concealed > 0


def test_a_word_after_a_pause_comes_in_place_and_whole() -> None:
    hum = list(ToneSender(PCMA, amplitude=HUM).units(50))
    word = list(ToneSender(PCMA, frequency=700, amplitude=0.25).units(120))[80:]
    played, _ = play([*hum, *word], 125, range(70))
    first = next(number for number, tick in enumerate(played) if tick is not None and level_dbfs(tick) > -40)
    assert first * TICK + 0.007 == pytest.approx(81 * TICK + 0.02, abs=0.021)
    assert amplitude_db(sound(played[85:118]), 700) == pytest.approx(20 * np.log10(0.25), abs=0.2)


def levelled(units: Iterable[CodedSound], level: int) -> list[CodedSound]:
    return [replace(unit, level=level) for unit in units]


def test_a_sender_that_says_that_it_is_silent_is_not_decoded() -> None:
    units = levelled(ToneSender(OPUS, amplitude=HUM).units(100), 71)
    played, _ = play(units, 100, range(100))
    decoded = [number for number, tick in enumerate(played) if tick is not None]
    assert len(decoded) < 12  # the few that are looked at, whether it is true
    awake, _ = play(units, 100, ())
    assert sum(tick is not None for tick in awake) > 90


def test_a_word_by_a_sender_that_tells_its_level_is_heard_from_the_start() -> None:
    units = list(ToneSender(OPUS, amplitude=0.25).units(100))
    told = levelled(units[:50], 71) + levelled(units[50:], 15)
    played, _ = play(told, 100, range(100))
    # Decoders have memory: two frames before the word are decoded, so that it begins as it was said.
    awake, _ = play(units, 100, ())
    first = next(number for number in range(50, 60) if played[number] is not None)
    assert np.abs(sound(played[first + 1 : 95]) - sound(awake[first + 1 : 95])).max() < 0.01


def test_the_end_of_a_word_in_the_next_frame_makes_no_liar_of_its_sender() -> None:
    """Opus looks ahead by 6.5 ms: so much of the word sounds on in a frame in which nothing is said any more."""
    encoder = make_encoder(EncoderKey.of(OPUS))
    time = np.arange(TICK_SAMPLES) / RATE
    word = (0.25 * np.sin(2 * np.pi * 700 * time)).astype(np.float32)
    told = [
        CodedSound(encoder.encode(word if loud else silence()), 111, number * TICK, number * 960, number, level=level)
        for number in range(250)
        for loud, level in [(True, 15) if number < 20 else (False, 127)]
    ]
    played, _ = play(told, 250, range(25, 250))
    decoded = [number for number, tick in enumerate(played) if number >= 30 and tick is not None]
    assert len(decoded) < 18  # those that are looked at, whether it is true, and two before each


def test_a_sender_that_lies_about_its_level_is_heard_within_a_second_all_the_same() -> None:
    units = levelled(ToneSender(OPUS, amplitude=0.25).units(200), 127)
    played, _ = play(units, 200, range(200))
    heard = [number for number, tick in enumerate(played) if tick is not None and level_dbfs(tick) > -30]
    assert heard[0] <= 55
    assert len(heard) > 140
    assert sound(played[60:190]).size == 130 * TICK_SAMPLES
    assert amplitude_db(sound(played[60:190])[:RATE], 440) == pytest.approx(20 * np.log10(0.25), abs=0.5)


class _StepByStep(PlayoutBuffer):
    """Takes no short way for what nobody could hear."""

    def _doze(self, now: float) -> bool:
        return False


@pytest.mark.parametrize("codec", [OPUS, PCMA], ids=lambda codec: codec.name)
@pytest.mark.parametrize("seed", range(2))
def test_the_short_way_of_a_sleeping_leg_comes_to_the_same(codec: CodecSpec, seed: int) -> None:
    """Words, silence that is told or seen, losses, jitter, drift, a jump of the timestamps: with it and without."""
    chance = random.Random(seed)
    drift = chance.choice((0.0, 150e-6))
    loud = list(ToneSender(codec, amplitude=0.25).units(600))
    hum = list(ToneSender(codec, amplitude=HUM).units(600))
    units = []
    for number in range(600):
        speaking = number // 60 % 3 == 1
        level = None if codec is PCMA else chance.choice((15, 20)) if speaking else chance.choice((71, 90))
        unit = replace((loud if speaking else hum)[number], level=level)
        late = chance.expovariate(1 / 0.004) if number % 200 < 150 else chance.expovariate(1 / 0.03)
        jump = 480_000 if number > 450 else 0
        if chance.random() > 0.03 and unit.timestamp is not None:
            time = number * TICK * (1 - drift) + late
            units.append(replace(unit, time=time, timestamp=unit.timestamp + jump))
    units.sort(key=lambda unit: unit.time)
    buffers = PlayoutBuffer([codec]), _StepByStep([codec])
    gates = Gate(), Gate()
    waiting = list(units)
    for number in range(620):
        now = number * TICK + 0.007
        arrived = [unit for unit in waiting if unit.time <= now]
        waiting = waiting[len(arrived) :]
        heard = []
        for buffer, gate in zip(buffers, gates, strict=True):
            for unit in arrived:
                buffer.insert(unit)
            heard.append(gate.passing(buffer.pull(now, gate.asleep(now)), now))
        assert (heard[0] is None) == (heard[1] is None)
        if heard[0] is not None and heard[1] is not None:
            assert np.array_equal(heard[0], heard[1])
        assert buffers[0].statistics(now) == buffers[1].statistics(now)
