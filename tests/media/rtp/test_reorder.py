"""The reorder buffer: sequence, gaps, requests, bounds."""

from __future__ import annotations

import heapq
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.media.rtp.reorder import (
    MAX_AHEAD,
    MAX_DISORDER_WAIT,
    MAX_NACKS,
    MAX_REORDER_WAIT,
    MIN_REORDER_WAIT,
    NACK_DELAY,
    NACK_WAIT,
    ReorderBuffer,
)


class Sink:
    """Notes the timestamps it is given, and None for each gap."""

    def __init__(self) -> None:
        self.got: list[int | None] = []

    def push(self, timestamp: int, marker: bool, payload_type: int, payload: bytes, now: float) -> None:
        self.got.append(timestamp)

    def gap(self, now: float) -> None:
        self.got.append(None)


def made(nack: bool = False, first: int = 0) -> tuple[ReorderBuffer, Sink]:
    sink = Sink()
    return ReorderBuffer(sink, nack, first), sink


def give(buffer: ReorderBuffer, now: float, *numbers: int) -> None:
    for number in numbers:
        buffer.receive(number, number, False, 99, b"x", now)


def test_packets_in_sequence_pass_at_once() -> None:
    buffer, sink = made()
    give(buffer, 0.0, 0, 1, 2)
    assert sink.got == [0, 1, 2]
    assert buffer.next_deadline() is None


def test_swapped_packets_are_put_back_and_duplicates_dropped() -> None:
    buffer, sink = made()
    give(buffer, 0.0, 0, 2, 2, 3, 1, 1, 3, 4)
    assert sink.got == [0, 1, 2, 3, 4]
    assert buffer.late == 3


def test_a_gap_is_given_up_after_a_while() -> None:
    buffer, sink = made()
    give(buffer, 0.0, 0, 2, 3, 5)
    assert sink.got == [0]
    assert buffer.next_deadline() == pytest.approx(MIN_REORDER_WAIT)
    buffer.handle_timer(MIN_REORDER_WAIT)
    assert sink.got == [0, None, 2, 3, None, 5]
    assert buffer.next_deadline() is None


def test_waiting_gets_longer_when_packets_come_later_than_that() -> None:
    buffer, sink = made()
    give(buffer, 0.0, 0, 2)
    buffer.handle_timer(MIN_REORDER_WAIT)
    give(buffer, 0.05, 1, 4)
    assert sink.got == [0, None, 2]
    assert buffer.next_deadline() == pytest.approx(0.05 + MAX_REORDER_WAIT)


def test_lost_packets_are_asked_for_again_and_again_and_then_given_up() -> None:
    buffer, sink = made(nack=True)
    buffer.round_trip = 0.05
    give(buffer, 0.0, 0, 3)
    assert buffer.requests_to_send(0.0) == []
    asked = []
    while (deadline := buffer.next_deadline()) is not None:
        buffer.handle_timer(deadline)
        requests = buffer.requests_to_send(deadline)
        if requests:
            asked.append((round(deadline, 3), requests))
    assert asked[0] == (NACK_DELAY, [1, 2])
    assert asked[1] == (round(NACK_DELAY + 0.06, 3), [1, 2])
    assert 3 <= len(asked) <= MAX_NACKS
    assert asked[-1][0] < NACK_WAIT
    assert sink.got == [0, None, 3]


def test_a_retransmission_fills_the_gap() -> None:
    buffer, sink = made(nack=True, first=65535)
    give(buffer, 0.0, 65535, 65537)
    assert buffer.requests_to_send(0.02) == [0]
    give(buffer, 0.1, 65536)
    assert sink.got == [65535, 65536, 65537]
    assert buffer.next_deadline() is None


def test_an_outage_is_not_waited_for() -> None:
    buffer, sink = made(nack=True)
    give(buffer, 0.0, 0, 2, 2 + MAX_AHEAD)
    assert sink.got == [0, None, 2, None, 2 + MAX_AHEAD]
    give(buffer, 0.0, 3 + MAX_AHEAD)
    assert sink.got[-1] == 3 + MAX_AHEAD


@given(st.lists(st.tuples(st.integers(0, 60), st.floats(0, 0.05)), max_size=80), st.booleans())
def test_whatever_comes_is_passed_on_in_rising_order_and_nothing_stays(steps: list, nack: bool) -> None:
    buffer, sink = made(nack)
    now = 0.0
    for number, pause in steps:
        now += pause
        give(buffer, now, number)
        buffer.handle_timer(now)
        buffer.requests_to_send(now)
    while (deadline := buffer.next_deadline()) is not None:
        now = max(now, deadline)
        buffer.handle_timer(now)
        buffer.requests_to_send(now)
    passed = [number for number in sink.got if number is not None]
    assert passed == sorted(set(passed))
    give(buffer, now, 1000)
    assert sink.got[-1] == 1000
    for before, after in zip(sink.got, sink.got[1:], strict=False):
        assert before is None or after is None or after == before + 1


