"""When a conference reports how far its legs have come."""

from __future__ import annotations

from mcu.media.conference_numbers import LOOK_INTERVAL, ConferenceNumbers
from mcu.media.facts import Fact, NumbersReached
from mcu.media.numbering import REPORT_AFTER, REPORT_INTERVAL
from mcu.media.rtp.beginning import AHEAD
from mcu.media.spec import LegNumbers, PathNumbers, SentNumbers


class Leg:
    """Has sent so many packets."""

    def __init__(self) -> None:
        self.sent = 0
        self.has_gone_far = False

    def numbers_to_report(self) -> LegNumbers:
        self.has_gone_far = False
        return LegNumbers(paths={"audio": PathNumbers(sent={1: SentNumbers(sequence=self.sent)})})


class Reporting:
    def __init__(self) -> None:
        self.legs = {"a": Leg(), "b": Leg()}
        self.facts: list[Fact] = []
        self.numbers = ConferenceNumbers("c", self.legs, self.facts.append)

    def reported(self) -> list[dict[str, int]]:
        """Since this was last asked: the sequence numbers by leg, of each report."""
        found = [fact for fact in self.facts if isinstance(fact, NumbersReached)]
        self.facts.clear()
        return [{leg: each.paths["audio"].sent[1].sequence for leg, each in fact.legs.items()} for fact in found]


def test_a_leg_is_reported_at_a_bounded_rate() -> None:
    reporting = Reporting()
    for tick in range(1, 2001):
        reporting.legs["a"].sent = reporting.legs["b"].sent = tick
        reporting.numbers.handle_timer(tick * 0.01)
    reports = reporting.reported()
    assert len(reports) == round(20.0 / REPORT_INTERVAL)
    assert all(set(report) == {"a", "b"} for report in reports)


def test_who_stands_still_is_not_reported_again() -> None:
    reporting = Reporting()
    reporting.numbers.handle_timer(0.0)
    reporting.legs["b"].sent = 9
    reporting.numbers.handle_timer(REPORT_INTERVAL)
    reporting.numbers.handle_timer(2 * REPORT_INTERVAL)
    assert reporting.reported() == [{"a": 0, "b": 0}, {"b": 9}]


def test_who_goes_fast_is_reported_early_and_alone() -> None:
    reporting = Reporting()
    reporting.numbers.handle_timer(0.0)
    reporting.reported()
    leg = reporting.legs["a"]
    leg.sent, leg.has_gone_far = 800, True
    reporting.legs["b"].sent = 5
    reporting.numbers.handle_timer(LOOK_INTERVAL / 2)
    assert reporting.reported() == []
    reporting.numbers.handle_timer(LOOK_INTERVAL)
    assert reporting.reported() == [{"a": 800}]


def test_what_has_just_begun_is_reported_at_once() -> None:
    reporting = Reporting()
    reporting.numbers.handle_timer(0.0)
    reporting.reported()
    reporting.legs["c"] = Leg()
    reporting.numbers.handle_timer(0.01)
    assert reporting.reported() == []
    reporting.numbers.hurry()
    reporting.numbers.handle_timer(0.01)
    assert reporting.reported() == [{"c": 0}]


def test_who_left_and_came_back_is_reported_anew() -> None:
    reporting = Reporting()
    reporting.numbers.handle_timer(0.0)
    leg = reporting.legs.pop("a")
    reporting.numbers.handle_timer(1.0)
    reporting.legs["a"] = leg
    reporting.numbers.handle_timer(2.0)
    assert reporting.reported() == [{"a": 0, "b": 0}, {"a": 0}]


def test_what_is_sent_between_reports_stays_below_what_a_successor_leaves_out() -> None:
    """At 3000 packets a second of one stream."""
    reporting = Reporting()
    leg, rate, reported = reporting.legs["a"], 3000, 0
    for tick in range(1, 1001):
        leg.sent = tick * rate // 100
        leg.has_gone_far = leg.sent - reported >= REPORT_AFTER
        assert leg.sent - reported <= AHEAD
        reporting.numbers.handle_timer(tick * 0.01)
        for report in reporting.reported():
            reported = report.get("a", reported)
