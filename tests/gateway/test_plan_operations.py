"""The number plan, zones, inventory and call records over HTTP."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from consilium.gatekeeper_tables import CallRecordTable, EndpointTable, PlanTables
from gatekeeper.bandwidth import Refusing
from gatekeeper.dialing import DialSettings
from gatekeeper.inventory import Registration, Sighting
from mcu.conference.door.hashing import Cost, Hasher
from mcu.conference.manager import ConferenceManager
from mcu.conference.settings import ConferenceSettings
from mcu.control.accounts import Accounts
from mcu.control.application import make_application
from mcu.control.audit import AuditTable
from mcu.control.database import Database
from mcu.control.room_table import RoomTable
from mcu.control.settings import ControlSettings
from mcu.gateway.call_admission import CallAdmission
from mcu.gateway.call_description import Peer
from mcu.gateway.call_log import CallLog
from mcu.gateway.call_policy import CallPolicy
from mcu.gateway.endpoint_operations import MAX_PAGE, EndpointOperations
from mcu.gateway.plan_operations import PlanOperations
from mcu.gateway.topology_operations import MAX_SHOWN, TopologyOperations, alarm_notice
from mcu.media.facts import LegStatistics
from tests.fakes.media import FakeMedia, room_leg
from tests.fakes.time import FakeTime

PASSWORD = "Correct-Horse-7"


@dataclass
class Api:
    """A client that is logged in, and what is behind the API."""

    client: Any
    admission: CallAdmission
    log: CallLog
    time: FakeTime
    audit: AuditTable

    async def call(self, method: str, path: str, body: object = None, status: int = 200) -> Any:
        async with self.client.request(method, f"/api/v1{path}", json=body) as answer:
            assert answer.status == status, await answer.text()
            return None if status == 204 else await answer.json()


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    time, media, ids = FakeTime(), FakeMedia(), itertools.count(1)
    database = await Database.open(tmp_path / "consilium.db")
    hasher, audit = Hasher(Cost(log_n=4)), AuditTable(database)
    accounts = Accounts(database, hasher, time.clock, audit)
    manager = ConferenceManager(media, ConferenceSettings(), time.clock, lambda: "id", RoomTable(database),
                                pin_hasher=Hasher(Cost(log_n=4)))  # fmt: skip
    records = CallRecordTable(database)
    policy = CallPolicy(PlanTables(database), DialSettings(), 2_000_000)
    log = CallLog(EndpointTable(database), records, time.clock, lambda: f"r{next(ids)}", retention=timedelta(days=30))
    await policy.load()
    operations = [
        *PlanOperations(policy, audit, time.wall).operations(),
        *EndpointOperations(log, records, time.wall).operations(),
        *TopologyOperations(policy, log, time.wall).operations(),
    ]
    application = make_application(manager, accounts, operations, ControlSettings(), time.clock)
    await accounts.create("doctor", PASSWORD)
    login = await accounts.login("doctor", PASSWORD, "127.0.0.1")
    headers = {"Authorization": f"Bearer {login.token}"}
    async with TestClient(TestServer(application), headers=headers) as client:
        yield Api(client, CallAdmission(policy, log), log, time, audit)
    await manager.close()
    hasher.close()
    await database.close()


async def test_nobody_without_an_account_gets_any_of_it(api: Api) -> None:
    for path in ("/number-plan", "/zones", "/device-classes", "/endpoints", "/call-records", "/call-records/use"):
        async with api.client.get(f"/api/v1{path}", headers={"Authorization": "Bearer nonsense"}) as answer:
            assert answer.status == 401, path


async def test_rules_are_made_replaced_listed_and_removed_and_that_is_audited(api: Api) -> None:
    rule = {"kind": "exact", "match": "急诊", "target": "room", "value": "1000", "important": True}
    assert (await api.call("PUT", "/number-plan/er", rule))["id"] == "er"
    await api.call("PUT", "/number-plan/er", {**rule, "priority": 5})
    await api.call("PUT", "/number-plan/first", {**rule, "priority": 1})
    rules = (await api.call("GET", "/number-plan"))["rules"]
    assert [(one["id"], one["priority"]) for one in rules] == [("first", 1), ("er", 5)]
    await api.call("DELETE", "/number-plan/er", status=204)
    assert (await api.call("DELETE", "/number-plan/er", status=404))["code"] == "unknown_rule"
    entries = [(entry.action, entry.subject, entry.outcome) for entry in await api.audit.newest(4)]
    assert entries[0] == ("RemoveRule", "er", "done") and entries[1] == ("PutRule", "first", "done")


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/number-plan/x", {"kind": "expression", "match": "(a", "target": "room", "value": "1"}, "invalid"),
        ("/number-plan/x", {"kind": "exact", "match": "1", "target": "room"}, "invalid"),
        ("/number-plan/x", {"kind": "exact", "match": "1", "target": "room", "value": "1", "zones": ["no"]}, "invalid"),
        ("/number-plan/x", {"kind": "odd", "match": "1", "target": "room", "value": "1"}, "invalid_body"),
        ("/number-plan/a%20b", {"kind": "exact", "match": "1", "target": "room", "value": "1"}, "invalid"),
        ("/zones/x", {"networks": ["10.0.0.0/99"]}, "invalid_body"),
        ("/zones/x", {"budget": {"total": 1, "reserved": 2}}, "invalid_body"),
        ("/zones/x", {"budget": {"total": -1}}, "invalid_body"),
        ("/device-classes/x", {"products": [""]}, "invalid_body"),
    ],
)
async def test_entries_that_cannot_be_are_refused(api: Api, path: str, body: object, code: str) -> None:
    assert (await api.call("PUT", path, body, 422))["code"] == code
    assert (await api.call("GET", "/number-plan"))["rules"] == []


async def test_zones_and_classes_show_what_is_used(api: Api) -> None:
    await api.call("PUT", "/zones/ward", {"networks": ["10.1.0.0/16"], "budget": {"total": 5_000_000}})
    await api.call("PUT", "/device-classes/carts", {"products": ["VC800"]})
    api.admission.adopt("c", Peer("sip:a@h", "10.1.2.3", user_agent="Yealink VC800"))
    api.admission.negotiated("c", room_leg("p"))
    zones = {zone["name"]: zone for zone in (await api.call("GET", "/zones"))["zones"]}
    assert set(zones) == {"default", "ward"} and zones["ward"]["calls"] == 1 and zones["ward"]["rate"] > 64_000
    (sort,) = (await api.call("GET", "/device-classes"))["classes"]
    assert sort["calls"] == 1
    await api.call("DELETE", "/device-classes/carts", status=204)
    await api.call("DELETE", "/zones/ward", status=204)
    await api.call("DELETE", "/zones/default", status=204)
    assert (await api.call("DELETE", "/zones/ward", status=404))["code"] == "unknown_zone"
    assert [zone["name"] for zone in (await api.call("GET", "/zones"))["zones"]] == ["default"]


async def test_the_dry_run_tells_where_and_why_and_books_nothing(api: Api) -> None:
    await api.call("PUT", "/zones/ward", {"networks": ["10.1.0.0/16"], "budget": {"total": 1_000_000, "least": 1}})
    await api.call("PUT", "/number-plan/old", {"kind": "prefix", "match": "88", "target": "rewrite", "value": "{1}"})
    answer = await api.call("POST", "/number-plan/dry-run", {"address": "８８ 1000*4711", "source": "10.1.2.3"})
    assert answer["destination"] == {"kind": "room", "value": "1000", "status": None, "pin_given": True}
    assert [step["kind"] for step in answer["steps"]] == [
        "dialled", "zone", "spelling", "rule", "rewritten", "no_rule", "pin", "room",
    ]  # fmt: skip
    assert "4711" not in str(answer) and answer["zone"] == "ward" and answer["rule"] == "old"
    assert answer["bandwidth"]["allowed"] and answer["bandwidth"]["picture"] == 936_000
    assert (await api.call("GET", "/zones"))["zones"][1]["calls"] == 0
    refused = await api.call("POST", "/number-plan/dry-run", {"address": "mailto:x@y"})
    assert refused["destination"]["kind"] == "room" or refused["destination"]["status"] in (404, 416)
    assert (await api.call("POST", "/number-plan/dry-run", {"address": "1", "zone": "no"}, 422))["code"] == "invalid"


async def test_endpoints_are_shown_with_their_state_and_forgotten(api: Api) -> None:
    api.log.inventory.saw("4001", Sighting(name="手术室", user_agent="Huawei TE40 V100R001C10"), api.time.wall())
    (endpoint,) = (await api.call("GET", "/endpoints"))["endpoints"]
    assert (endpoint["maker"], endpoint["state"], endpoint["name"]) == ("Huawei", "seen", "手术室")
    await api.call("DELETE", "/endpoints/4001", status=204)
    assert (await api.call("DELETE", "/endpoints/4001", status=404))["code"] == "unknown_endpoint"


async def test_call_records_come_by_pages_with_the_running_one_first(api: Api) -> None:
    for number in range(3):
        api.admission.adopt(f"c{number}", Peer("sip:a@h", "10.1.2.3", "Cart"))
        api.admission.negotiated(f"c{number}", room_leg(f"p{number}"))
        api.time.advance(60)
        if number < 2:
            api.admission.ended(f"c{number}", "left")
            await api.log.save()
    page = await api.call("GET", "/call-records?count=2")
    assert [call["id"] for call in page["calls"]] == ["r3", "r2"] and page["more"]
    assert page["calls"][0]["ended_at"] is None and page["calls"][0]["duration"] == 60
    rest = await api.call("GET", f"/call-records?before={page['calls'][-1]['began_at'].replace('+', '%2B')}")
    assert [call["id"] for call in rest["calls"]] == ["r1"] and not rest["more"]
    assert (await api.call("GET", "/call-records?endpoint=b@h"))["calls"] == []
    use = await api.call("GET", "/call-records/use")
    assert [(one["endpoint"], one["name"], one["calls"], one["seconds"]) for one in use["devices"]] == [
        ("a@h", "Cart", 2, 120)
    ]


@pytest.mark.parametrize("query", ["count=0", "count=501", "count=x", "before=yesterday", "before=2026-01-01T00:00:00"])
async def test_odd_queries_are_refused(api: Api, query: str) -> None:
    assert (await api.call("GET", f"/call-records?{query}", status=422))["code"] == "invalid"


async def _table(api: Api, path: str) -> list[dict[str, str]]:
    async with api.client.get(f"/api/v1{path}") as answer:
        assert answer.status == 200 and answer.content_type == "text/csv"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        data = await answer.read()
    assert data.startswith(b"\xef\xbb\xbf"), "spreadsheets know UTF-8 by its mark"
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


async def test_calls_and_use_come_as_tables_for_spreadsheets(api: Api) -> None:
    for number in range(MAX_PAGE + 1):
        handle = f"h{number}"
        name = '=HYPERLINK("x"), 手术室' if number == 0 else ""
        api.admission.adopt(handle, Peer("sip:theatre2@clinic.example", "10.1.2.3", name, "VC800 3.1"))
        api.admission.negotiated(handle, room_leg(handle))
        api.time.advance(36)
        api.admission.ended(handle, "silent" if number == 0 else "left")
    api.admission.adopt("other", Peer("sip:4001@h", "10.1.2.3"))
    api.admission.negotiated("other", room_leg("other"))
    api.time.advance(1)
    calls = await _table(api, "/call-records.csv")
    assert len(calls) == MAX_PAGE + 2
    first, last = calls[0], calls[-1]
    assert (first["endpoint"], first["seconds"], first["reason"]) == ("theatre2@clinic.example", "36.0", "silent")
    assert first["name"] == '\'=HYPERLINK("x"), 手术室', "text that a spreadsheet would compute is marked as text"
    assert first["began_at"].endswith("+00:00") and first["audio_codec_sent"] == "opus"
    assert (last["endpoint"], last["ended_at"]) == ("4001@h", "")
    (only,) = await _table(api, "/call-records.csv?endpoint=4001@h")
    assert only == last
    use, _ = await _table(api, "/call-records/use.csv")
    assert (use["endpoint"], use["calls"], use["failed"], use["hours"]) == (
        "theatre2@clinic.example", str(MAX_PAGE + 1), "1", "5.01",
    )  # fmt: skip
    assert await _table(api, "/call-records.csv?until=2001-01-01T00:00:00Z") == []
    await api.call("GET", "/call-records.csv?since=yesterday", status=422)


def adopt(api: Api, handle: str, uri: str, address: str = "10.1.2.3", name: str = "") -> None:
    api.admission.adopt(handle, Peer(uri, address, name))
    api.admission.negotiated(handle, room_leg(handle))


async def test_alarms_are_listed_and_told(api: Api) -> None:
    told: list[dict[str, object]] = []
    api.log.alarms.on_change(lambda alarm: told.append(alarm_notice(alarm)))
    adopt(api, "a", "sip:theatre2@clinic.example", name="手术室 2")
    api.log.handle_fact(LegStatistics(conference="c", leg="a", media="video", packets_received=90, packets_lost=10))
    (alarm,) = (await api.call("GET", "/alarms"))["alarms"]
    assert (alarm["topic"], alarm["subject"], alarm["name"]) == ("loss", "theatre2@clinic.example", "手术室 2")
    assert alarm["figure"] == 0.1
    api.time.advance(60)
    api.admission.ended("a", "left")
    found = await api.call("GET", "/alarms")
    assert found["alarms"] == [] and [one["until"] for one in found["past"]] == ["2026-01-02T03:05:05Z"]
    assert [one["type"] for one in told] == ["alarm_raised", "alarm_cleared"]
    assert told[1]["at"] == "2026-01-02T03:05:05.000Z"


async def test_bandwidth_that_does_not_suffice_is_an_alarm_until_it_does(api: Api) -> None:
    await api.call(
        "PUT", "/zones/ward", {"networks": ["10.1.0.0/16"], "budget": {"total": 1_000_000, "over": "refuse"}}
    )
    api.admission.adopt("a", Peer("sip:a@h", "10.1.2.3"))
    with pytest.raises(Refusing):
        api.admission.reserve("a")
    (alarm,) = (await api.call("GET", "/alarms"))["alarms"]
    assert (alarm["topic"], alarm["subject"]) == ("budget", "zone ward") and "needed" in alarm["detail"]
    adopt(api, "b", "sip:b@h")  # which nobody asked
    api.time.advance(3600)
    api.admission.watch_budgets(api.time.wall())
    (alarm,) = (await api.call("GET", "/alarms"))["alarms"]
    assert alarm["figure"] > 1 and "more is in use" in alarm["detail"]
    api.admission.ended("b", "left")
    api.admission.watch_budgets(api.time.wall())
    assert len((await api.call("GET", "/alarms"))["alarms"]) == 1, "it does not flicker"
    api.time.advance(121)
    api.admission.watch_budgets(api.time.wall())
    assert (await api.call("GET", "/alarms"))["alarms"] == []


async def test_what_was_wrong_with_calls_is_over_after_a_restart_and_who_is_gone_is_still_gone(api: Api) -> None:
    adopt(api, "a", "sip:a@h")
    api.log.inventory.silent("a@h", 20, api.time.wall())
    until = api.time.wall() + timedelta(minutes=5)
    api.log.inventory.registrations([Registration(endpoint="4001", expires_at=until)], api.time.wall())
    api.time.advance(600)
    api.log.inventory.registrations([], api.time.wall())
    assert len(api.log.alarms.current()) == 2
    await api.log.save()
    again = CallLog(api.log._endpoint_store, api.log._records, api.time.clock, lambda: "id")
    await again.load()
    assert [(one.topic.value, one.subject) for one in again.alarms.current()] == [("unregistered", "4001")]
    again.inventory.forget("4001")
    assert again.alarms.current() == []


async def test_the_house_is_seen_from_above(api: Api) -> None:
    await api.call("PUT", "/zones/ward", {"networks": ["10.1.0.0/16"], "budget": {"total": 9_000_000}})
    adopt(api, "a", "sip:a@h", name="手术室 2")
    api.admission.entered("a", "1000")
    until = api.time.wall() + timedelta(hours=1)
    devices = [
        Registration(endpoint=f"{4000 + number}", expires_at=until, zone="ward") for number in range(MAX_SHOWN + 2)
    ]
    api.log.inventory.registrations(devices, api.time.wall())
    api.log.inventory.saw("long-gone", Sighting(zone="ward"), api.time.wall())
    found = await api.call("GET", "/topology")
    default, ward = found["zones"]
    assert (default["name"], default["devices"], default["calls"]) == ("default", [], 0)
    assert (ward["calls"], ward["registered"], ward["total"]) == (1, MAX_SHOWN + 2, 9_000_000)
    assert (ward["devices"][0]["id"], ward["devices"][0]["state"]) == ("a@h", "in_call")
    assert len(ward["devices"]) == MAX_SHOWN and ward["more"] == 3
    (edge,) = found["calls"]
    assert (edge["endpoint"], edge["room"], edge["zone"], edge["kind"]) == ("a@h", "1000", "ward", "sip")
    assert found["more_calls"] == 0


async def test_entries_as_the_page_writes_them_are_taken(api: Api) -> None:
    budget = {
        "total": 20_000_000, "reserved": 4_500_000, "each": None, "least": 128_000, "over": "lower",
        "making_room": "end",
    }  # fmt: skip
    habits = {
        "country_code": "86", "outside_prefix": "9", "international_prefix": "00", "trunk_prefix": "0",
        "shortest_outside": 7,
    }  # fmt: skip
    zone = {"title": "重症监护", "networks": ["10.2.0.0/16"], "habits": habits, "budget": budget, "unregistered": None}
    made = await api.call("PUT", "/zones/icu", zone)
    assert {name: made[name] for name in zone} == zone
    strict = await api.call("PUT", "/zones/icu", {**zone, "unregistered": "challenge"})
    assert strict["unregistered"] == "challenge"
    await api.call("PUT", "/zones/icu", {**zone, "unregistered": "perhaps"}, status=422)
    sort = {"title": "", "products": ["VC800"], "budget": budget}
    assert (await api.call("PUT", "/device-classes/carts", sort))["budget"]["making_room"] == "end"
    rule = {
        "kind": "pattern", "match": "9X.", "target": "refuse", "value": "", "priority": 0, "zones": ["icu"],
        "important": False, "enabled": True, "note": "",
    }  # fmt: skip
    assert await api.call("PUT", "/number-plan/out", rule) == {**rule, "id": "out"}
