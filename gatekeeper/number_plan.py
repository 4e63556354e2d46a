"""The number plan: rules that say where a dialled address leads, and which of them holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from gatekeeper.expression_parser import parse_expression
from gatekeeper.expressions import (
    ANY,
    DIGITS,
    MAX_SOURCE,
    Characters,
    Expression,
    ExpressionError,
    Group,
    Literal,
    Node,
    Repeat,
    Sequence,
    literal,
)
from gatekeeper.normalisation import Value, plain

MAX_RULES = 10_000
"""Rules of one plan. Exact ones are looked up; the others are tried one by one, so this also bounds time."""

MAX_TRIED = 500
"""Of them, prefixes, patterns and expressions."""

_TEMPLATE = re.compile(r"\{([0-9])\}")
_PATTERN_SETS = {"x": DIGITS, "z": Characters((("1", "9"),)), "n": Characters((("2", "9"),))}
_PATTERN_PART = re.compile(r"\[[0-9](?:-[0-9]|[0-9])*\]|[0-9+#*xzn.!]")


class MatchKind(StrEnum):
    """How a rule's ``match`` is compared with what was dialled.

    ``exact``: the whole address: a number, a name, ``name@domain``. ``prefix``: it begins so; ``{1}`` is the rest.
    ``pattern``: digits, where ``X`` stands for any, ``Z`` for 1-9, ``N`` for 2-9, ``[13-5]`` for one of these, and at
    the end ``.`` for one digit or more, ``!`` for none or more; ``{1}`` is all from the first of these signs on.
    ``expression``: see ``gatekeeper.expressions``; ``{1}`` to ``{9}`` are its groups.
    """

    EXACT = "exact"
    PREFIX = "prefix"
    PATTERN = "pattern"
    EXPRESSION = "expression"


class TargetKind(StrEnum):
    """Where a rule leads: a room by number, a person's or an endpoint's registration, the voice menu behind an access
    number, nowhere, or another address that is looked up anew."""

    ROOM = "room"
    PERSON = "person"
    ENDPOINT = "endpoint"
    ACCESS = "access"
    REFUSE = "refuse"
    REWRITE = "rewrite"


class RuleContent(Value):
    """What one line of the plan says.

    ``value`` is the room's number, the alias, the new address, or the reason of a refusal; ``{0}`` in it is what was
    dialled, ``{1}``… what matched (see MatchKind). The smallest ``priority`` wins, among equals the exact rule, then
    the longer prefix, then patterns, then expressions. ``zones``: callers' zones in which it holds; empty for all.
    ``important``: calls that go this way may use the bandwidth that zones keep free for such.
    """

    kind: MatchKind
    match: Annotated[str, Field(min_length=1, max_length=MAX_SOURCE)]
    target: TargetKind
    value: Annotated[str, Field(max_length=256)] = ""
    priority: Annotated[int, Field(ge=0, le=10_000)] = 100
    zones: Annotated[tuple[str, ...], Field(max_length=256)] = ()
    important: bool = False
    enabled: bool = True
    note: Annotated[str, Field(max_length=256)] = ""


class Rule(RuleContent):
    """One line of the plan, with its name."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


