"""Rules: what fits, which one wins, what they make of an address."""

from __future__ import annotations

import pytest

from gatekeeper.number_plan import MAX_TRIED, MatchKind, NumberPlan, PlanError, Rule, TargetKind


def rule(name: str, kind: str, match: str, value: str = "{0}", **more: object) -> Rule:
    return Rule.model_validate({"id": name, "kind": kind, "match": match, "target": "room", "value": value, **more})


def found(plan: NumberPlan, *spellings: str) -> list[tuple[str, str]]:
    return [(match.rule.id, match.value) for match in plan.matches(spellings)]


@pytest.mark.parametrize(
    ("kind", "match", "dialled", "value", "made"),
    [
        ("exact", "Theatre 2", "theatre 2", "T-{0}", "T-theatre 2"),
        ("prefix", "88", "881234", "1{1}", "11234"),
        ("prefix", "88", "88", "1{1}", "1"),
        ("pattern", "0[2-4]XZ.", "023199", "5{1}", "523199"),
        ("pattern", "+86NXX!", "+86234", "{1}", "234"),
        ("pattern", "*8X", "*84", "{1}", "4"),
        ("expression", "(\\d)(\\d)", "42", "{2}{1}{3}", "24"),
    ],
)
def test_values_are_made_from_what_was_dialled(kind: str, match: str, dialled: str, value: str, made: str) -> None:
    assert found(NumberPlan([rule("r", kind, match, value)]), dialled) == [("r", made)]


@pytest.mark.parametrize("dialled", ["12", "1x", "0123", "", "+"])
def test_patterns_are_whole_and_of_digits(dialled: str) -> None:
    assert found(NumberPlan([rule("r", "pattern", "0XX")]), dialled) == []


@pytest.mark.parametrize("match", ["1.2", "1a", "[1", "[3-1]", "1 ²b", "[]"])
def test_patterns_that_cannot_be(match: str) -> None:
    with pytest.raises(PlanError) as error:
        NumberPlan([rule("bad", "pattern", match)])
    assert error.value.rule == "bad"


def test_the_order_is_priority_then_exactness_then_length() -> None:
    plan = NumberPlan(
        [
            rule("expression", "expression", "10\\d\\d"),
            rule("pattern", "pattern", "10XX"),
            rule("short", "prefix", "1"),
            rule("long", "prefix", "10"),
            rule("exact", "exact", "1000"),
            rule("first", "expression", ".*", priority=1),
            rule("last", "exact", "1000", priority=200),
        ]
    )
    names = [name for name, _ in found(plan, "1000")]
    assert names == ["first", "exact", "long", "short", "pattern", "expression", "last"]


def test_an_address_is_looked_up_in_all_its_spellings_and_a_rule_counts_once() -> None:
    plan = NumberPlan([rule("mail", "exact", "dr.li@clinic.example", "7"), rule("all", "prefix", "dr", "{0}")])
    assert found(plan, "dr.li", "dr.li@clinic.example") == [("mail", "7"), ("all", "dr.li")]


def test_braces_that_were_dialled_are_no_template() -> None:
    assert found(NumberPlan([rule("r", "expression", "(.*)", "{1}")]), "{0}") == [("r", "{0}")]


def test_a_plan_has_bounds_and_no_two_rules_of_one_name() -> None:
    with pytest.raises(PlanError, match="this id"):
        NumberPlan([rule("a", "exact", "1"), rule("a", "exact", "2")])
    with pytest.raises(PlanError, match="other than exact"):
        NumberPlan([rule(f"r{n}", "prefix", str(n)) for n in range(MAX_TRIED + 1)])
    with pytest.raises(PlanError, match="to which"):
        NumberPlan([rule("r", "exact", "1", "")])
    NumberPlan([Rule(id="no", kind=MatchKind.EXACT, match="1", target=TargetKind.REFUSE)])
