"""Reports are taken as far as there is time for them."""

from __future__ import annotations

import logging

import pytest

from mcu.media.report_flood import REPORTED_AT_ONCE, REPORTED_PER_SECOND, ReportFlood
from mcu.media.spec import Line


class Leg:
    """Who takes the reports, and the time."""

    def __init__(self) -> None:
        self.now = 5.0
        self.taken: list[tuple[Line | None, bytes]] = []
        self.flood = ReportFlood(lambda line, data: self.taken.append((line, data)), lambda: self.now)


def test_what_a_busy_browser_sends_passes() -> None:
    leg = Leg()
    for _ in range(60 * 100):
        leg.flood(None, bytes(120))
        leg.now += 0.01
    assert len(leg.taken) == 60 * 100 and leg.flood.dropped == 0


def test_a_flood_is_cut_to_its_share_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    leg = Leg()
    for _ in range(10_000):
        leg.flood("video", bytes(1400))
        leg.now += 0.001
    passed = len(leg.taken) * 1400
    assert REPORTED_PER_SECOND * 9 < passed <= REPORTED_AT_ONCE + REPORTED_PER_SECOND * 10
    assert leg.flood.dropped == 10_000 - len(leg.taken) and len(caplog.records) == 1
    assert set(leg.taken) == {("video", bytes(1400))}
    # Somebody who is quiet again is heard again.
    leg.now += 3.0
    leg.flood("audio", b"report")
    assert leg.taken[-1] == ("audio", b"report")
