"""Over a narrow link: the estimate follows it down and up, fills no queue for long, and shares with others."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bench.bottleneck import Bottleneck, Change, Instant

WIDE, NARROW = 6e6, 1e6
NARROW_AT, WIDE_AT = 4.0, 12.0
CAP = (Change(0, WIDE), Change(NARROW_AT, NARROW), Change(WIDE_AT, WIDE))


def between(instants: Sequence[Instant], start: float, end: float) -> list[Instant]:
    return [one for one in instants if start < one.at <= end]


@pytest.mark.parametrize("demand", [1.0, 0.6])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_link_that_narrows_and_widens_is_followed(demand: float, seed: int) -> None:
    instants = Bottleneck(CAP, demand=demand, seed=seed).run(30)
    # Half a second of buffer was full at once; it stands for no more than two.
    assert all(one.rung <= NARROW for one in between(instants, NARROW_AT + 2, WIDE_AT) if one.rung != NARROW)
    assert all(one.queue < 0.2 for one in between(instants, NARROW_AT + 2.5, NARROW_AT + 6)), "a key frame, or a probe"
    assert sum(one.queue > 0.2 for one in between(instants, NARROW_AT + 2.5, WIDE_AT)) <= 1
    narrow = between(instants, NARROW_AT + 4, WIDE_AT)
    assert min(one.rung for one in narrow) >= NARROW / 2
    # And afterwards what the picture had before comes back, or the step below it.
    assert max(one.rung for one in between(instants, WIDE_AT, WIDE_AT + 15)) >= 3_000_000


@pytest.mark.parametrize(("demand", "loss"), [(1.0, 0.0), (0.6, 0.0), (1.0, 0.05), (1.0, 0.1)])
def test_a_link_that_widens_is_found_by_probes_within_seconds(demand: float, loss: float) -> None:
    backs = []
    for seed in range(1, 5):
        instants = Bottleneck(CAP, demand=demand, loss=loss, seed=seed).run(30)
        backs.append(next(one.at for one in instants if one.at > WIDE_AT and one.rung >= 3_000_000) - WIDE_AT)
        narrow = between(instants, NARROW_AT + 3, WIDE_AT)
        assert sum(one.queue for one in narrow) / len(narrow) < 0.08, "probes make no standing queue"
    assert sum(backs) / len(backs) <= 5


def test_without_probes_it_takes_longer() -> None:
    """By the ladder's steps alone, each of which costs a key frame."""
    with_probes, without = (
        next(one.at for one in Bottleneck(CAP, demand=0.6, probes=probes).run(30) if one.at > 13 and one.rung >= 3e6)
        for probes in (True, False)
    )
    assert with_probes <= without - 2


def test_while_nothing_is_too_much_nothing_binds() -> None:
    instants = Bottleneck((Change(0, 20e6),)).run(20)
    assert all(one.estimate is None and one.rung == 4_000_000 for one in instants)


def test_a_constant_stream_beside_gets_its_part_and_leaves_the_rest() -> None:
    instants = Bottleneck((Change(0, 3e6),), cross=1.5e6, ladder=False).run(60)
    later = between(instants, 15, 60)
    mean = sum(one.estimate or 0 for one in later) / len(later)
    assert 0.7 * 1.5e6 < mean <= 1.5e6
    assert sum(one.queue for one in later) / len(later) < 0.08


@pytest.mark.parametrize("loss", [0.05, 0.1, 0.2])
@pytest.mark.parametrize("seed", [1, 2])
def test_random_loss_alone_does_not_ruin_the_rate(loss: float, seed: int) -> None:
    instants = Bottleneck((Change(0, 20e6),), loss=loss, seed=seed).run(40)
    later = between(instants, 8, 40)
    assert sum(one.rung for one in later) / len(later) > 0.95 * 4_000_000
    assert instants[-1].loss == pytest.approx(loss, abs=0.06)


def test_a_link_without_a_queue_binds_by_its_loss() -> None:
    instants = Bottleneck((Change(0, 2e6),), queue=0.01).run(40)
    later = between(instants, 5, 40)
    assert all(one.rung <= 2_000_000 for one in later) and sum(one.rung for one in later) / len(later) >= 0.75e6


@pytest.mark.parametrize("most", [1_000_000, 2_000_000])
def test_loss_both_ways_is_no_ruin_either(most: int) -> None:
    """Of feedback that is lost nothing is known; it does not mean that nothing came."""
    found = []
    for seed in range(1, 6):
        later = between(
            Bottleneck((Change(0, 20e6),), most=most, loss=0.2, feedback_loss=0.2, seed=seed).run(30), 8, 30
        )
        found.append(sum(one.rung for one in later) / len(later))
    assert sum(found) / len(found) > 0.8 * most


@pytest.mark.parametrize(("rate", "least"), [(0.6e6, 0.3), (1e6, 0.5), (2e6, 0.5)])
def test_a_link_that_drops_at_once_is_used(rate: float, least: float) -> None:
    """Ten milliseconds of 1 Mbit/s are one packet."""
    later = between(Bottleneck((Change(0, rate),), queue=0.01).run(40), 5, 40)
    assert least * rate < sum(one.rung for one in later) / len(later) < rate
    assert sum(one.loss for one in later) / len(later) < 0.06


@pytest.mark.parametrize("loss", [0.0, 0.05])
def test_a_queue_that_was_full_from_the_beginning_is_emptied(loss: float) -> None:
    """Its delay never grew, and there is no better one to compare with."""
    later = between(Bottleneck((Change(0, 1e6),), loss=loss).run(40), 5, 40)
    assert sum(one.queue for one in later) / len(later) < 0.06
    assert sum(one.rung for one in later) / len(later) > 0.55e6


@pytest.mark.parametrize("jitter", [0.05, 0.1, 0.3])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_wide_network_that_holds_packets_up_is_not_taken_for_a_narrow_one(jitter: float, seed: int) -> None:
    later = between(Bottleneck((Change(0, 20e6),), jitter=jitter, seed=seed).run(40), 8, 40)
    assert sum(one.rung for one in later) / len(later) > 0.7 * 4_000_000


def test_a_narrow_one_that_does_so_is_still_found_to_be_narrow() -> None:
    later = between(Bottleneck(CAP, jitter=0.05).run(12), NARROW_AT + 4, WIDE_AT)
    assert sum(one.queue for one in later) / len(later) < 0.15
    assert 0.4 * NARROW < sum(one.rung for one in later) / len(later) <= 1.1 * NARROW


def test_lost_feedback_is_borne() -> None:
    instants = Bottleneck(CAP, feedback_loss=0.2).run(30)
    assert all(one.rung <= NARROW for one in between(instants, NARROW_AT + 2, WIDE_AT))
    assert max(one.rung for one in between(instants, WIDE_AT, WIDE_AT + 15)) >= 3_000_000


def test_an_estimate_that_is_not_tested_does_not_grow() -> None:
    """Bound once, and then nothing moves: a tenth of the rate is sent."""
    link = Bottleneck((Change(0, 6e6), Change(2, 1e6), Change(5, 20e6)), ladder=False)
    link.run(5)
    before = link.estimator.rate
    assert before is not None
    link._demand = 0.1
    link._most = int(before)
    link.run(20)
    assert link.estimator.rate is not None and link.estimator.rate <= 1.1 * before and link.estimator.limited
