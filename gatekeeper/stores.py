"""Where the gatekeeper's tables are kept: the seam, and the implementation that lasts as long as the process."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from gatekeeper.call_records import FAILURES, CallRecord, DeviceUse
from gatekeeper.inventory import Endpoint
from gatekeeper.number_plan import Rule
from gatekeeper.zones import DeviceClass, Zone


class PlanStore(Protocol):
    """Keeps rules, zones and device classes. ``put_…`` makes or replaces; ``remove_…`` tells whether there was one."""

    async def rules(self) -> list[Rule]:
        """All rules, by id."""

    async def put_rule(self, rule: Rule) -> None: ...
    async def remove_rule(self, rule_id: str) -> bool: ...

    async def zones(self) -> list[Zone]:
        """All zones, by name."""

    async def put_zone(self, zone: Zone) -> None: ...
    async def remove_zone(self, name: str) -> bool: ...

    async def classes(self) -> list[DeviceClass]:
        """All device classes, by name."""

    async def put_class(self, sort: DeviceClass) -> None: ...
    async def remove_class(self, name: str) -> bool: ...


class EndpointStore(Protocol):
    """Keeps the inventory."""

    async def endpoints(self) -> list[Endpoint]:
        """All endpoints, by id."""

    async def save_endpoints(self, changed: Iterable[Endpoint], forgotten: Iterable[str]) -> None:
        """Write down what changed, all of it or nothing."""


class CallRecordStore(Protocol):
    """Keeps call records."""

    async def save_call(self, record: CallRecord) -> None:
        """Keep a record, or replace the one with its id."""

    async def calls(
        self, count: int, *, endpoint: str | None = None, before: datetime | None = None
    ) -> list[CallRecord]:
        """The newest records, newest first: of one endpoint, and that began before a time, where given."""

    async def calls_of_span(
        self,
        since: datetime,
        until: datetime,
        count: int,
        *,
        endpoint: str | None = None,
        after: CallRecord | None = None,
    ) -> list[CallRecord]:
        """Calls that began in this span, oldest first: the first so many, or those that come ``after`` one of them."""

    async def use(self, since: datetime, until: datetime) -> list[DeviceUse]:
        """How much each endpoint was used by the calls that began in this span, most used first."""

    async def close_open_calls(self, at: datetime, reason: str) -> int:
        """End the records of calls that a server that died has left open; how many there were."""

    async def remove_calls_before(self, time: datetime) -> int:
        """Remove records of calls that began earlier; how many there were."""


class MemoryPlan:
    """``PlanStore`` in memory."""

    def __init__(self) -> None:
        self._rules: dict[str, Rule] = {}
        self._zones: dict[str, Zone] = {}
        self._classes: dict[str, DeviceClass] = {}

    async def rules(self) -> list[Rule]:
        return [rule for _, rule in sorted(self._rules.items())]

    async def put_rule(self, rule: Rule) -> None:
        self._rules[rule.id] = rule

    async def remove_rule(self, rule_id: str) -> bool:
        return self._rules.pop(rule_id, None) is not None

    async def zones(self) -> list[Zone]:
        return [zone for _, zone in sorted(self._zones.items())]

    async def put_zone(self, zone: Zone) -> None:
        self._zones[zone.name] = zone

    async def remove_zone(self, name: str) -> bool:
        return self._zones.pop(name, None) is not None

    async def classes(self) -> list[DeviceClass]:
        return [sort for _, sort in sorted(self._classes.items())]

    async def put_class(self, sort: DeviceClass) -> None:
        self._classes[sort.name] = sort

    async def remove_class(self, name: str) -> bool:
        return self._classes.pop(name, None) is not None


class MemoryEndpoints:
    """``EndpointStore`` in memory."""

    def __init__(self) -> None:
        self._endpoints: dict[str, Endpoint] = {}

    async def endpoints(self) -> list[Endpoint]:
        return [endpoint for _, endpoint in sorted(self._endpoints.items())]

    async def save_endpoints(self, changed: Iterable[Endpoint], forgotten: Iterable[str]) -> None:
        for name in forgotten:
            self._endpoints.pop(name, None)
        for endpoint in changed:
            self._endpoints[endpoint.id] = endpoint


class MemoryCallRecords:
    """``CallRecordStore`` in memory."""

    def __init__(self) -> None:
        self._records: dict[str, CallRecord] = {}

    async def save_call(self, record: CallRecord) -> None:
        self._records[record.id] = record

    async def calls(
        self, count: int, *, endpoint: str | None = None, before: datetime | None = None
    ) -> list[CallRecord]:
        wanted = [
            record
            for record in self._records.values()
            if (endpoint is None or record.endpoint == endpoint) and (before is None or record.began_at < before)
        ]
        return sorted(wanted, key=lambda record: (record.began_at, record.id), reverse=True)[:count]

    async def calls_of_span(
        self,
        since: datetime,
        until: datetime,
        count: int,
        *,
        endpoint: str | None = None,
        after: CallRecord | None = None,
    ) -> list[CallRecord]:
        wanted = [
            record
            for record in self._records.values()
            if since <= record.began_at < until
            and (endpoint is None or record.endpoint == endpoint)
            and (after is None or (record.began_at, record.id) > (after.began_at, after.id))
        ]
        return sorted(wanted, key=lambda record: (record.began_at, record.id))[:count]

    async def use(self, since: datetime, until: datetime) -> list[DeviceUse]:
        found: dict[str, list[CallRecord]] = {}
        for record in self._records.values():
            if since <= record.began_at < until:
                found.setdefault(record.endpoint, []).append(record)
        uses = [
            DeviceUse(
                endpoint=endpoint,
                calls=len(records),
                answered=sum(record.answered_at is not None for record in records),
                failed=sum(record.reason in FAILURES for record in records),
                seconds=sum(record.seconds for record in records),
                packets=sum(stream.packets_received for record in records for stream in record.streams),
                lost=sum(stream.packets_lost for record in records for stream in record.streams),
            )
            for endpoint, records in found.items()
        ]
        return sorted(uses, key=lambda use: (-use.seconds, use.endpoint))

    async def close_open_calls(self, at: datetime, reason: str) -> int:
        left = [record for record in self._records.values() if record.ended_at is None]
        for record in left:
            self._records[record.id] = closed(record, at, reason)
        return len(left)

    async def remove_calls_before(self, time: datetime) -> int:
        old = [record.id for record in self._records.values() if record.began_at < time]
        for name in old:
            del self._records[name]
        return len(old)


def closed(record: CallRecord, at: datetime, reason: str) -> CallRecord:
    """A record that was left open, ended. When the call really ended nobody knows, so it counts no time after that."""
    return record.model_copy(update={"ended_at": record.answered_at or min(at, record.began_at), "reason": reason})
