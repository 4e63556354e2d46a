"""The book of alarms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gatekeeper import alarms
from gatekeeper.alarms import MAX_PAST, AlarmBook, AlarmTopic, KnownAlarm

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


@pytest.fixture
def told() -> list[KnownAlarm]:
    return []


@pytest.fixture
def book(told: list[KnownAlarm]) -> AlarmBook:
    book = AlarmBook()
    book.on_change(told.append)
    return book


def test_an_alarm_is_told_once_when_raised_and_once_when_over(book: AlarmBook, told: list[KnownAlarm]) -> None:
    book.wrong(AlarmTopic.LOSS, "4001", at(0), name="Theatre 3", figure=0.05)
    book.wrong(AlarmTopic.LOSS, "4001", at(1), name="Theatre 3", figure=0.2)
    (alarm,) = book.current()
    assert (alarm.since, alarm.figure, alarm.until) == (at(0), 0.2, None)
    book.right(AlarmTopic.LOSS, "4001", at(2))
    book.right(AlarmTopic.LOSS, "4001", at(3))
    assert book.current() == [] and [one.until for one in book.past()] == [at(2)]
    assert [(one.figure, one.until) for one in told] == [(0.05, None), (0.2, at(2))]


def test_alarms_of_other_topics_and_subjects_are_apart(book: AlarmBook) -> None:
    book.wrong(AlarmTopic.LOSS, "4001", at(0))
    book.wrong(AlarmTopic.SILENT, "4001", at(1))
    book.wrong(AlarmTopic.LOSS, "4002", at(2))
    assert [(one.topic, one.subject) for one in book.current()] == [
        (AlarmTopic.LOSS, "4002"),
        (AlarmTopic.SILENT, "4001"),
        (AlarmTopic.LOSS, "4001"),
    ]
    assert book.holds(AlarmTopic.SILENT, "4001") and not book.holds(AlarmTopic.SILENT, "4002")


def test_an_alarm_ends_when_nothing_was_said_of_it_for_a_while(book: AlarmBook) -> None:
    book.wrong(AlarmTopic.LOCKOUT, "192.0.2.1", at(0))
    assert book.again(AlarmTopic.LOCKOUT, "192.0.2.1", at(4))
    assert not book.again(AlarmTopic.LOCKOUT, "192.0.2.2", at(4))
    book.settle(AlarmTopic.LOCKOUT, at(8), timedelta(minutes=5))
    assert book.holds(AlarmTopic.LOCKOUT, "192.0.2.1")
    book.wrong(AlarmTopic.BUDGET, "zone ward", at(0))
    book.settle(AlarmTopic.LOCKOUT, at(9), timedelta(minutes=5))
    assert [one.subject for one in book.current()] == ["zone ward"]


def test_a_flood_of_alarms_is_bounded(book: AlarmBook, told: list[KnownAlarm], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarms, "MAX_CURRENT", 3)
    for number in range(9):
        book.wrong(AlarmTopic.LOCKOUT, f"192.0.2.{number}", at(0))
    assert len(book.current()) == len(told) == 3 and book.left_out == 6
    for number in range(MAX_PAST + 10):
        book.wrong(AlarmTopic.LOSS, f"{number}", at(number))
        book.right(AlarmTopic.LOCKOUT, "192.0.2.0", at(number))
        book.right(AlarmTopic.LOSS, f"{number}", at(number))
    assert len(book.past()) == MAX_PAST


def test_text_of_strangers_is_cut(book: AlarmBook) -> None:
    book.wrong(AlarmTopic.LOSS, "x" * 9999, at(0), name="y" * 9999, detail="z" * 9999)
    (alarm,) = book.current()
    assert len(alarm.subject) == len(alarm.name) == len(alarm.detail) == 256
    book.right(AlarmTopic.LOSS, "x" * 9999, at(1))
    assert book.current() == []
