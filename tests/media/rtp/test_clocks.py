"""Unwrapping, NTP, the sender's clock, loss and jitter of a source."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.media.rtp.clock import NTP_OFFSET, NtpClock, SenderClock, on_grid
from mcu.media.rtp.source import Source
from mcu.media.rtp.unwrap import Unwrapper
from tests.reference.source import MAX_DROPOUT


@given(st.integers(0, 0xFFFF), st.lists(st.integers(-0x7000, 0x7FFF), max_size=50))
def test_unwrapping_follows_steps_of_less_than_half_the_range(first: int, steps: list[int]) -> None:
    unwrapper = Unwrapper(16)
    value = first
    assert unwrapper.unwrap(first) == first
    for step in steps:
        value += step
        assert unwrapper.unwrap(value & 0xFFFF) == value


def test_ntp_time_counts_from_1900() -> None:
    clock = NtpClock(now=100.0, wallclock=1_000.0)
    assert clock.ntp(100.5) == ((NTP_OFFSET + 1000) << 32) + (1 << 31)
    assert clock.middle(100.5) == (((NTP_OFFSET + 1000) & 0xFFFF) << 16) + 0x8000


def test_capture_time_is_mapped_by_sender_reports_over_a_wrap() -> None:
    clock = SenderClock(90000)
    assert clock.capture_time(5) is None
    clock.arrived(5, 1.0)
    assert clock.capture_offset is None
    clock.sender_report((NTP_OFFSET + 50) << 32, 0xFFFFFFFF - 89_999)
    assert clock.capture_time(0) == pytest.approx(51.0)
    assert clock.capture_time(0x1_0000_0000) == pytest.approx(51.0)
    assert clock.capture_time(0xFFFFFFFF - 179_999) == pytest.approx(49.0)
    clock.arrived(0, 7.0)
    assert clock.capture_offset == pytest.approx(-44.0)


def test_the_offset_is_smoothed_against_jitter_and_follows_a_step() -> None:
    clock = SenderClock(1000)
    clock.sender_report(NTP_OFFSET << 32, 0)
    for number in range(500):
        clock.arrived(20 * number, 0.02 * number + 0.1 + (number % 2) * 0.02)
    assert clock.capture_offset == pytest.approx(0.11, abs=0.002)
    clock.arrived(10_000, 10.0 + 3.0)
    assert clock.capture_offset == pytest.approx(3.0)


def test_a_report_without_a_wall_clock_says_nothing() -> None:
    clock = SenderClock(90000)
    clock.sender_report(0, 77)
    assert clock.capture_time(77) is None


def source(first: int = 0) -> Source:
    return Source(9, first, 0, 8000, 0.0)


def test_sequence_numbers_are_extended_over_wraps_and_disorder() -> None:
    one = source(65534)
    assert [one.receive(n & 0xFFFF, 0, 0.0) for n in (65534, 65535, 65537, 65536, 65538)] == [
        65534,
        65535,
        65537,
        65536,
        65538,
    ]
    assert one.lost == 0


def test_loss_is_reported_per_interval_and_in_total() -> None:
    one = source()
    for number in range(100):
        if number % 4:
            one.receive(number, number * 160, number * 0.02)
    block = one.report(2.0)
    assert (block.fraction_lost, block.packets_lost, block.highest_sequence) == (64, 25, 99)
    for number in range(100, 200):
        one.receive(number, number * 160, number * 0.02)
    block = one.report(4.0)
    assert (block.fraction_lost, block.packets_lost) == (0, 25)


def test_jitter_is_that_of_rfc_3550() -> None:
    steady, shaky = source(), source()
    for number in range(300):
        steady.receive(number, number * 160, number * 0.02)
        shaky.receive(number, number * 160, number * 0.02 + (number % 2) * 0.01)
    assert steady.jitter_seconds < 1e-6
    assert shaky.jitter_seconds == pytest.approx(0.01, rel=0.01)


def test_one_packet_far_off_is_ignored_and_two_in_a_row_are_a_restart() -> None:
    one = source()
    one.receive(10, 0, 0.0)
    assert one.receive(10 + MAX_DROPOUT + 5, 0, 0.0) is None
    assert one.receive(11, 0, 0.0) == 11
    assert one.receive(40_000, 0, 0.0) is None
    assert one.receive(40_001, 0, 0.0) == 40_001
    assert one.restarted


def test_the_delay_since_the_last_sender_report_is_told() -> None:
    one = source()
    one.receive(0, 0, 0.0)
    one.sender_report(0x1122334455667788, 0, 10.0)
    block = one.report(10.5)
    assert (block.last_sender_report, block.delay) == (0x33445566, 32768)


def test_careless_reports_do_not_shake_the_mapping_and_a_skew_is_followed() -> None:
    """A wall clock 100 ppm faster than the timestamps, told every 5 s with errors of 20 ms to and fro."""
    clock, worst = SenderClock(90_000), 0.0
    for number in range(120):
        seconds = 5.0 * number
        told = seconds * 1.0001 + (0.02 if number % 2 else -0.02)
        before = clock.capture_time(round(seconds * 90_000))
        clock.sender_report(round((NTP_OFFSET + told) * 2**32), round(seconds * 90_000) & 0xFFFFFFFF)
        after = clock.capture_time(round(seconds * 90_000))
        if before is not None and after is not None and number > 1:
            worst = max(worst, abs(after - before))
    assert worst < 0.012
    assert clock.capture_time(595 * 90_000) == pytest.approx(595 * 1.0001, abs=0.01)


def test_an_adjusted_wall_clock_is_believed_at_once() -> None:
    clock = SenderClock(1000)
    clock.sender_report(NTP_OFFSET << 32, 0)
    clock.sender_report((NTP_OFFSET + 3600) << 32, 5000)
    assert clock.capture_time(6000) == pytest.approx(3601.0)


def test_what_is_due_about_the_same_time_is_due_together_and_never_before_its_time_has_begun() -> None:
    dues = {on_grid(now + 1.0, 0.05) for now in (100.0, 100.01, 99.98, 100.024)}
    assert dues == {on_grid(101.0, 0.05)}
    for step in range(1000):
        now = 100.0 + step * 0.00713
        assert now < on_grid(now + 0.05, 0.05) <= now + 0.0751