def over_a_network(buffer: ReorderBuffer, spread: float, first: int, seconds: float) -> int:
    """A hundred packets a second, each up to ``spread`` later, and sent again when it is asked for. How often."""
    chance, asked = random.Random(first), 0
    arrivals = [(n / 100 + chance.random() * spread, n, False) for n in range(first, first + round(seconds * 100))]
    heapq.heapify(arrivals)
    while arrivals:
        now, number, again = heapq.heappop(arrivals)
        while (deadline := buffer.next_deadline()) is not None and deadline < now:
            buffer.handle_timer(deadline)
            wanted = buffer.requests_to_send(deadline)
            asked += len(wanted)
            for one in wanted:
                heapq.heappush(arrivals, (deadline + 0.05 + chance.random() * spread, one, True))
        if again and buffer.apart:
            buffer.receive_repeated(number, number, False, 99, b"x", now)
        else:
            give(buffer, now, number)
    return asked


@pytest.mark.parametrize("apart", [True, False])
def test_packets_that_others_overtake_are_waited_for_and_not_asked_for(apart: bool) -> None:
    buffer, sink = made(nack=True)
    buffer.round_trip, buffer.apart = 0.05, apart
    over_a_network(buffer, 0.8, 0, 6.0)
    assert buffer.spread > 0.4
    told = len(sink.got)
    assert over_a_network(buffer, 0.8, 600, 4.0) < 40
    assert None not in sink.got[told:]


def test_what_is_lost_in_order_is_asked_for_as_soon_as_ever() -> None:
    buffer, _ = made(nack=True)
    buffer.round_trip = 0.05
    for number in range(1000):
        now = number / 100
        if number % 5:
            give(buffer, now, number)
        if number % 5 == 2:  # the one before the last was lost, and has been asked for since
            assert buffer.requests_to_send(now - 0.01 + NACK_DELAY + 0.001) == [number - 2]
            buffer.receive_repeated(number - 2, number - 2, False, 99, b"x", now + 0.001)
    assert buffer.spread == 0.0 and buffer.repaired


def test_what_is_sent_again_in_the_same_stream_is_not_taken_for_late() -> None:
    buffer, _ = made(nack=True)
    for number in range(0, 1000, 2):
        now = number / 50
        give(buffer, now, number + 1)
        assert buffer.requests_to_send(now + NACK_DELAY) == [number & 0xFFFF]
        give(buffer, now + 0.03, number)
    assert buffer.spread == 0.0


def test_a_wait_for_disorder_is_bounded_and_forgotten() -> None:
    buffer, _ = made(nack=True)
    buffer.apart, buffer.round_trip = True, 1.0
    for number in range(0, 100, 2):
        give(buffer, number / 10, number + 1)
        give(buffer, number / 10 + 5, number)
    give(buffer, 20.0, 102)
    deadline = buffer.next_deadline()
    assert deadline is not None and deadline <= 20.0 + MAX_DISORDER_WAIT
    buffer.handle_timer(30.0)
    give(buffer, 30.0, *range(103, 20_000))
    assert buffer.spread < 0.001
    assert buffer.requests_to_send(30.0) == []
    give(buffer, 40.0, 20_001)
    assert buffer.requests_to_send(40.0 + NACK_DELAY + 0.001) == [20_000]


def test_without_requests_disorder_is_waited_for_as_well() -> None:
    buffer, sink = made()
    over_a_network(buffer, 0.4, 0, 3.0)
    told = len(sink.got)
    over_a_network(buffer, 0.4, 300, 4.0)
    assert sink.got[told:].count(None) < 10


def test_what_is_sent_again_twice_for_it_was_asked_for_twice_is_not_taken_for_late() -> None:
    buffer, _ = made(nack=True)
    buffer.round_trip = 0.04
    for number in range(0, 1000, 2):
        now = number / 5
        give(buffer, now, number + 1)
        asked = [at / 1000 for at in range(60) if buffer.requests_to_send(now + at / 1000)]
        assert len(asked) == 2
        for at in asked:
            give(buffer, now + at + buffer.round_trip, number)
    assert buffer.spread == 0.0


def test_what_comes_once_more_than_it_was_asked_for_was_late() -> None:
    buffer, _ = made(nack=True)
    for number in range(0, 100, 2):
        give(buffer, number, number + 1)
        assert buffer.requests_to_send(number + 1.25 * buffer.spread + NACK_DELAY + 0.001) == [number]
        give(buffer, number + 0.5, number, number)
    assert buffer.spread > 0.1
