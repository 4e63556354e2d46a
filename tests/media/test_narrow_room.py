"""A room that knows RTP and its reports only: the rung follows its network, and nothing keeps a full queue full."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from statistics import mean

import pytest

from bench.bottleneck import Change
from bench.narrow_room import SOUND_INTERVAL, SOUND_PACKET, Instant, NarrowRoom

WIDE, NARROW = 6e6, 1e6
NARROW_AT, WIDE_AT = 4.0, 12.0
CAP = (Change(0, WIDE), Change(NARROW_AT, NARROW), Change(WIDE_AT, WIDE))
MOST = 2_000_000
NONE: frozenset[str] = frozenset()


def between(instants: Sequence[Instant], start: float, end: float) -> list[Instant]:
    return [one for one in instants if start < one.at <= end]


@pytest.mark.parametrize("camera", [0.0, 2.5e6])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_link_that_narrows_and_widens_is_followed(seed: int, camera: float) -> None:
    """Also where the room's own picture, which it does not lower, keeps its reports from getting through."""
    instants = NarrowRoom(CAP, camera=camera, seed=seed).run(30)
    narrow = between(instants, NARROW_AT + 4, WIDE_AT)
    assert mean(one.through for one in narrow) > 0.35 * NARROW
    assert mean(one.queue for one in between(instants, NARROW_AT + 5, WIDE_AT)) < 0.12
    assert mean(one.pictures for one in between(instants, NARROW_AT + 5, WIDE_AT)) > 20
    back = next(one.at for one in instants if one.at > WIDE_AT and one.rung >= 0.75 * MOST)
    assert back - WIDE_AT <= 13


def test_most_of_a_narrow_link_is_used_and_it_is_left_within_seconds() -> None:
    """Means of several calls: of each second report of a room it depends when the next step is taken."""
    used, backs = [], []
    for seed in range(1, 7):
        instants = NarrowRoom(CAP, seed=seed).run(28)
        used.append(mean(one.through for one in between(instants, NARROW_AT + 4, WIDE_AT)))
        backs.append(next(one.at for one in instants if one.at > WIDE_AT and one.rung >= 0.75 * MOST) - WIDE_AT)
    sound = SOUND_PACKET * 8 / SOUND_INTERVAL
    assert mean(used) + sound >= 0.7 * NARROW
    assert mean(backs) <= 8


@pytest.mark.parametrize("feedback", [NONE, frozenset({"nack", "pli"})])
def test_a_link_that_was_narrow_from_the_beginning(feedback: frozenset[str]) -> None:
    later = between(NarrowRoom((Change(0, NARROW),), feedback=feedback).run(40), 8, 40)
    assert mean(one.queue for one in later) < 0.12 and mean(one.through for one in later) > 0.6 * NARROW
    assert mean(one.pictures for one in later) > 25


def test_a_long_queue_is_emptied() -> None:
    later = between(NarrowRoom((Change(0, NARROW),), queue=3.0).run(40), 12, 40)
    assert mean(one.queue for one in later) < 0.5 and mean(one.through for one in later) > 0.6 * NARROW


@pytest.mark.parametrize("loss", [0.05, 0.1, 0.2])
@pytest.mark.parametrize("seed", [1, 2])
def test_random_loss_alone_does_not_lower_the_rate(loss: float, seed: int) -> None:
    later = between(NarrowRoom((Change(0, 20e6),), loss=loss, seed=seed).run(40), 5, 40)
    assert mean(one.rung for one in later) > 0.8 * MOST
    assert mean(one.pictures for one in later) > 29  # what is lost is sent again


@pytest.mark.parametrize(("rate", "least"), [(0.6e6, 0.3), (1e6, 0.5), (1.5e6, 0.45)])
def test_a_link_that_drops_what_is_beyond_its_rate(rate: float, least: float) -> None:
    """Room for ten milliseconds, which is one packet; sound takes its part."""
    later = between(NarrowRoom((Change(0, rate),), queue=0.01).run(40), 8, 40)
    assert least * rate < mean(one.through for one in later) < rate
    assert mean(one.pictures for one in later) > 20


@pytest.mark.parametrize("jitter", [0.05, 0.1, 0.3])
def test_jitter_is_no_queue_that_less_would_empty(jitter: float) -> None:
    found = []
    for seed in range(1, 5):
        later = between(NarrowRoom((Change(0, 20e6),), jitter=jitter, seed=seed).run(60), 8, 60)
        found.append(mean(one.rung for one in later))
    assert mean(found) > 0.6 * MOST


def test_loss_besides_does_not_keep_the_rate_low_for_ever() -> None:
    backs = []
    for seed in range(1, 5):
        instants = NarrowRoom(CAP, loss=0.05, seed=seed).run(40)
        backs.append(next(one.at for one in instants if one.at > WIDE_AT and one.rung >= 0.75 * MOST) - WIDE_AT)
    assert mean(backs) <= 10


def test_reports_that_stop_lower_the_rate_and_it_comes_back_with_them() -> None:
    room = NarrowRoom((Change(0, WIDE),))
    room.run(6)
    room.deaf = True
    silent = room.run(14)
    assert room.network.rate is not None and room.network.rate < MOST / 4
    assert all(later.rung <= one.rung for one, later in itertools.pairwise(silent[12:]))
    room.deaf = False
    assert room.run(12)[-1].rung == MOST
