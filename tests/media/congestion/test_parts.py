"""The parts of the estimate, by traces."""

from __future__ import annotations

import itertools
import random

import pytest

from mcu.media.congestion.acknowledged import AcknowledgedRate
from mcu.media.congestion.estimator import SILENCE, TransportEstimator
from mcu.media.congestion.groups import GroupDistances
from mcu.media.congestion.loss import LossBound, OwnLoss
from mcu.media.congestion.probing import AFTER_FALL, AGAIN, FACTOR, FIRST_PAUSE, LONGEST_PAUSE, Probing
from mcu.media.congestion.probing import LEAST_RATE as LEAST_PROBED
from mcu.media.congestion.rate_control import FALL, LEAST_BY_DELAY, REGRETTED, LinkCapacity, RateControl
from mcu.media.congestion.releases import Releases
from mcu.media.congestion.trains import Trains
from mcu.media.congestion.trendline import Trendline
from mcu.media.congestion.values import CAME, FOUND, LOST, UNTOLD, Usage


class TestGroups:
    def test_packets_that_left_together_are_one(self) -> None:
        groups = GroupDistances()
        sent = [0.0, 0.002, 0.005, 0.033, 0.034, 0.066]
        found = [groups.add(at, at + 1 + at / 10) for at in sent]
        assert found[:5] == [None] * 5
        assert found[5] == (pytest.approx(0.029), pytest.approx(0.029 * 1.1))

    def test_what_was_held_up_and_let_go_at_once_is_one(self) -> None:
        groups = GroupDistances()
        for sent, arrival in ((0.0, 1.0), (0.03, 1.030), (0.05, 1.031), (0.07, 1.032)):
            assert groups.add(sent, arrival) is None
        assert groups.add(0.2, 1.2) == (pytest.approx(0.07), pytest.approx(0.032))

    def test_disorder_is_left_out(self) -> None:
        groups = GroupDistances()
        for index in range(3):
            groups.add(index * 0.03, 5 + index * 0.03)
        assert groups.add(0.01, 5.2) is None  # sent before the present group
        found = [groups.add(index * 0.03, 1 + index * 0.03) for index in range(3, 12)]
        assert found[1] is None
        assert found[2:] == [(pytest.approx(0.03), pytest.approx(0.03))] * 7