class PlanError(ValueError):
    """A rule cannot be; ``rule`` is its id."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


@dataclass(frozen=True)
class Match:
    """A rule that fits what was dialled, and what it makes of that. ``spelling`` is the one that it fits."""

    rule: Rule
    value: str
    spelling: str


class NumberPlan:
    """Rules compiled and in order. Raises PlanError for one that cannot be."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = tuple(rules)
        if len(self.rules) > MAX_RULES:
            raise PlanError(self.rules[MAX_RULES].id, f"a plan has at most {MAX_RULES} rules")
        self._exact: dict[str, list[Rule]] = {}
        self._tried: list[tuple[Rule, Expression]] = []
        seen: set[str] = set()
        for rule in self.rules:
            if rule.id in seen:
                raise PlanError(rule.id, "two rules have this id")
            seen.add(rule.id)
            self._add(rule)
        self.important_rooms = frozenset(room for rule in self.rules if (room := _important_room(rule)) is not None)
        """Rooms that important rules lead to: calls to them are important whichever way they come."""
        if len(self._tried) > MAX_TRIED:
            raise PlanError(self._tried[MAX_TRIED][0].id, f"at most {MAX_TRIED} rules are other than exact")

    def _add(self, rule: Rule) -> None:
        if rule.target is not TargetKind.REFUSE and rule.target is not TargetKind.ACCESS and not rule.value:
            raise PlanError(rule.id, f"a rule that leads to a {rule.target.value} must say to which")
        if rule.kind is MatchKind.EXACT:
            self._exact.setdefault(plain(rule.match), []).append(rule)
            return
        try:
            self._tried.append((rule, _compile(rule)))
        except ExpressionError as error:
            raise PlanError(rule.id, str(error)) from error

    def matches(self, spellings: Iterable[str]) -> Iterator[Match]:
        """All rules that fit one of the spellings of a dialled address, best first, whatever their zones.

        A rule that fits several takes the first.
        """
        found: dict[str, Match] = {}
        for text in spellings:
            for rule in self._exact.get(text, ()):
                found.setdefault(rule.id, Match(rule, _fill(rule.value, text, {}), text))
            for rule, expression in self._tried:
                if rule.id not in found and (groups := expression.match(text)) is not None:
                    named = {str(number): group for number, group in enumerate(groups, 1)}
                    found[rule.id] = Match(rule, _fill(rule.value, text, named), text)
        return iter(sorted(found.values(), key=lambda match: _rank(match.rule)))


def _important_room(rule: Rule) -> str | None:
    """The one room that an important rule leads to; None for any other rule."""
    if not rule.important or not rule.enabled or rule.target is not TargetKind.ROOM or "{" in rule.value:
        return None
    return rule.value.partition("*")[0].lower()


_KIND_RANK = {MatchKind.EXACT: 0, MatchKind.PREFIX: 1, MatchKind.PATTERN: 2, MatchKind.EXPRESSION: 3}


def _rank(rule: Rule) -> tuple[int, int, int, str]:
    longer_first = -len(plain(rule.match)) if rule.kind is MatchKind.PREFIX else 0
    return rule.priority, _KIND_RANK[rule.kind], longer_first, rule.id


def _compile(rule: Rule) -> Expression:
    if rule.kind is MatchKind.PREFIX:
        return Expression(Sequence((literal(plain(rule.match)), Group(Repeat(Literal(ANY), 0, None), 1))))
    if rule.kind is MatchKind.PATTERN:
        return Expression(_pattern(rule.match))
    return parse_expression(rule.match)


def _pattern(source: str) -> Node:
    """An E.164-style pattern. Raises ExpressionError."""
    text, place = plain(source), 0
    before: list[Node] = []
    captured: list[Node] = []
    while place < len(text):
        found = _PATTERN_PART.match(text, place)
        if found is None:
            raise ExpressionError(f"at character {place}: {text[place]!r} cannot be in a pattern")
        place, sign = found.end(), found[0]
        if sign in ".!" and place < len(text):
            raise ExpressionError(f"{sign!r} can only end a pattern")
        if sign in ".!":
            captured.append(Repeat(Literal(DIGITS), 1 if sign == "." else 0, None))
        elif sign in _PATTERN_SETS:
            captured.append(Literal(_PATTERN_SETS[sign]))
        elif sign.startswith("["):
            captured.append(Literal(_set(sign[1:-1])))
        else:
            (captured or before).append(Literal(Characters(((sign, sign),))))
    return Sequence((*before, Group(Sequence(tuple(captured)), 1)))


def _set(text: str) -> Characters:
    ranges = tuple((part[0], part[-1]) for part in re.findall(r"[0-9]-[0-9]|[0-9]", text))
    for first, last in ranges:
        if last < first:
            raise ExpressionError(f"the range {first}-{last} runs backwards")
    return Characters(ranges)


def _fill(template: str, dialled: str, groups: Mapping[str, str]) -> str:
    return _TEMPLATE.sub(lambda found: dialled if found[1] == "0" else groups.get(found[1], ""), template)
