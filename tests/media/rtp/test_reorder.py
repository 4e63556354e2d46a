"""The reorder buffer: sequence, gaps, requests, bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.media.rtp.reorder import (
    MAX_AHEAD,
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
