"""Fuzz target: rules of any kind, and addresses that are routed by them; what devices say of themselves."""

from __future__ import annotations

from pydantic import ValidationError

from gatekeeper.devices import identify
from gatekeeper.dialing import DialSettings, Refused, RoomDestination
from gatekeeper.explanation import explain
from gatekeeper.normalisation import DialHabits
from gatekeeper.number_plan import MatchKind, NumberPlan, PlanError, Rule, TargetKind
from gatekeeper.routing import Router
from gatekeeper.zones import Zone
from mcu.conference.text import normal_number
from mcu.gateway.call_description import endpoint_id
from mcu.gateway.plan_operations import dialled_uri

SEEDS = (
    b"(a|b)*c{2,3}(\\d+)\n{1}{2}\nacc12",
    b"0[2-4]XZ.\n5{1}*12\nsip:023199*4711@h;x=y",
    b"88\n{1}\n9 (010) 8888-1234",
    "急诊\n1000*77\nsip:%E6%80%A5%E8%AF%8A@h".encode(),
    b"dr.li@clinic.example\nsip:li@h\nsips:Dr.Li@clinic.example",
    b".*\n{0}\ntel:+49-30;phone-context=x",
)

_ZONES = (Zone(name="default"), Zone(name="ward", habits=DialHabits(country_code="86", outside_prefix="9")))


def fuzz_one(data: bytes) -> None:
    """A rule can be made or is refused; every call ends somewhere, in bounded steps, with its PIN kept to itself."""
    match, _, rest = data.decode("utf-8", "surrogateescape").partition("\n")
    value, _, dialled = rest.partition("\n")
    identify(dialled)
    endpoint_id(dialled)
    for kind in MatchKind:
        for target in (TargetKind.ROOM, TargetKind.REWRITE, TargetKind.PERSON):
            plan = _plan(kind, match, target, value)
            if plan is not None:
                router = Router(plan, DialSettings(menu=True), lambda alias: alias.startswith("4"))
                for uri in (dialled, f"sip:{dialled}@h", dialled_uri(dialled, "h")):
                    _route(router, uri)


def _plan(kind: MatchKind, match: str, target: TargetKind, value: str) -> NumberPlan | None:
    try:
        return NumberPlan([Rule(id="r", kind=kind, match=match, target=target, value=value)])
    except (PlanError, ValidationError):
        return None


def _route(router: Router, uri: str) -> None:
    for zone in _ZONES:
        routing = router.route(uri, zone)
        destination = routing.destination
        assert len(routing.steps) < 100 and explain(routing)
        if isinstance(destination, Refused):
            assert 400 <= destination.status < 500 and destination.reason
        elif isinstance(destination, RoomDestination):
            assert normal_number(destination.number) == destination.number
            assert destination.pin is None or destination.pin.isdigit()
