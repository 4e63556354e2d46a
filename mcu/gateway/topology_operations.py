"""HTTP operations for the watcher: alarms, and who is connected with what, zone by zone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from aiohttp import web

from gatekeeper.alarms import KnownAlarm
from gatekeeper.call_records import CallRecord
from gatekeeper.inventory import Endpoint, EndpointState
from gatekeeper.normalisation import Value
from gatekeeper.zones import Zone
from mcu.gateway.call_log import CallLog
from mcu.gateway.call_policy import CallPolicy
from mcu.ports import Operation

MAX_SHOWN = 60
"""Devices of one zone that are told one by one, those in calls and those with alarms first; a picture holds no more."""

MAX_CALLS = 500

_RANK = {
    EndpointState.IN_CALL: 1,
    EndpointState.UNREGISTERED: 2,
    EndpointState.REGISTERED: 3,
    EndpointState.SEEN: 4,
}


class AlarmList(Value):
    """What is wrong now, newest first, and what was, the last to end first. ``left_out``: more than are kept."""

    alarms: list[KnownAlarm]
    past: list[KnownAlarm]
    left_out: int


class DeviceNode(Value):
    """A device in the picture."""

    id: str
    name: str
    state: EndpointState
    alarms: list[str]


class ZoneNode(Value):
    """A zone in the picture, with its devices; ``more`` are not told one by one. Rates in bit/s."""

    name: str
    title: str
    calls: int
    rate: int
    total: int | None
    registered: int
    devices: list[DeviceNode]
    more: int


class CallEdge(Value):
    """A call that goes on. ``room`` is the number of its conference, "" where it is in none (the menu)."""

    id: str
    endpoint: str
    name: str
    kind: str
    zone: str
    room: str
    important: bool
    lowered: bool
    loss: float
    rate_received: int
    rate_sent: int


class Topology(Value):
    """Zones, their devices, and the calls that go on; ``more_calls`` are not told one by one."""

    zones: list[ZoneNode]
    calls: list[CallEdge]
    more_calls: int


class TopologyOperations:
    """Serves what is seen of a house from above. ``now`` is the time of day."""

    def __init__(self, policy: CallPolicy, log: CallLog, now: Callable[[], datetime]) -> None:
        self._policy = policy
        self._log = log
        self._now = now

    def operations(self) -> list[Operation]:
        """What this class serves."""
        tag = "endpoints"
        return [
            Operation("GET", "/alarms", self._alarms, "What is wrong now, and what was", response=AlarmList, tag=tag),
            Operation("GET", "/topology", self._topology, "Zones, their devices, and the calls that go on",
                      response=Topology, tag=tag),
        ]  # fmt: skip

    async def _alarms(self, request: web.Request) -> web.Response:
        book = self._log.alarms
        return _answer(AlarmList(alarms=book.current(), past=book.past(), left_out=book.left_out))

    async def _topology(self, request: web.Request) -> web.Response:
        calls = sorted(self._log.running(), key=lambda record: (not record.important, record.began_at))
        zones = self._policy.zones.zones
        devices: dict[str, list[Endpoint]] = {zone.name: [] for zone in zones}
        default = self._policy.zones.default.name
        for endpoint in self._log.inventory:
            devices.get(endpoint.zone, devices[default]).append(endpoint)
        return _answer(
            Topology(
                zones=[self._zone(zone, devices[zone.name]) for zone in zones],
                calls=[_edge(record) for record in calls[:MAX_CALLS]],
                more_calls=max(0, len(calls) - MAX_CALLS),
            )
        )

    def _zone(self, zone: Zone, endpoints: Iterable[Endpoint]) -> ZoneNode:
        now, inventory = self._now(), self._log.inventory
        stated = [(inventory.state_of(endpoint, now), endpoint) for endpoint in endpoints]
        here = [one for one in stated if one[0] is not EndpointState.SEEN or one[1].alarms]
        here.sort(key=lambda one: (not one[1].alarms, _RANK[one[0]], one[1].name or one[1].id))
        usage = self._policy.ledger.of_zone(zone.name)
        return ZoneNode(
            name=zone.name,
            title=zone.title,
            calls=usage.calls,
            rate=usage.rate,
            total=zone.budget.total,
            registered=sum(
                endpoint.registered_until is not None and endpoint.registered_until > now for _, endpoint in stated
            ),
            devices=[
                DeviceNode(
                    id=endpoint.id,
                    name=endpoint.name,
                    state=state,
                    alarms=[alarm.kind.value for alarm in endpoint.alarms],
                )
                for state, endpoint in here[:MAX_SHOWN]
            ],
            more=max(0, len(here) - MAX_SHOWN),
        )


def alarm_notice(alarm: KnownAlarm) -> dict[str, object]:
    """An alarm that was raised or is over, as accounts are told on the socket of events."""
    at = (alarm.until or alarm.since).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    kind = "alarm_raised" if alarm.until is None else "alarm_cleared"
    return {"type": kind, "at": at, "alarm": alarm.model_dump(mode="json")}


def _edge(record: CallRecord) -> CallEdge:
    received = sum(stream.packets_received for stream in record.streams)
    lost = sum(stream.packets_lost for stream in record.streams)
    return CallEdge(
        id=record.id,
        endpoint=record.endpoint,
        name=record.name,
        kind=record.kind,
        zone=record.zone,
        room=record.room or (record.destination[5:] if record.destination.startswith("room ") else ""),
        important=record.important,
        lowered=record.lowered != "",
        loss=round(lost / (received + lost), 5) if received + lost else 0.0,
        rate_received=sum(stream.rate_received for stream in record.streams),
        rate_sent=sum(stream.rate_sent for stream in record.streams),
    )


def _answer(view: Value) -> web.Response:
    return web.Response(text=view.model_dump_json(), content_type="application/json")
