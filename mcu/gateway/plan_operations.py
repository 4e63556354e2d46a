"""HTTP operations of the number plan: rules, zones, classes of devices, and the dry run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from gatekeeper.bandwidth import Refusing
from gatekeeper.dialing import AliasDestination, MenuDestination, Refused, RoomDestination, Routed
from gatekeeper.explanation import sentence
from gatekeeper.normalisation import MAX_DIALLED, Value
from gatekeeper.number_plan import Rule, RuleContent
from gatekeeper.zones import DeviceClass, DeviceClassContent, Name, Zone, ZoneContent
from mcu.conference.commands import AuditEntry, AuditLog
from mcu.gateway.call_policy import CallPolicy, DryRun, PolicyError
from mcu.ports import Operation, Problem, actor_of, body_of

THIS_SERVER = "localhost"
"""Stands for the server where no address of it was dialled, and it has no domain."""

_NAME: TypeAdapter[str] = TypeAdapter(Name)


class RuleList(Value):
    """The number plan, by id of its rules."""

    rules: list[Rule]


class ZoneView(Zone):
    """A zone, with what its calls use now in bit/s."""

    calls: int
    rate: int


class ZoneList(Value):
    """All zones, the default one among them."""

    zones: list[ZoneView]


class DeviceClassView(DeviceClass):
    """A class of devices, with what its calls use now in bit/s."""

    calls: int
    rate: int


class DeviceClassList(Value):
    """All classes of devices."""

    classes: list[DeviceClassView]


class DryRunRequest(Value):
    """A call to think through. ``address`` is what is dialled: a URI, or what is typed on a keypad.

    ``source`` is the caller's IP address, which tells its zone; ``zone`` names it instead. ``user_agent`` tells its
    class.
    """

    address: Annotated[str, Field(min_length=1, max_length=2 * MAX_DIALLED)]
    source: Annotated[str, Field(max_length=64)] = ""
    zone: Name | None = None
    user_agent: Annotated[str, Field(max_length=256)] = ""


class StepView(Value):
    """One step on the way: its kind, the words in it, and the whole as an English sentence."""

    kind: str
    values: dict[str, str]
    text: str


class DestinationView(Value):
    """Where it ends: ``room``, ``menu``, ``person``, ``endpoint`` or ``refused``; ``value`` is which, or the reason."""

    kind: str
    value: str
    status: int | None = None
    pin_given: bool = False


class BandwidthView(Value):
    """What the call would get, in bit/s. Not ``allowed``: it would be refused; ``shortage`` says why.

    ``lowered`` and ``ended``: how many other calls would give way to it, by smaller pictures or by their end.
    """

    allowed: bool
    wished: int
    picture: int
    shortage: str
    lowered: int = 0
    ended: int = 0


class DryRunView(Value):
    """What would become of the call, and why."""

    zone: str
    device_class: str | None
    destination: DestinationView
    important: bool
    rule: str | None
    bandwidth: BandwidthView | None
    steps: list[StepView]


class PlanOperations:
    """Serves the number plan; every change is audited. ``now`` is the time of day."""

    def __init__(self, policy: CallPolicy, audit: AuditLog, now: Callable[[], datetime]) -> None:
        self._policy = policy
        self._audit = audit
        self._now = now

    def operations(self) -> list[Operation]:
        """What this class serves."""
        tag = "number plan"
        return [
            Operation("GET", "/number-plan", self._rules, "The rules of the number plan", response=RuleList, tag=tag),
            Operation("PUT", "/number-plan/{id}", self._put_rule, "Make or replace a rule",
                      request=RuleContent, response=Rule, tag=tag, errors=(422,)),
            Operation("DELETE", "/number-plan/{id}", self._remove_rule, "Remove a rule",
                      status=204, tag=tag, errors=(404,)),
            Operation("POST", "/number-plan/dry-run", self._dry_run, "Where a call would go, and why",
                      request=DryRunRequest, response=DryRunView, tag=tag, errors=(422,)),
            Operation("GET", "/zones", self._zones, "Zones, and the bandwidth that they use",
                      response=ZoneList, tag=tag),
            Operation("PUT", "/zones/{name}", self._put_zone, "Make or replace a zone",
                      request=ZoneContent, response=ZoneView, tag=tag, errors=(422,)),
            Operation("DELETE", "/zones/{name}", self._remove_zone, "Remove a zone; the default one is only reset",
                      status=204, tag=tag, errors=(404, 422)),
            Operation("GET", "/device-classes", self._classes, "Classes of devices, and the bandwidth that they use",
                      response=DeviceClassList, tag=tag),
            Operation("PUT", "/device-classes/{name}", self._put_class, "Make or replace a class of devices",
                      request=DeviceClassContent, response=DeviceClassView, tag=tag, errors=(422,)),
            Operation("DELETE", "/device-classes/{name}", self._remove_class, "Remove a class of devices",
                      status=204, tag=tag, errors=(404,)),
        ]  # fmt: skip

    async def _rules(self, request: web.Request) -> web.Response:
        rules = sorted(self._policy.router.plan.rules, key=lambda rule: (rule.priority, rule.id))
        return _answer(RuleList(rules=rules))

    async def _put_rule(self, request: web.Request) -> web.Response:
        name = _named(request, "id")
        rule = Rule(id=name, **dict(body_of(request, RuleContent)))
        await self._change(request, "PutRule", name, lambda: self._policy.put_rule(rule))
        return _answer(rule)

    async def _remove_rule(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if not await self._policy.remove_rule(name):
            raise Problem(404, "No such rule", "The number plan has no rule with this id.", "unknown_rule")
        self._record(request, "RemoveRule", name, "done")
        return web.Response(status=204)

    async def _zones(self, request: web.Request) -> web.Response:
        return _answer(ZoneList(zones=[self._zone_view(zone) for zone in self._policy.zones.zones]))

    async def _put_zone(self, request: web.Request) -> web.Response:
        name = _named(request, "name")
        zone = Zone(name=name, **dict(body_of(request, ZoneContent)))
        await self._change(request, "PutZone", name, lambda: self._policy.put_zone(zone))
        return _answer(self._zone_view(zone))

    async def _remove_zone(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if self._policy.zones.named(name) is None:
            raise Problem(404, "No such zone", "There is no zone with this name.", "unknown_zone")
        await self._change(request, "RemoveZone", name, lambda: self._policy.remove_zone(name))
        return web.Response(status=204)

    async def _classes(self, request: web.Request) -> web.Response:
        return _answer(DeviceClassList(classes=[self._class_view(sort) for sort in self._policy.zones.classes]))

    async def _put_class(self, request: web.Request) -> web.Response:
        name = _named(request, "name")
        sort = DeviceClass(name=name, **dict(body_of(request, DeviceClassContent)))
        await self._change(request, "PutDeviceClass", name, lambda: self._policy.put_class(sort))
        return _answer(self._class_view(sort))

    async def _remove_class(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if not await self._policy.remove_class(name):
            raise Problem(404, "No such class", "There is no class of devices with this name.", "unknown_class")
        self._record(request, "RemoveDeviceClass", name, "done")
        return web.Response(status=204)

    async def _dry_run(self, request: web.Request) -> web.Response:
        body = body_of(request, DryRunRequest)
        try:
            domain = min(self._policy.router.dialing.domains, default=THIS_SERVER)
            found = self._policy.try_out(dialled_uri(body.address, domain), body.source, body.zone, body.user_agent)
        except PolicyError as error:
            raise _invalid(error) from error
        return _answer(dry_run_view(found))

    async def _change(
        self, request: web.Request, action: str, subject: str, change: Callable[[], Awaitable[object]]
    ) -> None:
        """Carry a change out, and audit it. Raises Problem."""
        try:
            await change()
        except PolicyError as error:
            self._record(request, action, subject, "invalid")
            raise _invalid(error) from error
        self._record(request, action, subject, "done")

    def _record(self, request: web.Request, action: str, subject: str, outcome: str) -> None:
        self._audit.record(AuditEntry(self._now(), actor_of(request), action, subject, "", outcome))

    def _zone_view(self, zone: Zone) -> ZoneView:
        usage = self._policy.ledger.of_zone(zone.name)
        return ZoneView(**dict(zone), calls=usage.calls, rate=usage.rate)

    def _class_view(self, sort: DeviceClass) -> DeviceClassView:
        usage = self._policy.ledger.of_class(sort.name)
        return DeviceClassView(**dict(sort), calls=usage.calls, rate=usage.rate)


def dialled_uri(address: str, domain: str) -> str:
    """What a person types as an address: a URI stays, anything else is taken for what is dialled at ``domain``."""
    text = address.strip()
    scheme = text.partition(":")[0].casefold()
    if scheme in ("sip", "sips", "tel"):
        return text
    user, _, host = text.rpartition("@") if "@" in text else (text, "", "")
    # As devices do: what a URI cannot hold is escaped (RFC 3261 section 19.1.2).
    escaped = "".join(
        character if character.isascii() and (character.isalnum() or character in "-_.!~*'()+") else
        "".join(f"%{octet:02X}" for octet in character.encode("utf-8", "replace"))
        for character in user
    )  # fmt: skip
    return f"sip:{escaped}@{host or domain}" if user else f"sip:{host or domain}"


def dry_run_view(found: DryRun) -> DryRunView:
    """The dry run as it is shown; a PIN in it is not."""
    bandwidth = None
    if isinstance(found.routing.destination, RoomDestination) and found.granted is not None:
        granted = found.granted
        if isinstance(granted, Refusing):
            bandwidth = BandwidthView(allowed=False, wished=found.wished, picture=0, shortage=str(granted.shortage))
        else:
            shortage = "" if granted.shortage is None else str(granted.shortage)
            bandwidth = BandwidthView(
                allowed=True,
                wished=found.wished,
                picture=granted.picture,
                shortage=shortage,
                lowered=len(granted.lowered),
                ended=len(granted.ended),
            )
    return DryRunView(
        zone=found.zone.name,
        device_class=None if found.device_class is None else found.device_class.name,
        destination=_destination_view(found.routing.destination),
        important=found.routing.is_important,
        rule=found.routing.rule,
        bandwidth=bandwidth,
        steps=[
            StepView(kind=step.kind.value, values=dict(step.values), text=sentence(step))
            for step in found.routing.steps
        ],
    )


def _destination_view(destination: Routed) -> DestinationView:
    match destination:
        case RoomDestination(number=number, pin=pin):
            return DestinationView(kind="room", value=number, pin_given=pin is not None)
        case AliasDestination(alias=alias, is_person=is_person):
            return DestinationView(kind="person" if is_person else "endpoint", value=alias)
        case MenuDestination():
            return DestinationView(kind="menu", value="")
        case Refused(status=status, reason=reason):
            return DestinationView(kind="refused", value=reason, status=status)


def _named(request: web.Request, part: str) -> str:
    try:
        return _NAME.validate_python(request.match_info[part])
    except ValidationError:
        raise _invalid("A name has 1 to 64 letters, digits, dots, hyphens and underscores.") from None


def _invalid(error: object) -> Problem:
    return Problem(422, "Invalid value", str(error), "invalid")


def _answer(view: BaseModel) -> web.Response:
    return web.Response(text=view.model_dump_json(), content_type="application/json")
