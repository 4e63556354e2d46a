"""Whether a larger layer gets through is tried with repeated packets, not with the layer."""

from __future__ import annotations

from itertools import pairwise

import pytest

from mcu.media.congestion.trains import LEAST_OCTETS, LEAST_PACKETS, LEAST_SPAN
from mcu.media.congestion.values import LossAndDelay
from mcu.media.forwarding.probing import BURSTS, INTERVAL, Prober
from mcu.media.rtp.rtcp import ReceiverReport, ReportBlock
from tests.media.forwarding.ends import Ends

REVIEW = 0.25


def trains(prober: Prober, network: LossAndDelay, start: float, seconds: float, held_back: bool = True) -> list[float]:
    """When a train is sent while the network stays so."""
    times = [start + REVIEW * count for count in range(int(seconds / REVIEW))]
    return [now for now in times if prober.look(held_back, network, now)]


def test_nothing_is_tried_without_a_reason() -> None:
    prober = Prober()
    assert not trains(prober, LossAndDelay(), 0.0, 10.0), "nothing binds"
    assert not trains(prober, LossAndDelay(rate=300_000), 10.0, 10.0, held_back=False), "all is shown as wanted"
    assert not trains(prober, LossAndDelay(rate=300_000, queueing=0.2), 20.0, 10.0), "a queue stands"


def test_a_fall_is_left_in_peace_for_a_while() -> None:
    prober = Prober()
    assert trains(prober, LossAndDelay(rate=300_000, falls=1), 5.0, 2.0) == [6.5]


def test_what_shows_nothing_is_tried_less_and_less_often() -> None:
    found = trains(Prober(), LossAndDelay(rate=300_000), 0.0, 120.0)
    pauses = [after - before for before, after in pairwise(found)]
    assert found[0] == 0.0 and pauses[0] >= 2.0
    assert all(after >= 1.5 * before for before, after in pairwise(pauses[:4]))
    assert max(pauses) <= 35.0 and len(found) < 10


def test_a_train_that_was_too_much_counts_as_one_that_showed_nothing() -> None:
    prober = Prober()
    assert prober.look(True, LossAndDelay(rate=300_000), 0.0)
    assert not prober.look(True, LossAndDelay(rate=250_000, falls=1), 0.5)
    assert trains(prober, LossAndDelay(rate=250_000, falls=1), 0.75, 6.0)[:1] == [4.5]


def test_success_lets_the_next_one_follow_soon() -> None:
    prober = Prober()
    assert prober.look(True, LossAndDelay(rate=300_000), 0.0)
    for count in range(1, 5):  # each time twice as much is found to get through
        network = LossAndDelay(rate=300_000 * 2**count)
        assert trains(prober, network, 2.0 * count - 1.0, 2.0) == [2.0 * count]


@pytest.mark.parametrize("octets", [60, 300, 1100])
def test_a_train_repeats_what_came_in_bursts_that_tell_a_rate(ends: Ends, octets: int) -> None:
    ends.send(1, 10.0, key=True)
    ends.show()
    for number in range(2, 80):
        ends.send(number, 10.0, key=number == 2, size=octets)
    assert len(ends.got()) == 78
    ends.outlets.handle_timer(10.0)
    ends.outlets.probe(10.1)
    assert ends.outlets.next_deadline() == 11.0, "nothing is known to have come"
    ends.outlets.receive_rtcp(ReceiverReport(7, (ReportBlock(2100, 0, 0, 0x10000 + 170, 0),)), 10.1)
    ends.outlets.probe(10.2)
    now, got = 10.2, []
    while ends.outlets.next_deadline() <= now:
        ends.outlets.handle_timer(now)
        got.append(ends.got())
        now += INTERVAL
    repeated = [packet for burst in got for packet in burst]
    assert len(got) == BURSTS and INTERVAL * (BURSTS - 1) > LEAST_SPAN
    assert {packet.ssrc for packet in repeated} == {2101}
    originals = [int.from_bytes(packet.payload[:2]) for packet in repeated]
    assert max(originals) == 170 and len(set(originals)) == len(originals)
    if octets >= 300:
        sizes = [len(packet.payload) for packet in repeated]
        assert len(sizes) > LEAST_PACKETS and sum(sizes[1:]) >= LEAST_OCTETS
    assert sum(len(packet.payload) for packet in repeated) < 16_000
