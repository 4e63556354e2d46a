"""Bad networks in simulated time: what the playout buffer says of its delay is true, for lip sync depends on it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from bench.network_path import Conditions, NetworkPath
from mcu.media.codec.audio_encoder import EncoderKey, make_encoder
from mcu.media.sound import playout_delay
from mcu.media.sound.playout import PlayoutBuffer
from mcu.media.sound.samples import RATE, TICK, TICK_SAMPLES, Sound, silence
from mcu.media.units import CodedSound
from tests.fakes.tones import PCMA, tone

MARK_EVERY, MARK_TICKS = 25, 2
"""A mark of 40 ms every half second; between them there is a hum, so that nothing is taken for a pause."""

SECONDS = 28
CALM_FROM = 10

Network = Callable[[random.Random, float], float | None]
"""How late a packet sent then arrives, in seconds; None when it is lost."""


def jitter(most: float) -> Network:
    return lambda chance, now: chance.uniform(0, most)


def stalls(every: float, length: float) -> Network:
    """The network stands still now and then, and then all comes at once."""
    return lambda chance, now: max(0.0, length - now % every)


def bursts(loss: float, packets: float) -> Network:
    """Losses that come together (Gilbert's model), with some jitter."""
    lost = False

    def network(chance: random.Random, now: float) -> float | None:
        nonlocal lost
        lost = chance.random() > 1 / packets if lost else chance.random() < loss / packets / (1 - loss)
        return None if lost else chance.uniform(0, 0.06)

    return network


def wobbling(most: float, seed: int) -> Network:
    """As ``bench.network_path`` has it: the delay is another one four times a second, and packets keep their order."""
    path: NetworkPath[None] = NetworkPath(Conditions(jitter=most), seed)

    def network(chance: random.Random, now: float) -> float:
        path.push(b"", None, now)
        arrives = now
        while (due := path.next_deadline()) is not None:
            arrives = due
            path.pop_due(due)
        return arrives - now

    return network


def even(chance: random.Random, now: float) -> float:
    """A network that is quick and even."""
    return 0.0


def source(number: int) -> Sound:
    hum = tone(150, start=number * TICK_SAMPLES, amplitude=0.01)
    return hum + tone(1000, start=number * TICK_SAMPLES) if number % MARK_EVERY < MARK_TICKS else hum


def sent(network: Network, seed: int) -> list[CodedSound]:
    """In the order of arrival; the network is bad until ``CALM_FROM``."""
    chance, encoder = random.Random(seed), make_encoder(EncoderKey.of(PCMA))
    units = []
    for number in range(round(SECONDS / TICK)):
        now = (number + 1) * TICK
        data, late = encoder.encode(source(number)), network(chance, now) if now < CALM_FROM else 0.0
        if late is not None:
            units.append(CodedSound(data, 8, now + late, timestamp=number * 160, sequence=number))
    return sorted(units, key=lambda unit: unit.time)


@pytest.mark.parametrize(
    ("network", "most", "believed"),
    [
        (jitter(0.2), 0.35, 4.5),
        (jitter(1.0), 1.13, 4.5),
        (stalls(3.0, 0.3), 0.48, 6.5),
        (stalls(3.0, 0.9), 1.13, 6.5),
        (bursts(0.2, 4), 0.2, 4.5),
    ],
    ids=["jitter of 200 ms", "jitter of 1000 ms", "stalls of 300 ms", "stalls of 900 ms", "bursts of losses"],
)
def test_sound_is_as_late_as_the_buffer_says_and_not_for_longer_than_it_must(
    network: Network, most: float, believed: float
) -> None:
    buffer, waiting = PlayoutBuffer([PCMA]), sent(network, 5)
    played: list[Sound] = []
    origins: list[float | None] = []
    delays: list[float] = []
    for number in range(round(SECONDS / TICK)):
        now = number * TICK + 0.006
        while waiting and waiting[0].time <= now:
            buffer.insert(waiting.pop(0))
        tick = buffer.pull(now)
        played.append(silence() if tick is None else tick)
        found = buffer.statistics(now)
        origins.append(found.origin)
        delays.append(found.delay)
    whole = np.concatenate(played)
    # Where marks begin, by their loudness over 5 ms; the hum is far below.
    loud = np.abs(whole).reshape(-1, 240).max(axis=1) > 0.1
    begins = [index for index in range(20, loud.size) if loud[index] and not loud[index - 20 : index].any()]
    errors = []
    for begin in begins:
        tick = begin * 240 // TICK_SAMPLES
        origin = origins[tick - 1]
        if origin is None:
            continue
        spoken = begin * 240 / RATE + 0.006 - origin  # the sender's time of what is played there
        errors.append((spoken + 0.25) % 0.5 - 0.25 - 0.0015)  # against the nearest mark; filters take 1.5 ms
    assert len(errors) > 30
    # A pitch period may be repeated or left out within the tick, and of a mark the beginning may be lost.
    assert float(np.median(np.abs(errors))) < 0.008
    assert float(np.percentile(np.abs(errors), 90)) < 0.022
    assert max(delays) <= min(most, playout_delay.MAXIMUM_DELAY + 1.5 * TICK)
    # The last are late, four seconds go until the calm is believed by what has been played, more where trouble comes
    # seldom, and 150 ms a second while people speak.
    after = round((CALM_FROM + most + believed + most + most / 0.15) / TICK)
    assert max(delays[after:]) < 0.06


def test_what_a_single_stall_held_up_is_all_played_and_then_caught_up() -> None:
    units = [unit if unit.time < 3 else replace(unit, time=max(unit.time, 3.8)) for unit in sent(even, 1)[:600]]
    buffer, delays = run(units, 600)
    assert buffer.statistics(12.0).late == 0
    assert delays[round(3.9 / TICK)] > 0.7
    assert delays[round(8.5 / TICK)] < 0.25
    assert delays[-1] < 0.06


@pytest.mark.parametrize(
    "network", [wobbling(1.0, 1), wobbling(1.0, 2), jitter(1.0)], ids=["bunched", "other", "mixed"]
)
def test_a_second_of_jitter_is_waited_for_within_two_seconds_and_then_left_alone(network: Network) -> None:
    units = sent(network, 3)
    buffer, delays = run(units, round(2.0 / TICK))
    before = buffer.statistics(2.0)
    buffer, delays = run(units, round(CALM_FROM / TICK))
    after = buffer.statistics(CALM_FROM)
    assert after.concealed - before.concealed < 0.35
    assert after.late - before.late < 4
    assert after.stretched - before.stretched < 35
    assert min(delays[round(4.0 / TICK) : round(CALM_FROM / TICK)]) > 0.6


def run(units: list[CodedSound], ticks: int) -> tuple[PlayoutBuffer, list[float]]:
    """Played to the end, and the delay at each tick."""
    buffer, delays, waiting = PlayoutBuffer([PCMA]), [], list(units)
    for number in range(ticks):
        now = number * TICK + 0.006
        while waiting and waiting[0].time <= now:
            buffer.insert(waiting.pop(0))
        buffer.pull(now)
        delays.append(buffer.statistics(now).delay)
    return buffer, delays
