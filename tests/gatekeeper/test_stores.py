"""One suite for all that keep the gatekeeper's tables."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from consilium.gatekeeper_tables import CallRecordTable, EndpointTable, PlanTables
from gatekeeper.call_records import CallRecord, StreamRecord
from gatekeeper.inventory import Alarm, AlarmKind, Endpoint
from gatekeeper.number_plan import MatchKind, Rule, TargetKind
from gatekeeper.stores import (
    CallRecordStore,
    EndpointStore,
    MemoryCallRecords,
    MemoryEndpoints,
    MemoryPlan,
    PlanStore,
)
from gatekeeper.zones import Budget, DeviceClass, Zone
from mcu.control.database import Database

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


@dataclass
class Stores:
    plan: PlanStore
    endpoints: EndpointStore
    calls: CallRecordStore


@pytest.fixture(params=["memory", "sqlite"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    if request.param == "memory":
        yield Stores(MemoryPlan(), MemoryEndpoints(), MemoryCallRecords())
        return
    database = await Database.open(tmp_path / "consilium.db")
    yield Stores(PlanTables(database), EndpointTable(database), CallRecordTable(database))
    await database.close()


def rule(name: str, match: str = "1000") -> Rule:
    return Rule(id=name, kind=MatchKind.EXACT, match=match, target=TargetKind.ROOM, value="1")


def call(
    record_id: str, minutes: float, endpoint: str = "a@h", length: float | None = 10, **fields: object
) -> CallRecord:
    began = NOON + timedelta(minutes=minutes)
    ended = None if length is None else began + timedelta(minutes=length)
    return CallRecord.model_validate(
        {"id": record_id, "endpoint": endpoint, "began_at": began, "answered_at": began, "ended_at": ended, **fields}
    )


async def test_rules_zones_and_classes_are_kept_replaced_and_removed(stores: Stores) -> None:
    plan = stores.plan
    await plan.put_rule(rule("b"))
    await plan.put_rule(rule("a"))
    await plan.put_rule(rule("b", "急诊"))
    assert await plan.rules() == [rule("a"), rule("b", "急诊")]
    assert await plan.remove_rule("a") and not await plan.remove_rule("a")
    zone = Zone(name="theatre", title="手术部", networks=("10.1.0.0/16",), budget=Budget(total=10_000_000))
    await plan.put_zone(zone)
    assert await plan.zones() == [zone] and await plan.remove_zone("theatre") and await plan.zones() == []
    sort = DeviceClass(name="carts", products=("VC800",))
    await plan.put_class(sort)
    assert await plan.classes() == [sort] and await plan.remove_class("carts") and not await plan.remove_class("x")


async def test_endpoints_are_kept_with_their_alarms(stores: Stores) -> None:
    alarm = Alarm(kind=AlarmKind.LOSS, since=NOON, figure=0.07)
    one = Endpoint(id="a@h", first_seen=NOON, last_seen=NOON, alarms=(alarm,), codecs=("H264",))
    two = Endpoint(id="b@h", first_seen=NOON, last_seen=NOON, registered_until=NOON)
    await stores.endpoints.save_endpoints([two, one], [])
    assert await stores.endpoints.endpoints() == [one, two]
    await stores.endpoints.save_endpoints([one.model_copy(update={"name": "x"})], ["b@h", "never"])
    assert [(each.id, each.name) for each in await stores.endpoints.endpoints()] == [("a@h", "x")]


async def test_calls_come_newest_first_and_by_pages(stores: Stores) -> None:
    for number in range(5):
        await stores.calls.save_call(call(f"c{number}", number, "a@h" if number % 2 else "b@h"))
    newest = await stores.calls.calls(2)
    assert [each.id for each in newest] == ["c4", "c3"]
    assert [each.id for each in await stores.calls.calls(9, before=newest[-1].began_at)] == ["c2", "c1", "c0"]
    assert [each.id for each in await stores.calls.calls(9, endpoint="a@h")] == ["c3", "c1"]


async def test_a_record_comes_back_whole_and_is_replaced(stores: Stores) -> None:
    stream = StreamRecord(codec_sent="H264", packets_received=100, packets_lost=1, jitter_ms=2.5)
    before = call("c", 0, length=None, video=stream, name="手术室 2", lowered="zone x has little left", status=None)
    await stores.calls.save_call(before)
    after = before.model_copy(update={"ended_at": NOON + timedelta(hours=1), "reason": "left"})
    await stores.calls.save_call(after)
    assert await stores.calls.calls(9) == [after]


async def test_use_is_added_up_by_endpoint(stores: Stores) -> None:
    stream = StreamRecord(packets_received=90, packets_lost=10)
    await stores.calls.save_call(call("c1", 0, "a@h", 10, audio=stream, video=stream))
    await stores.calls.save_call(call("c2", 1, "a@h", 5))
    await stores.calls.save_call(call("c3", 2, "b@h", 1))
    await stores.calls.save_call(call("c4", 3, "b@h", 1, answered_at=None))
    await stores.calls.save_call(call("old", -600, "b@h", 60))
    first, second = await stores.calls.use(NOON, NOON + timedelta(hours=1))
    assert (first.endpoint, first.calls, first.answered, first.seconds) == ("a@h", 2, 2, 900)
    assert (first.packets, first.lost, first.loss) == (180, 20, 0.1)
    assert (second.endpoint, second.calls, second.answered, second.seconds, second.loss) == ("b@h", 2, 1, 60, 0)


async def test_failures_of_each_endpoint_are_counted(stores: Stores) -> None:
    for number, reason in enumerate(("left", "failed", "refused", "silent", "kicked", "")):
        await stores.calls.save_call(call(f"c{number}", number, reason=reason))
    (use,) = await stores.calls.use(NOON, NOON + timedelta(hours=1))
    assert (use.calls, use.failed) == (6, 3)


async def test_the_calls_of_a_span_are_told_page_by_page_oldest_first(stores: Stores) -> None:
    for number in range(6):
        await stores.calls.save_call(call(f"c{number}", number // 2, "a@h" if number % 3 else "b@h"))
    since, until = NOON + timedelta(minutes=1), NOON + timedelta(minutes=3)
    first = await stores.calls.calls_of_span(since, until, 3)
    assert [each.id for each in first] == ["c2", "c3", "c4"]
    rest = await stores.calls.calls_of_span(since, until, 3, after=first[-1])
    assert [each.id for each in rest] == ["c5"]
    assert await stores.calls.calls_of_span(since, until, 3, after=rest[-1]) == []
    assert [each.id for each in await stores.calls.calls_of_span(since, until, 9, endpoint="b@h")] == ["c3"]


async def test_spans_may_be_given_in_the_time_of_any_place(stores: Stores) -> None:
    await stores.calls.save_call(call("c1", 0))
    shanghai = timezone(timedelta(hours=8))
    since = (NOON - timedelta(hours=1)).astimezone(shanghai)
    assert len(await stores.calls.use(since, since + timedelta(hours=2))) == 1
    assert await stores.calls.use(since - timedelta(hours=2), since) == []
    assert len(await stores.calls.calls_of_span(since, since + timedelta(hours=2), 9)) == 1
    assert await stores.calls.calls(9, before=since) == []


async def test_calls_left_open_by_a_crash_are_closed_and_count_no_time(stores: Stores) -> None:
    await stores.calls.save_call(call("open", 0, length=None))
    await stores.calls.save_call(call("done", 1))
    assert await stores.calls.close_open_calls(NOON + timedelta(days=1), "server_stopped") == 1
    assert await stores.calls.close_open_calls(NOON, "server_stopped") == 0
    found = {each.id: each for each in await stores.calls.calls(9)}
    assert found["open"].reason == "server_stopped" and found["open"].seconds == 0
    assert found["done"].seconds == 600


async def test_old_calls_are_removed(stores: Stores) -> None:
    for number in range(4):
        await stores.calls.save_call(call(f"c{number}", number))
    assert await stores.calls.remove_calls_before(NOON + timedelta(minutes=2)) == 2
    assert [each.id for each in await stores.calls.calls(9)] == ["c3", "c2"]