class TestTrendline:
    @staticmethod
    def fed(growth: float, noise: float = 0.0, count: int = 100, step: float = 0.02) -> Trendline:
        trend, rng, arrival = Trendline(), random.Random(1), 0.0
        before = 0.0
        for _ in range(count):
            wobble = rng.uniform(-noise, noise)
            came = step * (1 + growth) + wobble - before
            before = wobble
            arrival += came
            trend.add(step, came, arrival)
        return trend

    def test_noise_is_no_queue(self) -> None:
        assert self.fed(0.0, 0.004).usage is not Usage.OVER
        assert self.fed(0.0).usage is Usage.NORMAL

    def test_a_queue_that_grows_is_seen_and_measured(self) -> None:
        trend = self.fed(0.1, count=40)
        assert trend.usage is Usage.OVER
        assert trend.queueing == pytest.approx(0.1 * 0.02 * 40, abs=0.025)

    def test_a_queue_that_empties_is_seen(self) -> None:
        trend = self.fed(0.1, count=60)
        arrival = 10.0
        for _ in range(40):
            arrival += 0.016
            trend.add(0.02, 0.016, arrival)
        assert trend.usage is Usage.UNDER

    def test_the_threshold_follows_the_noise(self) -> None:
        """Beside a stream that fills and empties the queue a low threshold would starve us."""
        trend, arrival = Trendline(), 0.0
        for index in range(1500):
            came = 0.02 + (0.002 if index // 50 % 2 == 0 else -0.002)
            arrival += came
            trend.add(0.02, came, arrival)
        assert trend._threshold > 1.5 * self.fed(0.0, 0.002, 1500)._threshold


class TestAcknowledgedRate:
    def test_a_steady_stream_is_measured(self) -> None:
        through = AcknowledgedRate()
        for index in range(300):
            through.add(1200, index * 0.01)
        assert through.rate == pytest.approx(960_000, rel=0.05)

    def test_a_fall_shows_within_half_a_second(self) -> None:
        through = AcknowledgedRate()
        for index in range(300):
            through.add(1200, index * 0.002)
        for index in range(50):
            through.add(1200, 0.6 + index * 0.01)
        assert through.rate == pytest.approx(960_000, rel=0.3)

    def test_a_pause_of_the_sender_is_no_fall_to_nothing(self) -> None:
        through = AcknowledgedRate()
        for index in range(100):
            through.add(1200, index * 0.01)
        for index in range(20):
            through.add(1200, 10 + index * 0.01)
            assert through.rate == pytest.approx(960_000, rel=0.05)


class TestRateControl:
    def test_nothing_binds_until_a_queue_grows(self) -> None:
        control = RateControl()
        for index in range(50):
            control.update(Usage.NORMAL, 2e6, False, 0.1, index * 0.1)
        assert control.rate is None
        control.update(Usage.OVER, 1e6, False, 0.1, 5.0)
        assert control.rate == pytest.approx(FALL * 1e6) and control.fell == 5.0 and control.falls == 1

    def test_one_queue_is_answered_once(self) -> None:
        control = RateControl()
        for index in range(4):
            control.update(Usage.OVER, 1e6 - index * 1e5, False, 0.5, index * 0.1)
        assert control.rate == pytest.approx(FALL * 1e6)

    def test_it_rises_by_a_twelfth_a_second_and_slowly_where_the_link_was_full(self) -> None:
        far, near = RateControl(), RateControl()
        far.update(Usage.OVER, 1e6, False, 0.1, 0.0)
        near.update(Usage.OVER, 1e6, False, 0.1, 0.0)
        far._capacity, near._capacity._deviation = LinkCapacity(), 2.5
        for step in range(1, 13):
            far.update(Usage.NORMAL, 1e6, False, 0.1, step * 0.1)
            near.update(Usage.NORMAL, 0.9e6, False, 0.1, step * 0.1)
        assert far.rate == pytest.approx(0.85e6 * 1.08, rel=0.02)
        assert near.rate == pytest.approx(0.85e6 + 9600 / 0.2 * 1.1, rel=0.01)

    def test_it_does_not_rise_far_beyond_what_gets_through_nor_untested(self) -> None:
        control = RateControl()
        control.update(Usage.OVER, 1e6, False, 0.1, 0.0)
        for step in range(1, 300):
            control.update(Usage.NORMAL, 0.6e6, False, 0.1, step * 0.1)
        assert control.rate == pytest.approx(1.5 * 0.6e6 + 10_000)
        before = control.rate
        for step in range(300, 400):
            control.update(Usage.NORMAL, 2e6, True, 0.1, step * 0.1)
        assert control.rate == before

    def test_a_fall_that_was_a_mistake_is_taken_back_soon_or_not_at_all(self) -> None:
        control = RateControl()
        control.update(Usage.OVER, 1e6, False, 0.1, 0.0)
        control.update(Usage.OVER, 0.4e6, False, 0.1, 1.0)
        control.regret(REGRETTED)
        assert control.rate is None
        control.update(Usage.OVER, 1e6, False, 0.1, 10.0)
        control.regret(10.1 + REGRETTED)
        assert control.rate == pytest.approx(FALL * 1e6)

    def test_there_is_a_least_rate(self) -> None:
        control = RateControl()
        control.update(Usage.OVER, 100.0, False, 0.1, 0.0)
        assert control.rate == LEAST_BY_DELAY


class TestLoss:
    def test_heavy_loss_lowers_the_rate_by_its_half(self) -> None:
        loss = LossBound()
        loss.add(0, 100, 1e6, 0.0)
        loss.add(40, 100, 1e6, 1.0)
        assert loss.rate == pytest.approx(0.9e6) and loss.share == pytest.approx(0.2)

    def test_loss_that_does_not_fall_with_the_rate_is_the_networks_own(self) -> None:
        own = OwnLoss()
        own.answered(0.2, 1e6)
        assert not any(own.note(0.2, 0.2, 0.9e6) for _ in range(10))
        assert [own.note(0.2, 0.2, 0.7e6) for _ in range(3)] == [False, False, True]
        assert own.share == pytest.approx(0.2)
        for _ in range(40):
            own.note(0.0, 0.0, 0.7e6)
        assert own.share < 0.01

    def test_loss_that_falls_was_too_much_and_what_is_left_is_its_own(self) -> None:
        own = OwnLoss()
        own.answered(0.2, 1e6)
        assert [own.note(0.05, 0.1, 0.7e6) for _ in range(3)] == [False] * 3 and own.share == pytest.approx(0.05)

    def test_while_it_is_seen_whether_less_helps_the_rate_falls_no_further_unless_more_is_lost(self) -> None:
        loss = LossBound()
        loss.add(0, 100, 1e6, 0.0)
        loss.add(60, 100, 1e6, 0.5, 0.8e6)  # 0.3 of them
        assert loss.rate == pytest.approx(FALL * 0.8e6)
        loss.begin_anew()
        for at in (1.0, 1.5):
            loss.add(20, 100, 0.68e6, at, 0.54e6)
        assert loss.rate == pytest.approx(FALL * 0.8e6) and loss.falls == 1
        loss.begin_anew()
        for at in (2.0, 2.5):
            loss.add(70, 100, 0.68e6, at, 0.2e6)
        assert loss.falls == 2

    def test_most_of_the_packets_is_never_its_own(self) -> None:
        own = OwnLoss()
        own.answered(0.5, 1e6)
        assert not any(own.note(0.5, 0.5, 0.5e6) for _ in range(3))


class TestTrains:
    @staticmethod
    def train(left: float, came: float, count: int = 20, lost: int = 0) -> float | None:
        trains = Trains()
        for index in range(count):
            trains.add(1 + left * index, None if 0 < index <= lost else 9 + came * index, 1200)
        return trains.add(2.0, 10.0, 1200)

    def test_a_link_that_is_wide_enough_carries_what_was_tried(self) -> None:
        assert self.train(0.002, 0.002) == pytest.approx(4.8e6)

    def test_a_narrow_one_shows_its_rate(self) -> None:
        assert self.train(0.002, 0.004) == pytest.approx(0.95 * 2.4e6)
        assert self.train(0.002, 0.004, lost=2) == pytest.approx(0.95 * 2.4e6, rel=0.15)

    @pytest.mark.parametrize("train", [(0.002, 0.002, 5, 0), (0.002, 0.002, 20, 5), (0.002, 0.0002, 20, 0)])
    def test_few_packets_lost_ones_and_lumps_say_nothing(self, train: tuple[float, float, int, int]) -> None:
        assert self.train(*train) is None


class TestReleases:
    @staticmethod
    def found(arrivals: list[float], step: float = 0.01, octets: int = 1200) -> list[float | None]:
        """Packets every ``step`` seconds, some 1 Mbit/s, that come at these times."""
        releases = Releases()
        return [releases.add(index * step, at, octets, 1e6) for index, at in enumerate(arrivals)]

    def test_what_comes_at_once_was_held_up(self) -> None:
        found = self.found([5.0, 5.01, *(5.1 + index * 0.0005 for index in range(8)), 5.11])
        rates = [rate for rate in found if rate is not None]
        assert rates and max(rates) == pytest.approx(1200 * 8 / 0.0005, rel=0.01)
        assert found[:5] == [None] * 5, "some, before it is believed"

    def test_a_queue_lets_go_no_faster_than_its_link_and_steady_packets_are_none(self) -> None:
        assert not any(self.found([5 + index * 0.01 for index in range(50)]))
        assert not any(self.found([5 + index * 0.0096 for index in range(50)]))

    def test_a_picture_that_was_sent_at_once_is_none(self) -> None:
        releases = Releases()
        assert not any(releases.add(1 + index * 1e-4, 6 + index * 1e-4, 1200, 1e6) for index in range(20))


class TestProbing:
    @staticmethod
    def times(rates: list[float], fell: float = 0.0, calm: bool = True) -> list[float]:
        """When it probes, where the estimate is the next of these rates with each probe, and then stays."""
        probing, found = Probing(), []
        for step in range(300):
            rate = rates[min(len(found), len(rates) - 1)]
            if probing.due(rate, fell, calm, step * 0.1) is not None:
                found.append(step * 0.1)
        return found

    def test_what_finds_more_is_followed_at_once_by_the_next(self) -> None:
        found = self.times([1e6, 2e6, 4e6, 8e6])
        assert found[0] == pytest.approx(AFTER_FALL)
        assert [b - a for a, b in itertools.pairwise(found[:4])] == pytest.approx([AGAIN] * 3, abs=0.11)

    def test_what_finds_nothing_is_tried_more_and_more_seldom(self) -> None:
        gaps = [b - a for a, b in itertools.pairwise(self.times([1e6]))]
        assert gaps[:4] == pytest.approx([2 * FIRST_PAUSE, 4 * FIRST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE], abs=0.11)

    def test_a_queue_a_fresh_fall_and_a_rate_too_small_for_a_train_are_left_alone(self) -> None:
        assert self.times([1e6], calm=False) == [] and self.times([1e6], fell=29.5) == []
        assert self.times([LEAST_PROBED / 2]) == []
        assert Probing().due(None, 0.0, True, 10.0) is None
        assert Probing().due(1e6, 0.0, True, 10.0) == FACTOR * 1e6


class TestEstimator:
    def test_feedback_that_stops_is_another_beginning(self) -> None:
        estimator = TransportEstimator()
        for base, clock in ((0.0, 50.0), (SILENCE + 5, 9000.0)):
            for index in range(30):
                at = base + index * 0.03
                estimator.told([(at, at + clock, 1200, CAME)], at + 0.05)
        state = estimator.state()
        assert state.rate is None and state.queueing == pytest.approx(0, abs=0.001)
        assert state.round_trip == pytest.approx(0.05)

    def test_lost_feedback_counts_as_sent_but_not_as_lost(self) -> None:
        estimator = TransportEstimator()
        for index in range(100):
            at = index * 0.02
            fate = UNTOLD if index % 4 == 0 else CAME
            estimator.told([(at, at + 5, 1200, fate)], at + 0.05)
        assert estimator.state().loss == 0.0
        assert estimator.sent_rate == pytest.approx(480_000, rel=0.05)

    def test_a_packet_that_came_after_all_was_not_lost(self) -> None:
        estimator = TransportEstimator()
        for index in range(100):
            at = index * 0.02
            estimator.told([(at, 0, 1200, LOST)], at + 0.05)
            estimator.told([(at, at + 5, 1200, FOUND)], at + 0.06)
        assert estimator.state().loss < 0.05

    @staticmethod
    def fed(estimator: TransportEstimator, start: float, seconds: float, rate: float, grown: float = 0.0) -> None:
        """Packets of 1250 octets, evenly; a queue grows to ``grown`` seconds."""
        step = 10_000 / rate
        count = round(seconds / step)
        told = []
        for index in range(count):
            sent = start + index * step
            told.append((sent, sent + 50 + grown * index / count, 1250, CAME))
            if sent - told[0][0] > 0.1 or index == count - 1:
                estimator.told(told, sent + 0.05)
                told = []

    def test_who_sends_little_is_not_to_blame_for_a_queue(self) -> None:
        """Slides that stand still, and radio that holds up packets for a moment."""
        busy, still = TransportEstimator(), TransportEstimator()
        for estimator, rate in ((busy, 2e6), (still, 0.2e6)):
            self.fed(estimator, 0.0, 5.0, 2e6)
            self.fed(estimator, 5.0, 4.0, rate)
            self.fed(estimator, 9.0, 1.0, rate, grown=0.12)
        assert busy.rate is not None and busy.rate < 2e6
        assert still.rate is None
        self.fed(still, 10.0, 1.5, 0.2e6, grown=0.3)  # but this one stays
        assert still.rate is not None and still.rate > 0.4e6
        self.fed(still, 11.5, 4.0, 0.2e6, grown=1.0)  # and grows with what is sent now
        assert still.rate <= 0.2e6

    def test_any_trace_is_borne(self) -> None:
        rng, estimator, now = random.Random(2), TransportEstimator(), 0.0
        for _ in range(3000):
            now += rng.choice((0.0, 0.01, 0.1, 5.0))
            estimator.told(
                [
                    (now - rng.random(), rng.uniform(-10, 1e6), rng.randrange(1500), rng.randrange(4))
                    for _ in range(rng.randrange(5))
                ],
                now,
            )
            state = estimator.state()
            assert state.rate is None or 0 < state.rate < 1e13
            assert 0 <= state.loss <= 1
