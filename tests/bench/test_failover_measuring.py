"""How the benchmark of failover reads instants."""

from __future__ import annotations

import datetime

from bench.failover import pause
from bench.server_log import instants_of


def test_a_pause_is_the_longest_around_the_kill() -> None:
    before = [100.0 + 0.02 * number for number in range(50)]
    after = [101.3 + 0.02 * number for number in range(100)]
    assert round(pause(before + after, 101.0), 3) == 0.32
    assert pause(before, 101.0) == float("inf")
    assert pause([], 101.0) == float("inf")


def test_what_follows_the_next_kill_is_not_counted() -> None:
    steady = [100.0 + 0.02 * number for number in range(1000)]
    assert round(pause([at for at in steady if at < 110.0 or at > 115.0], 101.0), 2) == 0.02


def test_lines_of_the_log_tell_their_instants() -> None:
    log = (
        "2026-01-02 03:04:05,678 ERROR mcu.media.pool: media worker 0 is gone; starting its successor\n"
        "Traceback: is gone\n"
        "2026-01-02 03:04:06,000 INFO other: something else\n"
    )
    expected = datetime.datetime(2026, 1, 2, 3, 4, 5, 678_000).astimezone().timestamp()
    assert instants_of(log, "is gone") == [expected]
    assert instants_of("", "is gone") == []
