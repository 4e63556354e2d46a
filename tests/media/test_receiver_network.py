"""A receiver that loses gets less at once, and more again slowly."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.media.congestion.values import LossAndDelay
from mcu.media.receiver_network import FIRST_PATIENCE, LEAST_RATE, ReceiverNetwork
from mcu.media.reported_rate import BLIND_PATIENCE
from mcu.media.rtp.config import ReceiverFeedback

MOST = 3_000_000
EVERY = 2.0


class Path:
    """A receiver that reports every two seconds of a stream at the rate that it is allowed."""

    def __init__(self) -> None:
        self.network = ReceiverNetwork()
        self.now = 100.0
        self._reports = count(1)

    @property
    def sent(self) -> int:
        return min(self.network.rate or MOST, MOST)

    def report(self, lost: float = 0.0, estimate: int | None = None, times: int = 1) -> None:
        for _ in range(times):
            self.now += EVERY
            feedback = ReceiverFeedback(next(self._reports), lost, estimate)
            self.network.reported(feedback, self.sent, MOST, self.now)

    def until_free(self) -> float:
        """Seconds of clean reports until the network binds no more."""
        start = self.now
        while self.network.rate is not None:
            self.report()
            assert self.now - start < 1000
        return self.now - start


def test_a_clean_path_binds_nobody() -> None:
    path = Path()
    path.report(0.01, times=50)
    assert path.network.rate is None


def test_heavy_loss_lowers_the_rate_at_once_and_by_its_half() -> None:
    path = Path()
    path.report(0.4)
    assert path.network.rate == pytest.approx(2_400_000)
    path.report(0.4)
    assert path.network.rate == pytest.approx(1_920_000)


def test_a_report_counts_once() -> None:
    path = Path()
    path.report(0.4)
    stale = ReceiverFeedback(1, 0.4)
    assert not path.network.reported(stale, path.sent, MOST, path.now + 5)
    assert path.network.rate == pytest.approx(2_400_000)


def test_it_never_falls_below_the_lowest_rung() -> None:
    path = Path()
    path.report(1.0, times=50)
    assert path.network.rate == LEAST_RATE


def test_moderate_loss_neither_lowers_nor_raises() -> None:
    path = Path()
    path.report(0.4)
    path.report(0.05, times=100)
    assert path.network.rate == pytest.approx(2_400_000)


def test_recovery_takes_a_while_and_is_complete_within_a_quarter_of_a_minute() -> None:
    path = Path()
    path.report(0.5, times=3)
    fallen = path.network.rate
    assert fallen is not None and fallen < MOST / 2
    path.report(times=int(BLIND_PATIENCE / EVERY) - 1)
    assert path.network.rate == fallen, "not before some time without loss"
    assert 5 < path.until_free() < 15 - BLIND_PATIENCE


def test_what_failed_is_tried_again_later_and_later() -> None:
    waits = []
    path = Path()
    path.report(0.3)
    for _ in range(3):
        waits.append(path.until_free())
        path.report(0.3)
    assert waits[0] + BLIND_PATIENCE / 2 < waits[1] < waits[2]


def test_after_a_failure_the_rate_feels_its_way() -> None:
    path = Path()
    path.report(0.4, times=2)
    first = path.until_free()
    path.report(0.4, times=2)
    assert path.until_free() > 1.8 * first


def test_an_estimate_binds_only_where_it_is_clearly_below() -> None:
    path = Path()
    path.report(estimate=2_700_000, times=5)
    assert path.network.rate is None
    path.report(estimate=1_000_000)
    assert path.network.rate == 1_000_000
    path.report(estimate=950_000)
    assert path.network.rate == 1_000_000
    path.report(estimate=4_000_000)
    assert 15 > path.until_free() > 5


@given(st.lists(st.tuples(st.floats(0, 1), st.none() | st.integers(0, 10_000_000)), max_size=60))
def test_whatever_is_reported_the_rate_is_one_of_the_ladder(reports: list[tuple[float, int | None]]) -> None:
    path = Path()
    for lost, estimate in reports:
        path.report(lost, estimate)
        assert path.network.rate is None or LEAST_RATE <= path.network.rate < MOST


def test_loss_that_sending_less_does_not_change_is_answered_no_longer() -> None:
    path = Path()
    path.report(0.15, times=12)
    assert path.network.rate is None
    path.report(0.15, times=20)
    assert path.network.rate is None
    path.report(0.6)
    assert path.network.rate is not None


def test_loss_of_a_full_queue_tells_what_the_link_carries() -> None:
    """The round trip grew as well, so a rung that it carries is chosen at once; tried again within seconds."""
    path = Path()
    for round_trip, lost in ((0.05, 0.0), (0.06, 0.0), (0.4, 0.5)):
        path.now += EVERY
        feedback = ReceiverFeedback(next(path._reports), lost, None, round_trip)
        path.network.reported(feedback, path.sent, MOST, path.now)
    rate = path.network.rate
    assert rate is not None and 0.75 * 0.5 * MOST < rate < 0.85 * 0.5 * MOST  # a queue of 0.35 s has to empty as well
    path.now += 0.5
    path.network.reported(ReceiverFeedback(next(path._reports), 0.4, None, 0.4), path.sent, MOST, path.now)
    assert path.network.rate == rate  # it tells of what was sent before
    falls, start = 0, path.now
    while path.now < start + 30:  # up to 1.5 Mbit/s get through
        path.now += EVERY
        lost = max(0.0, 1 - 1.5e6 / path.sent)
        feedback = ReceiverFeedback(next(path._reports), lost, None, 0.4 if lost else 0.05)
        before = path.sent
        path.network.reported(feedback, path.sent, MOST, path.now)
        falls += path.sent < before
    assert 1 <= falls <= 4
    start = path.now
    while path.network.rate is not None:
        path.now += EVERY
        path.network.reported(ReceiverFeedback(next(path._reports), 0.0, None, 0.05), path.sent, MOST, path.now)
    assert path.now - start <= 22


def test_a_short_delay_counts_when_it_is_seen_twice_and_a_long_one_at_once() -> None:
    """A peer that had other work answers late, once."""

    def rate(*round_trips: float) -> int | None:
        path = Path()
        for round_trip in (0.05, 0.05, *round_trips):
            path.now += EVERY
            feedback = ReceiverFeedback(next(path._reports), 0.0, None, round_trip)
            path.network.reported(feedback, path.sent, MOST, path.now)
        return path.network.rate

    assert rate(0.2) is None and rate(0.2, 0.05, 0.2) is None
    assert rate(0.2, 0.2) is not None and rate(0.5) is not None


def test_many_reports_of_few_packets_each_count_as_one() -> None:
    """Whoever asks for lost packets reports with every request."""
    path = Path()
    path.report(0.0)
    for index in range(60):
        path.now += 0.025
        feedback = ReceiverFeedback(next(path._reports), 0.75 if index % 3 == 0 else 0.0, None, 0.4)
        path.network.reported(feedback, path.sent, MOST, path.now)
    assert path.network.rate is not None and path.network.rate >= 0.8 * MOST


class Estimated:
    """A receiver that tells of each packet; four looks a second at the estimate. Falls are told by ``fall``."""

    def __init__(self) -> None:
        self.network = ReceiverNetwork()
        self.now = 100.0
        self.rung = MOST
        self.falls = 0

    def look(self, rate: int | None, seconds: float = 0.25, *, limited: bool = False) -> None:
        for _ in range(round(seconds / 0.25)):
            self.now += 0.25
            state = LossAndDelay(rate, limited=limited, falls=self.falls)
            self.network.estimated(state, self.rung, MOST, self.now)
            allowed = self.network.rate or MOST
            self.rung = next(one for one in (3_000_000, 2_000_000, 1_000_000, 500_000, 64_000) if one <= allowed)

    def fall(self, rate: int) -> None:
        self.falls += 1
        self.look(rate)


def test_an_estimate_binds_only_once_it_has_fallen_below_what_is_sent() -> None:
    path = Estimated()
    path.look(None, 10)
    path.look(2_500_000, 10)  # nothing has fallen: what is sent gets through
    assert path.network.rate is None
    path.fall(3_500_000)
    assert path.network.rate is None
    path.fall(1_200_000)
    assert path.network.rate == 1_200_000 and path.rung == 1_000_000


def test_what_has_been_tested_is_followed_within_a_second_or_two() -> None:
    path = Estimated()
    path.fall(1_200_000)
    path.look(2_800_000, 1.5)
    assert path.rung == 2_000_000
    path.look(2_900_000, 1.5)
    assert path.network.rate is not None and path.network.rate >= 2_800_000


def test_untested_rates_are_tried_after_a_while_and_later_where_that_failed() -> None:
    path = Estimated()
    tries: list[float] = []
    path.fall(1_500_000)
    path.fall(900_000)
    since = path.now
    while len(tries) < 3:
        path.look(900_000, limited=True)
        if path.rung == 1_000_000:
            tries.append(path.now - since)
            path.look(900_000, 0.5, limited=True)
            path.fall(800_000)
            since = path.now
        assert path.now < 300
    assert FIRST_PATIENCE <= tries[0] < tries[1] - 1 and tries[2] > tries[1] + 1


def test_an_attempt_that_holds_is_soon_followed_by_the_next() -> None:
    path = Estimated()
    path.fall(1_500_000)
    path.fall(900_000)
    start = path.now
    while path.network.rate is not None:
        path.look(900_000, limited=True)
        assert path.now - start < 25
