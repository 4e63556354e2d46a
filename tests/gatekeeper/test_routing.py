"""Where calls go, and what is told of the way there."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from gatekeeper.dialing import AliasDestination, DialSettings, MenuDestination, Refused, RoomDestination, Routed
from gatekeeper.explanation import SENTENCES, explain
from gatekeeper.normalisation import DialHabits
from gatekeeper.number_plan import NumberPlan, Rule
from gatekeeper.routing import Router, Routing, StepKind
from gatekeeper.zones import Zone

HOME = Zone(name="default")
WARD = Zone(name="ward", habits=DialHabits(country_code="86", outside_prefix="9"))


def rule(name: str, kind: str, match: str, target: str = "room", value: str = "", **more: object) -> Rule:
    return Rule.model_validate({"id": name, "kind": kind, "match": match, "target": target, "value": value, **more})


def router(*rules: Rule, registered: Iterable[str] = (), **dialing: object) -> Router:
    known = frozenset(registered)
    settings = DialSettings(**dialing)  # type: ignore[arg-type]
    return Router(NumberPlan(rules), settings, lambda alias: alias in known)


def kinds(routing: Routing) -> list[StepKind]:
    return [step.kind for step in routing.steps]


@pytest.mark.parametrize(
    ("uri", "destination"),
    [
        ("sip:1000@h", RoomDestination("1000")),
        ("sip:1000*4711@h", RoomDestination("1000", "4711")),
        ("sip:1000*@h", RoomDestination("1000")),
        ("sip:+1000@h", RoomDestination("1000")),
        ("sip:%EF%BC%91%EF%BC%90%EF%BC%90%EF%BC%90@h", RoomDestination("1000")),
        ("tel:+10-00;phone-context=x", RoomDestination("1000")),
        ("sip:1000;ext=1@h", RoomDestination("1000")),
    ],
)
def test_without_a_plan_numbers_are_rooms(uri: str, destination: Routed) -> None:
    assert router().route(uri, HOME).destination == destination


@pytest.mark.parametrize(
    ("uri", "status"),
    [("sip:h", 404), ("mailto:a@b", 416), ("nonsense", 400), (f"sip:{'1' * 200}@h", 414), ("sip:a%20b@h", 404)],
)
def test_what_leads_nowhere_says_so(uri: str, status: int) -> None:
    routing = router().route(uri, HOME)
    assert isinstance(routing.destination, Refused) and routing.destination.status == status
    assert kinds(routing)[-1] is StepKind.REFUSED


def test_aliases_of_every_kind() -> None:
    plan = router(
        rule("chinese", "exact", "急诊", value="1000", important=True),
        rule("h323", "exact", "Theatre 2", "endpoint", "4002"),
        rule("mail", "exact", "dr.li@clinic.example", "person", "li@clinic.example"),
        rule("number", "exact", "+861088881234", value="2000*77"),
        rule("menu", "exact", "*88", "access"),
        domains=frozenset({"h"}),
    )
    urgent = plan.route("sip:%E6%80%A5%E8%AF%8A@h", HOME)
    assert urgent.destination == RoomDestination("1000") and urgent.is_important and urgent.rule == "chinese"
    assert plan.route("sip:theatre%202@h", HOME).destination == AliasDestination("4002")
    person = AliasDestination("sip:li@clinic.example", is_person=True)
    assert plan.route("sip:Dr.Li@clinic.example", HOME).destination == person
    assert plan.route("sip:dr.li%40clinic.example@h", HOME).destination == person
    assert plan.route("sip:9-010-8888.1234@h", WARD).destination == RoomDestination("2000", "77")
    assert plan.route("sip:*88@h", HOME).destination == MenuDestination()


def test_foreign_domains_are_refused_unless_a_rule_names_the_address() -> None:
    plan = router(rule("any", "prefix", "1", value="5"), domains=frozenset({"h"}))
    destination = plan.route("sip:xyz@elsewhere", HOME).destination
    assert isinstance(destination, Refused) and destination.status == 404
    assert plan.route("sip:1@elsewhere", HOME).destination == RoomDestination("5")  # 1@elsewhere begins with 1


def test_a_pin_goes_along_through_rewriting_and_is_never_told() -> None:
    plan = router(rule("short", "prefix", "88", "rewrite", "{1}"))
    routing = plan.route("sip:881000*4711@h", HOME)
    assert routing.destination == RoomDestination("1000", "4711")
    assert "4711" not in repr(routing) + "".join(explain(routing))
    assert kinds(routing) == [
        StepKind.DIALLED, StepKind.ZONE, StepKind.RULE, StepKind.REWRITTEN,
        StepKind.NO_RULE, StepKind.PIN, StepKind.ROOM,
    ]  # fmt: skip


def test_a_rule_takes_the_number_without_the_pin_unless_it_names_the_star() -> None:
    plan = router(
        rule("device", "prefix", "4", "endpoint", "d{1}"),
        rule("star", "exact", "77*1", value="7"),
        rule("all", "expression", ".*", value="8", priority=900),
    )
    assert plan.route("sip:42*4711@h", HOME).destination == AliasDestination("d2")
    assert plan.route("sip:77*1@h", HOME).destination == RoomDestination("7")
    assert plan.route("sip:5*4711@h", HOME).destination == RoomDestination("8", "4711")
    assert plan.route("sip:%EF%BC%98%201*4711@h", HOME).destination == RoomDestination("8", "4711")


def test_rules_of_other_zones_and_rules_switched_off_are_told_but_not_followed() -> None:
    plan = router(
        rule("off", "exact", "1000", value="1", enabled=False),
        rule("theirs", "exact", "1000", value="2", zones=("ward",)),
        rule("ours", "prefix", "10", value="3"),
        rule("behind", "prefix", "1", value="4"),
    )
    routing = plan.route("sip:1000@h", HOME)
    assert routing.destination == RoomDestination("3")
    assert [line.partition(" would")[0] for line in explain(routing)[2:6]] == [
        "Rule off (exact 1000)",
        "Rule theirs (exact 1000)",
        "Rule ours (prefix 10, priority 100) holds.",
        "Rule behind (prefix 1)",
    ]
    assert plan.route("sip:1000@h", WARD).destination == RoomDestination("2")


def test_a_ring_of_rules_ends() -> None:
    plan = router(rule("a", "exact", "1", "rewrite", "2"), rule("b", "exact", "2", "rewrite", "1"))
    destination = plan.route("sip:1@h", HOME).destination
    assert destination == Refused(482, "The number plan leads in a circle")


def test_refusing_says_the_rules_reason() -> None:
    plan = router(rule("abroad", "pattern", "+[13-79].", "refuse", "Not from here"), rule("no", "exact", "0", "refuse"))
    assert plan.route("sip:9001555@h", WARD).destination == Refused(403, "Not from here")
    assert isinstance(plan.route("sip:0@h", WARD).destination, Refused)


def test_registrations_come_before_rooms_and_after_rules_and_menu() -> None:
    plan = router(rule("r", "exact", "2", value="9"), registered=["1", "2", "sip:3@h", "4"], menu=True,
                  access_numbers=frozenset({"4"}))  # fmt: skip
    assert plan.route("sip:1@h", HOME).destination == AliasDestination("1")
    assert plan.route("sip:2@h", HOME).destination == RoomDestination("9")
    assert plan.route("sip:3@h", HOME).destination == AliasDestination("sip:3@h")
    assert plan.route("sip:4@h", HOME).destination == MenuDestination()


def test_the_bare_address_leads_to_the_room_or_menu_of_the_settings() -> None:
    assert router(default_room="1000").route("sip:h", HOME).destination == RoomDestination("1000")
    assert router(menu=True).route("sip:h", HOME).destination == MenuDestination()


def test_every_step_has_a_sentence() -> None:
    assert set(SENTENCES) == set(StepKind)
