"""The simulated bad network: shares, bursts, delays and the narrow link are as asked for, by the seed alone."""

from __future__ import annotations

import itertools

import pytest

from bench.network_path import OVERHEAD_BYTES, Conditions, NetworkPath


def run(conditions: Conditions, count: int = 10_000, interval: float = 0.001, seed: int = 1) -> list[tuple[int, float]]:
    """Numbers and arrival times of datagrams sent at a steady pace."""
    path: NetworkPath[int] = NetworkPath(conditions, seed)
    arrived: list[tuple[int, float]] = []

    def drain(now: float) -> None:
        while (due := path.next_deadline()) is not None and due <= now:
            arrived.extend((item, due) for _, item in path.pop_due(due))

    for number in range(count):
        now = number * interval
        drain(now)
        path.push(bytes(100), number, now)
    drain(float("inf"))
    return arrived


def test_a_perfect_network_passes_everything_at_once_and_in_order() -> None:
    assert run(Conditions(), 100) == [(number, number * 0.001) for number in range(100)]


@pytest.mark.parametrize("burst", [1.0, 4.0])
def test_the_share_that_is_lost_is_the_one_asked_for(burst: float) -> None:
    arrived = run(Conditions(loss=0.2, burst=burst), 50_000)
    assert len(arrived) / 50_000 == pytest.approx(0.8, abs=0.01)


def test_bursts_have_the_mean_length_asked_for() -> None:
    there = {number for number, _ in run(Conditions(loss=0.1, burst=5.0), 50_000)}
    runs = [len(list(group)) for lost, group in itertools.groupby(n not in there for n in range(50_000)) if lost]
    assert sum(runs) / len(runs) == pytest.approx(5.0, rel=0.1)


def test_random_loss_does_not_come_in_runs() -> None:
    there = {number for number, _ in run(Conditions(loss=0.1), 50_000)}
    runs = [len(list(group)) for lost, group in itertools.groupby(n not in there for n in range(50_000)) if lost]
    assert sum(runs) / len(runs) == pytest.approx(1 / 0.9, rel=0.05)


def test_the_same_seed_gives_the_same_network_and_another_one_another() -> None:
    conditions = Conditions(loss=0.1, burst=3.0, jitter=0.5, reorder=0.05, duplicate=0.02)
    assert run(conditions, 1000, seed=7) == run(conditions, 1000, seed=7)
    assert run(conditions, 1000, seed=7) != run(conditions, 1000, seed=8)


def test_jitter_delays_up_to_its_bound_and_keeps_the_order() -> None:
    arrived = run(Conditions(delay=0.02, jitter=1.0))
    delays = [at - number * 0.001 for number, at in arrived]
    assert min(delays) >= 0.02 and max(delays) <= 1.02 + 1e-9
    assert max(delays) - min(delays) > 0.8
    assert [number for number, _ in arrived] == list(range(10_000))


def test_scattered_datagrams_overtake_each_other_within_its_bound() -> None:
    arrived = run(Conditions(delay=0.02, scatter=1.0))
    delays = [at - number * 0.001 for number, at in arrived]
    assert min(delays) >= 0.02 and max(delays) <= 1.02 + 1e-9
    assert sum(delays) / len(delays) == pytest.approx(0.52, abs=0.02)
    behind = sum(one > other for (one, _), (other, _) in itertools.pairwise(arrived))
    assert behind / len(arrived) == pytest.approx(0.5, abs=0.05)


def test_reordered_datagrams_are_overtaken_and_none_is_lost() -> None:
    arrived = [number for number, _ in run(Conditions(reorder=0.05, reorder_delay=0.01))]
    assert sorted(arrived) == list(range(10_000))
    overtaken = sum(later < before for before, later in itertools.pairwise(arrived))
    assert overtaken / 10_000 == pytest.approx(0.05, abs=0.01)


def test_duplicates_come_twice() -> None:
    assert len(run(Conditions(duplicate=0.1))) == pytest.approx(11_000, rel=0.02)


def test_a_narrow_link_carries_its_rate_queues_and_drops_the_tail() -> None:
    size = 100 + OVERHEAD_BYTES
    arrived = run(Conditions(rate=size * 8 * 500, queue=0.1), 10_000)  # half of what is sent
    assert len(arrived) / 10_000 == pytest.approx(0.5, abs=0.02)
    assert max(at - number * 0.001 for number, at in arrived) == pytest.approx(0.1, abs=0.003)


def test_a_link_that_widens_sends_its_queue_at_the_new_rate() -> None:
    path: NetworkPath[int] = NetworkPath(Conditions(rate=(100 + OVERHEAD_BYTES) * 8, queue=10.0), 1)  # one a second
    for number in range(5):
        path.push(bytes(100), number, 0.0)
    path.change(Conditions(rate=(100 + OVERHEAD_BYTES) * 80, queue=10.0), 0.0)
    path.push(bytes(100), 5, 0.0)
    path.pop_due(5.0)
    assert path.next_deadline() is None
    path.push(bytes(100), 6, 6.0)
    assert path.next_deadline() == pytest.approx(6.1)


def test_impossible_networks_are_refused() -> None:
    for wrong in ({"loss": 1.5}, {"delay": -1.0}, {"burst": 0.5}, {"rate": 0.0}, {"loss": 1.0, "burst": 2.0}):
        with pytest.raises(ValueError, match=r".+"):
            Conditions(**wrong)
