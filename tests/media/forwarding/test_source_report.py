"""What a sender is told of a stream that nobody decodes here."""

from __future__ import annotations

import pytest

from mcu.media.forwarding.source_report import SourceCounters, SourceReport


def counters(packets: int, *, missed: int = 0, recovered: int = 0, octets: int = 0, at: float = 0.0, ticks: int = 0):  # type: ignore[no-untyped-def]
    return SourceCounters(packets, octets, missed, recovered, 0, 0x10000 + packets, ticks, at)


def test_loss_is_that_since_the_last_report_and_repetitions_make_it_good() -> None:
    report = SourceReport(7, 90_000, 0.0)
    first = report.block(counters(90, missed=10), 1.0)
    assert (first.ssrc, first.fraction_lost, first.packets_lost, first.highest_sequence) == (7, 25, 10, 0x10000 + 90)
    assert report.block(counters(190, missed=10), 2.0).fraction_lost == 0
    better = report.block(counters(290, missed=10, recovered=10), 3.0)
    assert (better.fraction_lost, better.packets_lost) == (0, 0)


def test_the_delay_since_the_senders_report_is_told() -> None:
    report = SourceReport(7, 90_000, 0.0)
    assert report.block(counters(1), 1.0).last_sender_report == 0
    report.sender_report(0x0102_0304_0506_0708, 5, 2.0)
    block = report.block(counters(2), 2.5)
    assert (block.last_sender_report, block.delay) == (0x0304_0506, 0x8000)


def test_rate_and_jitter_follow_what_comes() -> None:
    report = SourceReport(7, 90_000, 0.0)
    for number in range(1, 201):
        at = number / 30 + (0.01 if number % 2 else 0.0)
        report.observe(counters(number, octets=number * 4000, at=at, ticks=number * 3000), at)
    assert report.rate == pytest.approx(960e3, rel=0.1)
    assert report.block(counters(200), 7.0).jitter == pytest.approx(900, rel=0.1)
    for number in range(201, 291):
        at = number / 30
        report.observe(counters(number, octets=800_000, at=at, ticks=number * 3000), at)
    assert report.rate < 150e3
