"""Alarms: who is due is found, whatever was said before; checked against a plain table."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mcu.media.alarms import Alarms


def test_nobody_is_woken_unasked() -> None:
    alarms = Alarms()
    assert alarms.next() == float("inf")
    assert alarms.due(1e9) == []


def test_who_is_due_is_woken_once_and_in_order() -> None:
    alarms = Alarms()
    alarms.set("late", 3.0)
    alarms.set("early", 1.0)
    assert alarms.next() == 1.0
    assert alarms.due(0.9) == []
    assert alarms.due(3.0) == ["early", "late"]
    assert alarms.due(9.0) == []


def test_the_newest_word_counts() -> None:
    alarms = Alarms()
    alarms.set("a", 1.0)
    alarms.set("a", 2.0)
    assert alarms.next() == 2.0
    assert alarms.due(1.5) == []
    alarms.set("a", 1.6)
    assert alarms.due(1.7) == ["a"]
    assert alarms.due(5.0) == []


def test_never_is_a_time() -> None:
    alarms = Alarms()
    alarms.set("a", 1.0)
    alarms.set("a", float("inf"))
    assert alarms.next() == float("inf")
    alarms.set("a", 2.0)
    assert alarms.due(2.0) == ["a"]


def test_who_has_gone_is_not_woken() -> None:
    alarms = Alarms()
    alarms.set("a", 1.0)
    alarms.discard("a")
    alarms.discard("nobody")
    assert alarms.due(2.0) == []


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.sampled_from("abcd"), st.integers(0, 20)),
        st.tuples(st.just("discard"), st.sampled_from("abcd"), st.just(0)),
        st.tuples(st.just("due"), st.just(""), st.integers(0, 20)),
    ),
    max_size=60,
)


@given(_STEPS)
def test_as_a_table_that_is_looked_through(steps: list[tuple[str, str, int]]) -> None:
    alarms, table = Alarms(), dict[str, float]()
    for step, name, when in steps:
        if step == "set":
            alarms.set(name, when)
            table[name] = when
        elif step == "discard":
            alarms.discard(name)
            table.pop(name, None)
        else:
            expected = sorted((at, one) for one, at in table.items() if at <= when)
            assert alarms.due(when) == [one for _, one in expected]
            for _, one in expected:
                del table[one]
        assert alarms.next() == min(table.values(), default=float("inf"))
