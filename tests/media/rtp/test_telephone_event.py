"""Digits as telephone events (RFC 4733)."""

from __future__ import annotations

import pytest

from mcu.media.rtp.errors import PayloadError
from mcu.media.rtp.telephone_event import (
    END_TIMEOUT,
    MAX_QUEUED_DIGITS,
    DigitReceiver,
    DigitSender,
    EventPacket,
    TelephoneEvent,
)


def play(sender: DigitSender, until: float) -> list[tuple[float, EventPacket]]:
    packets = []
    while (deadline := sender.next_deadline()) is not None and deadline <= until:
        packets += [(deadline, packet) for packet in sender.packets_to_send(deadline)]
    return packets


def test_a_digit_is_a_growing_event_with_three_ends() -> None:
    sender = DigitSender(8000)
    sender.send("#", 1.0)
    packets = play(sender, 3.0)
    events = [TelephoneEvent.parse(packet.payload) for _, packet in packets]
    assert [event.duration for event in events] == [160, 320, 480, 640, 800, 800, 800]
    assert [event.end for event in events] == [False] * 4 + [True] * 3
    assert {event.event for event in events} == {11}
    assert {packet.started for _, packet in packets} == {1.0}
    assert [packet.marker for _, packet in packets] == [True] + [False] * 6
    assert [round(at - 1.0, 3) for at, _ in packets] == [0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12]


def test_digits_follow_each_other_with_a_gap() -> None:
    sender = DigitSender(48000)
    sender.send("1", 0.0)
    sender.send("1", 0.0)
    starts = sorted({packet.started for _, packet in play(sender, 3.0)})
    assert len(starts) == 2
    assert starts[1] == pytest.approx(0.18)
    assert sender.next_deadline() is None
    assert not sender.active


def test_what_is_no_digit_is_refused() -> None:
    sender = DigitSender(8000)
    for text in ("", "12", "E", "£"):
        with pytest.raises(ValueError, match="no DTMF digit"):
            sender.send(text, 0.0)
    for _ in range(MAX_QUEUED_DIGITS):
        sender.send("a", 0.0)
    with pytest.raises(ValueError, match="too many"):
        sender.send("a", 0.0)


def event(number: int, duration: int, end: bool = False) -> bytes:
    return TelephoneEvent(number, end, 10, duration).serialise()


def test_a_digit_is_reported_once_at_its_end() -> None:
    receiver = DigitReceiver()
    assert receiver.receive(event(5, 160), 1000, 0.0) == ""
    assert receiver.receive(event(5, 800, True), 1000, 0.1) == "5"
    assert receiver.receive(event(5, 800, True), 1000, 0.1) == ""
    assert receiver.receive(event(5, 160), 1000, 0.12) == ""
    assert receiver.receive(event(5, 800, True), 9000, 1.0) == "5"


def test_a_digit_whose_end_was_lost_is_reported_after_a_while() -> None:
    receiver = DigitReceiver()
    receiver.receive(event(10, 160), 1000, 1.0)
    assert receiver.next_deadline() == 1.0 + END_TIMEOUT
    assert receiver.handle_timer(1.1) == ""
    assert receiver.handle_timer(1.0 + END_TIMEOUT) == "*"
    assert receiver.next_deadline() is None


def test_a_digit_whose_end_was_lost_is_reported_when_the_next_begins() -> None:
    receiver = DigitReceiver()
    receiver.receive(event(1, 160), 1000, 0.0)
    assert receiver.receive(event(2, 160), 3000, 0.2) == "1"
    assert receiver.receive(event(1, 800, True), 1000, 0.21) == ""
    assert receiver.receive(event(2, 800, True), 3000, 0.3) == "2"


def test_events_that_are_no_digits_are_passed_over() -> None:
    assert DigitReceiver().receive(event(16, 800, True), 1000, 0.0) == ""  # flash


def test_short_payloads_are_refused() -> None:
    with pytest.raises(PayloadError):
        DigitReceiver().receive(b"\x05\x80\x03", 0, 0.0)
