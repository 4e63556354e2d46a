"""Calls of browsers are counted against the bandwidth of their zone, and recorded."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from gatekeeper.bandwidth import Usage
from gatekeeper.call_records import CallRecord
from gatekeeper.dialing import DialSettings
from gatekeeper.number_plan import MatchKind, Rule, TargetKind
from gatekeeper.stores import MemoryCallRecords, MemoryEndpoints, MemoryPlan
from gatekeeper.zones import Budget, DeviceClass, Zone
from mcu.conference.commands import LockConference
from mcu.conference.door.hashing import Cost, Hasher
from mcu.conference.door.rooms import MemoryRooms
from mcu.conference.manager import ConferenceManager
from mcu.conference.settings import ConferenceSettings
from mcu.control.accounts import Accounts
from mcu.control.application import make_application
from mcu.control.audit import AuditTable
from mcu.control.database import Database
from mcu.control.settings import ControlSettings
from mcu.gateway.browser_calls import BrowserCalls
from mcu.gateway.browser_gateway import JOINS_AT_ONCE, QUESTIONS_AT_ONCE, BrowserAddresses, BrowserGateway
from mcu.gateway.call_admission import CallAdmission
from mcu.gateway.call_log import CallLog
from mcu.gateway.call_policy import CallPolicy
from mcu.media.facts import LegStatistics
from mcu.media.spec import LegSpec
from mcu.ports import SYSTEM, MediaError
from tests.fakes.media import FakeMedia
from tests.fakes.time import FakeTime

CHROMIUM = (Path(__file__).parent.parent / "webrtc" / "offers" / "chromium.sdp").read_text()
API = "/api/v1"
WHOLE = 2_000_000


@dataclass
class House:
    """A server for browsers with its gatekeeper, on a fake media worker; browsers come from 127.0.0.1."""

    media: FakeMedia
    manager: ConferenceManager
    admission: CallAdmission
    calls: BrowserCalls
    records: MemoryCallRecords
    client: TestClient[web.Request, web.Application]
    time: FakeTime

    async def zone(self, **budget: object) -> None:
        zone = Zone(name="desk", networks=("127.0.0.0/8",), budget=Budget.model_validate(budget))
        await self.admission.policy.put_zone(zone)

    @property
    def used(self) -> Usage:
        return self.admission.policy.ledger.of_zone("desk")

    async def post(self, number: str = "1000") -> ClientResponse:
        body = {"name": "李医生", "sdp": CHROMIUM}
        return await self.client.post(
            f"{API}/conferences/{number}/join", json=body, headers={"User-Agent": "Mozilla/5.0 Chrome/156"}
        )

    async def join(self, number: str = "1000") -> tuple[str, str, str]:
        """Participant, token and answer."""
        response = await self.post(number)
        assert response.status == 201, await response.text()
        reply = await response.json()
        return reply["participant"]["id"], reply["token"], reply["sdp"]

    def leg(self, participant: str) -> LegSpec:
        return next(leg for spec in self.media.specs.values() for leg in spec.legs if leg.id == participant)

    async def newest(self) -> CallRecord:
        await self.admission.log.save()
        return (await self.records.calls(1))[0]

    async def nobody_counted(self) -> None:
        """Wait until what happened has been followed."""
        async with asyncio.timeout(10):
            while self.used.calls:
                await asyncio.sleep(0)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    time, media, records = FakeTime(), FakeMedia(), MemoryCallRecords()
    database = await Database.open(tmp_path / "consilium.db")
    hasher, ids, numbers = Hasher(Cost(log_n=4)), itertools.count(1), itertools.count(5000)
    accounts = Accounts(database, hasher, time.clock, AuditTable(database))
    policy = CallPolicy(MemoryPlan(), DialSettings(), WHOLE)
    log = CallLog(MemoryEndpoints(), records, time.clock, lambda: f"record{next(ids)}")
    admission = CallAdmission(policy, log)
    media.on_fact(log.handle_fact)
    manager = ConferenceManager(
        media, ConferenceSettings(), time.clock, lambda: f"id{next(ids)}", MemoryRooms(), pin_hasher=hasher
    )
    calls = BrowserCalls(manager, admission)
    calls.start()
    addresses = BrowserAddresses(None, ["127.0.0.1"], ":".join(["AB"] * 32))
    gateway = BrowserGateway(manager, media, addresses, lambda: next(numbers), calls, time.monotonic)
    application = make_application(manager, accounts, gateway.operations(), ControlSettings(), time.clock)
    async with TestClient(TestServer(application)) as client:
        yield House(media, manager, admission, calls, records, client, time)
        await gateway.close()
        await manager.close()
        await calls.close()
    assert admission.policy.ledger.calls == frozenset()
    hasher.close()
    await database.close()


async def test_a_browser_s_call_is_counted_and_recorded_like_any_other(house: House) -> None:
    await house.zone(total=10_000_000)
    await house.admission.policy.put_class(DeviceClass(name="browsers", products=("Mozilla/",)))
    participant, token, _ = await house.join()
    assert house.used.calls == 1 and WHOLE < house.used.rate <= WHOLE + 64_000
    assert house.admission.policy.ledger.of_class("browsers").calls == 1
    conference = house.manager.conferences()[0].id
    house.time.advance(60)
    house.media.report(
        LegStatistics(
            conference=conference, leg=participant, media="video", packets_received=970, packets_lost=30,
            bytes_received=1_000_000, jitter_ms=4.0,
        )
    )  # fmt: skip
    headers = {"Authorization": f"Bearer {token}"}
    assert (await house.client.delete(f"{API}/participants/{participant}", headers=headers)).status == 204
    await house.nobody_counted()
    record = await house.newest()
    assert (record.kind, record.endpoint, record.name) == ("browser", "browser@127.0.0.1", "李医生")
    assert (record.zone, record.device_class, record.destination) == ("desk", "browsers", "room 1000")
    assert (record.seconds, record.reason) == (60, "left")
    assert record.video is not None and record.video.codec_received == "H264"
    assert (record.video.loss, record.video.worst_jitter_ms) == (0.03, 4.0)
    assert record.audio is not None and record.audio.codec_sent == "opus"


async def test_browsers_are_none_of_the_inventory(house: House) -> None:
    await house.join()
    assert len(house.admission.log.inventory) == 0


async def test_a_browser_gets_no_more_picture_than_its_zone_has(house: House) -> None:
    await house.zone(total=1_000_000)
    participant, token, answer = await house.join()
    leg = house.leg(participant)
    assert (leg.picture_bitrate, leg.receive_bitrate) == (936_000, 936_000)
    assert leg.video is not None and leg.video.max_bitrate == 936_000
    assert answer.count("b=TIAS:936000") == answer.count("m=video")
    assert house.used.rate == 1_000_000
    assert "zone desk" in (await house.newest()).lowered
    headers = {"Authorization": f"Bearer {token}"}
    renewed = await house.client.put(f"{API}/participants/{participant}/media", json={"sdp": CHROMIUM}, headers=headers)
    assert renewed.status == 200 and "b=TIAS:936000" in (await renewed.json())["sdp"]
    assert house.used == Usage(1, 1_000_000)


async def test_a_browser_for_which_there_is_no_bandwidth_is_told_when_to_try_again(house: House) -> None:
    await house.zone(total=100_000)
    response = await house.post()
    assert (response.status, response.headers["Retry-After"]) == (503, "30")
    problem = await response.json()
    assert problem["code"] == "no_bandwidth" and "zone desk" in problem["detail"]
    record = await house.newest()
    assert (record.reason, record.status, record.seconds) == ("refused", 503, 0)
    assert house.used == Usage() and house.manager.conferences() == []


async def test_without_a_budget_a_browser_is_not_limited(house: House) -> None:
    participant, _, answer = await house.join()
    assert house.leg(participant).picture_bitrate is None
    assert "b=" not in answer


async def test_who_does_not_get_in_is_not_counted(house: House) -> None:
    await house.zone(total=10_000_000)
    house.media.refuse = MediaError("no worker")
    assert (await house.post()).status == 503
    assert house.used == Usage()
    house.media.refuse = None
    await house.join()
    await house.manager.execute(LockConference("1000", True), SYSTEM)
    assert (await house.post()).status == 409
    assert house.used.calls == 1


async def test_calls_end_though_their_ends_were_missed(house: House) -> None:
    await house.zone(total=10_000_000)
    await house.join()
    await house.calls.close()
    await house.manager.close()
    assert house.used.calls == 1
    house.calls.look()
    assert house.used == Usage()


async def test_too_many_requests_from_one_address_are_told_to_wait(house: House) -> None:
    for number in range(round(QUESTIONS_AT_ONCE)):
        assert (await house.client.get(f"{API}/conferences/{number}/door")).status == 200
    response = await house.client.get(f"{API}/conferences/1000/door")
    assert (response.status, response.headers["Retry-After"]) == (429, "1")
    assert (await response.json())["code"] == "too_many_requests"
    await house.join()  # asking takes nothing from joining
    house.time.advance(1.0)
    assert (await house.client.get(f"{API}/conferences/1000/door")).status == 200


async def test_too_many_joins_from_one_address_are_told_to_wait(house: House) -> None:
    await house.zone(total=100_000)  # so that each is refused, and none stays
    for _ in range(round(JOINS_AT_ONCE)):
        assert (await house.post()).status == 503
    response = await house.post()
    assert (response.status, response.headers["Retry-After"]) == (429, "1")
    house.time.advance(0.5)
    assert (await house.post()).status == 503


async def settled(house: House, condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)


URGENT = Rule(id="urgent", kind=MatchKind.EXACT, match="2000", target=TargetKind.ROOM, value="2000", important=True)


async def test_browsers_give_way_to_important_calls_and_get_back_what_they_had(house: House) -> None:
    await house.zone(total=2_800_000)
    await house.admission.policy.put_rule(URGENT)
    ordinary, _, _ = await house.join()
    had = house.leg(ordinary)
    assert had.picture_bitrate == WHOLE
    urgent, token, _ = await house.join("2000")
    assert house.admission.log.record_of(urgent) is not None
    left = house.admission.policy.ledger.picture_of(ordinary)
    assert left < WHOLE and house.used.rate <= 2_800_000
    await settled(house, lambda: house.leg(ordinary).picture_bitrate == left)
    leg = house.leg(ordinary)
    assert leg.receive_bitrate == left and leg.video is not None and leg.video.max_bitrate == left
    headers = {"Authorization": f"Bearer {token}"}
    assert (await house.client.delete(f"{API}/participants/{urgent}", headers=headers)).status == 204
    await settled(house, lambda: house.leg(ordinary) == had)


async def test_where_the_zone_says_so_a_browser_s_call_ends_for_an_important_one(house: House) -> None:
    await house.zone(total=2_200_000, least=1_900_000, making_room="end")
    await house.admission.policy.put_rule(URGENT)
    ordinary, _, _ = await house.join()
    await house.join("2000")
    await settled(house, lambda: house.manager.participant(ordinary) is None)
    await settled(house, lambda: house.admission.log.record_of(ordinary) is None)
    await house.admission.log.save()
    assert [one.reason for one in await house.records.calls(9) if one.ended_at is not None] == ["made_way"]
