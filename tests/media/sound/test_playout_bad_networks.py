"""Bad networks in simulated time: what the playout buffer says of its delay is true, for lip sync depends on it."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

from mcu.media.codec.audio_encoder import EncoderKey, make_encoder
from mcu.media.sound import playout_delay
from mcu.media.sound.playout import PlayoutBuffer
from mcu.media.sound.samples import RATE, TICK, TICK_SAMPLES, Sound, silence
from mcu.media.units import CodedSound
from tests.fakes.tones import PCMA, tone

MARK_EVERY, MARK_TICKS = 25, 2
"""A mark of 40 ms every half second; between them there is a hum, so that nothing is taken for a pause."""

SECONDS = 24
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
    ("network", "most"),
    [
        (jitter(0.2), 0.35),
        (jitter(1.0), 1.05),
        (stalls(3.0, 0.3), 0.45),
        (stalls(3.0, 0.9), 1.05),
        (bursts(0.2, 4), 0.2),
    ],
    ids=["jitter of 200 ms", "jitter of 1000 ms", "stalls of 300 ms", "stalls of 900 ms", "bursts of losses"],
)
def test_sound_is_as_late_as_the_buffer_says_and_not_for_longer_than_it_must(network: Network, most: float) -> None:
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
    assert max(delays) <= min(most, playout_delay.MAXIMUM_DELAY + TICK)
    # Four seconds until the calm is believed, and 150 ms a second while people speak.
    after = round((CALM_FROM + 4.5 + most / 0.15) / TICK)
    assert max(delays[after:]) < 0.06
