"""The gatekeeper's tables in SQLite: rules, zones, device classes, endpoints, call records."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, TypeVar

from gatekeeper.call_records import FAILURES, CallRecord, DeviceUse
from gatekeeper.inventory import Endpoint
from gatekeeper.normalisation import Value
from gatekeeper.number_plan import Rule
from gatekeeper.stores import closed
from gatekeeper.zones import DeviceClass, Zone
from mcu.control.database import Database

_Document = TypeVar("_Document", bound=Value)

_KEYS: Final = {"number_rule": "id", "zone": "name", "device_class": "name"}


class PlanTables:
    """``gatekeeper.stores.PlanStore`` in SQLite, one JSON document a row: read all at once and never searched."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rules(self) -> list[Rule]:
        return await self._all("number_rule", Rule)

    async def put_rule(self, rule: Rule) -> None:
        await self._put("number_rule", rule.id, rule)

    async def remove_rule(self, rule_id: str) -> bool:
        return await self._remove("number_rule", rule_id)

    async def zones(self) -> list[Zone]:
        return await self._all("zone", Zone)

    async def put_zone(self, zone: Zone) -> None:
        await self._put("zone", zone.name, zone)

    async def remove_zone(self, name: str) -> bool:
        return await self._remove("zone", name)

    async def classes(self) -> list[DeviceClass]:
        return await self._all("device_class", DeviceClass)

    async def put_class(self, sort: DeviceClass) -> None:
        await self._put("device_class", sort.name, sort)

    async def remove_class(self, name: str) -> bool:
        return await self._remove("device_class", name)

    async def _all(self, table: str, model: type[_Document]) -> list[_Document]:
        def work(connection: sqlite3.Connection) -> list[_Document]:
            rows = connection.execute(f"SELECT document FROM {table} ORDER BY {_KEYS[table]}")
            return [model.model_validate_json(document) for (document,) in rows]

        return await self._database.read(work)

    async def _put(self, table: str, key: str, value: Value) -> None:
        def work(connection: sqlite3.Connection) -> None:
            connection.execute(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", (key, value.model_dump_json()))

        await self._database.write(work)

    async def _remove(self, table: str, key: str) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            return connection.execute(f"DELETE FROM {table} WHERE {_KEYS[table]} = ?", (key,)).rowcount == 1

        return await self._database.write(work)


class EndpointTable:
    """``gatekeeper.stores.EndpointStore`` in SQLite."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def endpoints(self) -> list[Endpoint]:
        def work(connection: sqlite3.Connection) -> list[Endpoint]:
            rows = connection.execute("SELECT document FROM endpoint ORDER BY id")
            return [Endpoint.model_validate_json(document) for (document,) in rows]

        return await self._database.read(work)

    async def save_endpoints(self, changed: Iterable[Endpoint], forgotten: Iterable[str]) -> None:
        removed = [(name,) for name in forgotten]
        rows = [(each.id, _time(each.last_seen), each.model_dump_json()) for each in changed]

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM endpoint WHERE id = ?", removed)
            connection.executemany("INSERT OR REPLACE INTO endpoint VALUES (?, ?, ?)", rows)

        await self._database.write(work)


class CallRecordTable:
    """``gatekeeper.stores.CallRecordStore`` in SQLite; what is added up stands in columns of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save_call(self, record: CallRecord) -> None:
        await self._database.write(lambda connection: _save(connection, record))

    async def calls(
        self, count: int, *, endpoint: str | None = None, before: datetime | None = None
    ) -> list[CallRecord]:
        conditions, values = ["1"], []
        if endpoint is not None:
            conditions.append("endpoint = ?")
            values.append(endpoint)
        if before is not None:
            conditions.append("began_at < ?")
            values.append(_time(before))
        statement = (
            f"SELECT document FROM call_record WHERE {' AND '.join(conditions)} ORDER BY began_at DESC, id DESC LIMIT ?"
        )

        def work(connection: sqlite3.Connection) -> list[CallRecord]:
            return [CallRecord.model_validate_json(text) for (text,) in connection.execute(statement, (*values, count))]

        return await self._database.read(work)

    async def calls_of_span(
        self,
        since: datetime,
        until: datetime,
        count: int,
        *,
        endpoint: str | None = None,
        after: CallRecord | None = None,
    ) -> list[CallRecord]:
        conditions, values = ["began_at >= ?", "began_at < ?"], [_time(since), _time(until)]
        if endpoint is not None:
            conditions.append("endpoint = ?")
            values.append(endpoint)
        if after is not None:
            conditions.append("(began_at, id) > (?, ?)")
            values += [_time(after.began_at), after.id]
        statement = f"SELECT document FROM call_record WHERE {' AND '.join(conditions)} ORDER BY began_at, id LIMIT ?"

        def work(connection: sqlite3.Connection) -> list[CallRecord]:
            return [CallRecord.model_validate_json(text) for (text,) in connection.execute(statement, (*values, count))]

        return await self._database.read(work)

    async def use(self, since: datetime, until: datetime) -> list[DeviceUse]:
        def work(connection: sqlite3.Connection) -> list[DeviceUse]:
            rows = connection.execute(
                "SELECT endpoint, COUNT(*), COUNT(document ->> '$.answered_at'),"
                f" SUM(document ->> '$.reason' IN ({', '.join('?' * len(FAILURES))})),"
                " SUM(seconds), SUM(packets), SUM(lost) FROM call_record WHERE began_at >= ? AND began_at < ?"
                " GROUP BY endpoint ORDER BY SUM(seconds) DESC, endpoint",
                (*FAILURES, _time(since), _time(until)),
            )
            names = ("endpoint", "calls", "answered", "failed", "seconds", "packets", "lost")
            return [DeviceUse.model_validate(dict(zip(names, row, strict=True))) for row in rows]

        return await self._database.read(work)

    async def close_open_calls(self, at: datetime, reason: str) -> int:
        def work(connection: sqlite3.Connection) -> int:
            rows = connection.execute("SELECT document FROM call_record WHERE ended_at IS NULL").fetchall()
            for (text,) in rows:
                _save(connection, closed(CallRecord.model_validate_json(text), at, reason))
            return len(rows)

        return await self._database.write(work)

    async def remove_calls_before(self, time: datetime) -> int:
        def work(connection: sqlite3.Connection) -> int:
            return connection.execute("DELETE FROM call_record WHERE began_at < ?", (_time(time),)).rowcount

        return await self._database.write(work)


def _save(connection: sqlite3.Connection, record: CallRecord) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO call_record (id, endpoint, began_at, ended_at, seconds, packets, lost, document)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            record.id,
            record.endpoint,
            _time(record.began_at),
            None if record.ended_at is None else _time(record.ended_at),
            record.seconds,
            sum(stream.packets_received for stream in record.streams),
            sum(stream.packets_lost for stream in record.streams),
            record.model_dump_json(),
        ),
    )


def _time(time: datetime) -> str:
    """All in UTC and with microseconds, so that texts sort as times do."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")
