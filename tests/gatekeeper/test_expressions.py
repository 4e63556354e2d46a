"""Expressions of the number plan: what they match, what they refuse, and that they take linear time."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.expression_parser import parse_expression
from gatekeeper.expressions import MAX_PROGRAM, MAX_SOURCE, Expression, ExpressionError


class CountingExpression(Expression):
    """Counts how many places it stands at, over all characters."""

    steps = 0

    def _follow(self, starts: list[tuple[int, tuple[int, ...]]], place: int) -> list[tuple[int, tuple[int, ...]]]:
        found = super()._follow(starts, place)
        self.steps += len(found)
        return found


@pytest.mark.parametrize(
    ("source", "text", "groups"),
    [
        ("1000", "1000", ()),
        ("10[0-4]\\d", "1042", ()),
        ("(\\d{3})-?(\\d+)", "010-88", ("010", "88")),
        ("(?:ward|theatre)(\\d)", "theatre7", ("7",)),
        ("(a|ab)(b?c)", "abc", ("a", "bc")),
        ("(.*)@(.*)", "dr.li@clinic.example", ("dr.li", "clinic.example")),
        ("([^@]+)", "急诊", ("急诊",)),
        ("^\\+86(.+)$", "+8610", ("10",)),
        ("Ward\\.(.{1,2})", "ward.12", ("12",)),
        ("[A-F]+", "beef", ()),
        ("a{0}b", "b", ()),
        ("[]x]y", "]y", ()),
        ("(x)?y", "y", ("",)),
    ],
)
def test_what_matches(source: str, text: str, groups: tuple[str, ...]) -> None:
    found = parse_expression(source).match(text)
    assert found is not None
    assert found[: len(groups)] == groups and not any(found[len(groups) :])


@pytest.mark.parametrize(
    ("source", "text"),
    [("1000", "10001"), ("1000", "100"), ("\\d+", ""), ("[^0-9]", "4"), ("a{2,3}", "aaaa"), ("(a|b)", "c"), ("", "x")],
)
def test_what_does_not_match(source: str, text: str) -> None:
    assert parse_expression(source).match(text) is None


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("(a", "not closed"),
        ("a)", "unexpected"),
        ("a**", "quantifier after"),
        ("*a", "backslash"),
        ("a{3,2}", "repeat"),
        ("a{65}", "64"),
        ("a{", "64"),
        ("[a", "ends too early"),
        ("[z-a]", "backwards"),
        ("\\1", "not known"),
        ("\\D", "not known"),
        ("a\\", "ends too early"),
        ("(?=a)", "only (?:"),
        ("a^b", "backslash"),
        ("(" * 9 + ")" * 9, "within one another"),
        ("()" * 10, "more than 9 groups"),
        ("x" * (MAX_SOURCE + 1), "longer"),
        ("((a{60}){60}){60}", "too large"),
        ("(a{64}|b{64}){64}", "too large"),
        ("(?:(?:(?:(?:(?:){64}){64}){64}){64}){64}", "too large"),
    ],
)
def test_what_is_refused(source: str, words: str) -> None:
    with pytest.raises(ExpressionError, match=re.escape(words)):
        parse_expression(source)


@pytest.mark.parametrize("source", ["(a*)*b", "(a|a)*b", "(a|aa)+b", "(.*)(.*)(.*)(.*)(.*)b", "(a?){40}a{40}b"])
def test_time_grows_with_the_length_only(source: str) -> None:
    """Each of these keeps a backtracking engine busy for years."""
    expression = parse_expression(source)
    expression.__class__ = CountingExpression
    assert isinstance(expression, CountingExpression)
    assert expression.match("a" * 128) is None
    assert expression.steps <= 130 * MAX_PROGRAM


_ATOMS = st.sampled_from(["a", "b", "1", ".", "[ab]", "[^a]", "\\d", "\\.", "[0-5b]"])
_SOURCES = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
        st.tuples(inner, st.sampled_from(["?", "*", "+", "{2}", "{1,3}", "{0,}"])).map(
            lambda pair: f"({pair[0]}){pair[1]}"
        ),
    ),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(_SOURCES, st.text("ab1.x", max_size=8))
def test_it_agrees_with_the_usual_engine(source: str, text: str) -> None:
    try:
        expression = parse_expression(source)
    except ExpressionError:
        return  # too many groups
    assert (expression.match(text) is not None) == (re.fullmatch(source, text, re.ASCII) is not None)
