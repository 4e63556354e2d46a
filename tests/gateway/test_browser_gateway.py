"""The three operations that browsers join by, over the real application."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from mcu.conference.commands import LockConference, SetPin
from mcu.conference.door.hashing import Cost, Hasher
from mcu.conference.door.rooms import MemoryRooms, Room
from mcu.conference.manager import ConferenceManager
from mcu.conference.settings import ConferenceSettings
from mcu.control.accounts import Accounts
from mcu.control.application import make_application
from mcu.control.audit import AuditTable
from mcu.control.database import Database
from mcu.control.settings import ControlSettings
from mcu.gateway.browser_gateway import SILENCE_TIMEOUT, BrowserAddresses, BrowserGateway
from mcu.media.facts import LegConnected, LegFailed, LegSilent
from mcu.media.leg_streams import is_same_path
from mcu.media.spec import LegSpec, WebRtcTransport
from mcu.ports import SYSTEM, MediaError
from sip.sdp.grammar import SessionDescription, parse
from tests.fakes.media import FakeMedia
from tests.fakes.time import FakeTime

CHROMIUM = (Path(__file__).parent.parent / "webrtc" / "offers" / "chromium.sdp").read_text()
USELESS = CHROMIUM.replace("a=setup:actpass", "a=setup:passive")  # each side would wait for the other
FINGERPRINT = ":".join(["AB"] * 32)
PASSWORD = "Correct-Horse-7"
API = "/api/v1"

Client = TestClient[web.Request, web.Application]
Reply = dict[str, Any]


@dataclass
class Browsers:
    """A server for browsers, on a fake media worker."""

    media: FakeMedia
    rooms: MemoryRooms
    accounts: Accounts
    manager: ConferenceManager
    gateway: BrowserGateway
    client: Client

    async def post(self, number: str = "1000", **body: object) -> ClientResponse:
        return await self.client.post(
            f"{API}/conferences/{number}/join", json={"name": "李医生", "sdp": CHROMIUM, **body}
        )

    async def join(self, number: str = "1000", **body: object) -> Reply:
        """Join; returns the reply."""
        response = await self.post(number, **body)
        assert response.status == 201, await response.text()
        reply: Reply = await response.json()
        return reply

    async def renew(self, participant_id: str, token: str | None, sdp: str = CHROMIUM) -> ClientResponse:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await self.client.put(f"{API}/participants/{participant_id}/media", json={"sdp": sdp}, headers=headers)

    def leg(self, participant_id: str) -> LegSpec:
        (leg,) = (leg for spec in self.media.specs.values() for leg in spec.legs if leg.id == participant_id)
        return leg

    def transport(self, participant_id: str) -> WebRtcTransport:
        transport = self.leg(participant_id).transport
        assert isinstance(transport, WebRtcTransport)
        return transport

    async def settle(self) -> None:
        async with asyncio.timeout(10):
            while self.gateway._tasks:
                await asyncio.wait(tuple(self.gateway._tasks))
            await self.manager.settle()


@pytest.fixture
def public_address() -> str | None:
    return None


@pytest.fixture
async def browsers(tmp_path: Path, public_address: str | None) -> AsyncIterator[Browsers]:
    time, media, rooms = FakeTime(), FakeMedia(), MemoryRooms()
    database = await Database.open(tmp_path / "consilium.db")
    hasher, audit = Hasher(Cost(log_n=4)), AuditTable(database)
    accounts = Accounts(database, hasher, time.clock, audit)
    await accounts.create("doctor", PASSWORD)
    ids, numbers = itertools.count(1), itertools.count(5000)
    manager = ConferenceManager(
        media,
        ConferenceSettings(maximum_participants=2),
        time.clock,
        lambda: f"id{next(ids)}",
        rooms,
        pin_hasher=Hasher(Cost(log_n=4)),
    )
    addresses = BrowserAddresses(public_address, ["198.51.100.7", "127.0.0.1"], FINGERPRINT)
    gateway = BrowserGateway(manager, media, addresses, lambda: next(numbers))
    application = make_application(manager, accounts, gateway.operations(), ControlSettings(), time.clock)
    async with TestClient(TestServer(application)) as client:
        yield Browsers(media, rooms, accounts, manager, gateway, client)
        await gateway.close()
        await manager.close()
    hasher.close()
    await database.close()


def candidates(description: SessionDescription) -> list[str]:
    """Address and port of all candidates, in order."""
    values = [each.value or "" for each in description.media[0].attributes if each.name == "candidate"]
    return [":".join(value.split()[4:6]) for value in values]


async def problem(response: ClientResponse) -> tuple[int, str]:
    assert response.content_type == "application/problem+json"
    return response.status, (await response.json())["code"]


# The door


async def test_the_door_tells_what_a_number_is(browsers: Browsers) -> None:
    await browsers.rooms.add(Room("ward", "Ward round", None, ""))
    await browsers.manager.execute(SetPin("ward", "4711"), SYSTEM)
    for number, exists, pin in (("1000", True, False), ("ward", True, True), ("WARD", True, True), ("x", False, False)):
        response = await browsers.client.get(f"{API}/conferences/{number}/door")
        assert response.status == 200
        assert await response.json() == {
            "number": number.lower(),
            "exists": exists,
            "pin_required": pin,
            "chair_pin": False,
        }


# Joining


async def test_a_browser_joins_and_is_connected(browsers: Browsers) -> None:
    reply = await browsers.join()
    participant = reply["participant"]
    assert (participant["name"], participant["kind"], participant["state"]) == ("李医生", "browser", "connecting")
    assert reply["conference"]["number"] == "1000"

    answer = parse(reply["sdp"])
    transport = browsers.transport(participant["id"])
    (leg,) = browsers.media.only.legs
    assert leg.audio is not None and leg.video is not None and leg.audio.ssrc != leg.video.ssrc
    assert answer.media[0].value("ice-ufrag") == transport.local_ufrag
    assert answer.media[0].value("ice-pwd") == transport.local_password
    assert candidates(answer) == [  # best first, none twice, and TCP behind UDP
        "127.0.0.1:40000", "198.51.100.7:40000", "127.0.0.1:40001", "198.51.100.7:40001"
    ]  # fmt: skip
    assert f"sha-256 {FINGERPRINT}" in reply["sdp"]

    browsers.media.report(LegConnected(conference=browsers.media.only.id, leg=participant["id"]))
    state = browsers.manager.participant(participant["id"])
    assert state is not None and state.state == "connected"


@pytest.mark.parametrize("public_address", ["203.0.113.5"])
async def test_behind_a_nat_only_the_public_address_is_told(browsers: Browsers) -> None:
    assert candidates(parse((await browsers.join())["sdp"])) == ["203.0.113.5:40000", "203.0.113.5:40001"]


async def test_every_browser_gets_credentials_of_its_own(browsers: Browsers) -> None:
    first = browsers.transport((await browsers.join())["participant"]["id"])
    second = browsers.transport((await browsers.join())["participant"]["id"])
    assert first.local_ufrag != second.local_ufrag and first.local_password != second.local_password


@pytest.mark.parametrize(
    ("number", "body", "status", "code"),
    [
        ("lobby", {}, 404, "unknown_room"),
        ("1000", {"sdp": "m=audio"}, 400, "malformed_sdp"),
        ("1000", {"sdp": USELESS}, 406, "offer_not_acceptable"),
        ("1000", {"sdp": "v=0\r\n"}, 406, "offer_not_acceptable"),
        ("1000", {"sdp": ""}, 422, "invalid_body"),
        ("1000", {"sdp": "v" * 64_001}, 422, "invalid_body"),
        ("1000", {"name": ""}, 422, "invalid_body"),
        ("1000", {"nmae": "x"}, 422, "invalid_body"),
        ("1000", {"pin": 4711}, 422, "invalid_body"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_reason(
    browsers: Browsers, number: str, body: dict[str, object], status: int, code: str
) -> None:
    assert await problem(await browsers.post(number, **body)) == (status, code)
    assert browsers.manager.conferences() == []


async def test_a_room_with_a_pin_asks_for_it(browsers: Browsers) -> None:
    await browsers.rooms.add(Room("ward", "", None, ""))
    await browsers.manager.execute(SetPin("ward", "4711"), SYSTEM)
    assert await problem(await browsers.post("ward")) == (403, "wrong_pin")
    assert await problem(await browsers.post("ward", pin="4712")) == (403, "wrong_pin")
    await browsers.join("ward", pin="4711")
    for _ in range(5):
        await browsers.post("ward", pin="4712")
    response = await browsers.post("ward", pin="4712")
    assert int(response.headers["Retry-After"]) > 0
    assert await problem(response) == (429, "too_many_attempts")


async def test_a_locked_and_a_full_conference_refuse(browsers: Browsers) -> None:
    await browsers.join()
    await browsers.manager.execute(LockConference("1000", True), SYSTEM)
    assert await problem(await browsers.post()) == (409, "locked")
    await browsers.manager.execute(LockConference("1000", False), SYSTEM)
    await browsers.join()
    assert await problem(await browsers.post()) == (409, "full")


async def test_a_media_worker_in_trouble_is_told_as_such(browsers: Browsers) -> None:
    browsers.media.refuse = MediaError("no media worker answers")
    assert await problem(await browsers.post()) == (503, "media")
    assert browsers.manager.conferences() == []


# Renewing


async def test_media_are_renewed_with_fresh_credentials_and_another_port(browsers: Browsers) -> None:
    reply = await browsers.join()
    participant, before = reply["participant"]["id"], browsers.transport(reply["participant"]["id"])
    leg = browsers.leg(participant)
    response = await browsers.renew(participant, reply["token"], CHROMIUM.replace("9124984213444025288", "77"))
    assert response.status == 200
    after = browsers.transport(participant)
    assert after.local_ufrag != before.local_ufrag and after.association != before.association
    assert parse((await response.json())["sdp"]).media[0].value("ice-ufrag") == after.local_ufrag
    assert not is_same_path(leg, browsers.leg(participant))


RESTARTED = (
    CHROMIUM.replace("VsYc", "NeWu").replace("O5F5rYjVSZHcMoz6ubydf+3l", "N" * 24).replace("288 2 IN", "288 3 IN")
)


async def test_a_browser_that_restarts_ice_keeps_its_streams_and_its_place(browsers: Browsers) -> None:
    reply = await browsers.join()
    participant, first = reply["participant"]["id"], parse(reply["sdp"])
    leg, before = browsers.leg(participant), browsers.transport(reply["participant"]["id"])
    browsers.media.report(LegConnected(conference=browsers.media.only.id, leg=participant))
    response = await browsers.renew(participant, reply["token"], RESTARTED)
    second, after = parse((await response.json())["sdp"]), browsers.transport(participant)
    assert (after.remote_ufrag, after.association) == ("NeWu", before.association)
    assert after.local_ufrag != before.local_ufrag and after.local_password != before.local_password
    assert is_same_path(leg, browsers.leg(participant))
    assert (second.origin.session_id, second.origin.version) == (first.origin.session_id, first.origin.version + 1)
    for one, other in zip(first.media, second.media, strict=True):
        assert list(one.values("ssrc")) == list(other.values("ssrc"))
        assert one.value("fingerprint") == other.value("fingerprint")
    state = browsers.manager.participant(participant)
    assert state is not None and state.state == "connected", "nobody sees it come anew"


async def test_an_offer_without_a_restart_is_answered_with_the_same_credentials(browsers: Browsers) -> None:
    reply = await browsers.join()
    participant, before = reply["participant"]["id"], browsers.transport(reply["participant"]["id"])
    for _ in range(2):
        await browsers.renew(participant, reply["token"])
        assert browsers.transport(participant) == before


async def test_another_certificate_is_another_association(browsers: Browsers) -> None:
    reply = await browsers.join()
    participant, before = reply["participant"]["id"], browsers.transport(reply["participant"]["id"])
    (old,) = {value for _, value in before.fingerprints}
    await browsers.renew(participant, reply["token"], RESTARTED.replace(old, FINGERPRINT))
    after = browsers.transport(participant)
    assert after.association != before.association and not after.goes_on_as(before)


async def test_after_a_restart_that_came_to_nothing_all_begins_anew(browsers: Browsers) -> None:
    reply = await browsers.join()
    participant, before = reply["participant"]["id"], browsers.transport(reply["participant"]["id"])
    browsers.media.refuse = MediaError("no media worker answers")
    await browsers.renew(participant, reply["token"], RESTARTED)
    browsers.media.refuse = None
    await browsers.renew(participant, reply["token"], RESTARTED)
    assert browsers.transport(participant).association != before.association


async def test_nobody_renews_the_media_of_another(browsers: Browsers) -> None:
    mine, other = await browsers.join(), await browsers.join()
    before = browsers.transport(mine["participant"]["id"])
    login = await browsers.accounts.login("doctor", PASSWORD, "127.0.0.1")
    for token, status in ((other["token"], 403), (login.token, 403), ("nonsense", 401), (None, 401)):
        response = await browsers.renew(mine["participant"]["id"], token)
        assert (await problem(response))[0] == status
    assert browsers.transport(mine["participant"]["id"]) == before


async def test_a_renewal_that_cannot_be_leaves_the_media_as_they_were(browsers: Browsers) -> None:
    reply = await browsers.join()
    participant, token = reply["participant"]["id"], reply["token"]
    before = browsers.transport(participant)
    assert await problem(await browsers.renew(participant, token, "m=audio")) == (400, "malformed_sdp")
    assert await problem(await browsers.renew(participant, token, USELESS)) == (406, "offer_not_acceptable")
    browsers.media.refuse = MediaError("no media worker answers")
    assert await problem(await browsers.renew(participant, token)) == (503, "media")
    browsers.media.refuse = None
    await browsers.settle()
    assert browsers.transport(participant) == before


async def test_a_token_is_void_once_its_participant_has_left(browsers: Browsers) -> None:
    reply = await browsers.join()
    await browsers.manager.leave(reply["participant"]["id"])
    assert (await problem(await browsers.renew(reply["participant"]["id"], reply["token"])))[0] == 401


# Facts


async def test_a_browser_that_went_silent_has_left(browsers: Browsers) -> None:
    participant = (await browsers.join())["participant"]["id"]
    conference = browsers.media.only.id
    browsers.media.report(LegSilent(conference=conference, leg=participant, seconds=SILENCE_TIMEOUT - 1))
    browsers.media.report(LegSilent(conference=conference, leg="nobody", seconds=SILENCE_TIMEOUT))
    await browsers.settle()
    assert browsers.manager.participant(participant) is not None
    for _ in range(2):
        browsers.media.report(LegSilent(conference=conference, leg=participant, seconds=SILENCE_TIMEOUT))
    await browsers.settle()
    assert browsers.manager.participant(participant) is None


async def test_a_browser_whose_handshake_fails_has_left(browsers: Browsers) -> None:
    participant = (await browsers.join())["participant"]["id"]
    browsers.media.report(LegFailed(conference=browsers.media.only.id, leg=participant, reason="no DTLS handshake"))
    await browsers.settle()
    assert browsers.manager.participant(participant) is None
    await browsers.gateway.request_key_frame(participant)


async def test_a_page_tells_how_large_its_slots_are_shown(browsers: Browsers) -> None:
    joined, other = await browsers.join(), await browsers.join()
    path, headers = f"{API}/participants/{joined['participant']['id']}/tiles", _bearer(joined["token"])

    async def tell(body: Reply, told_by: dict[str, str] = headers) -> int:
        return (await browsers.client.put(path, json=body, headers=told_by)).status

    assert await tell({"people": {"x": [640, 360]}, "shared": [0, 0]}) == 204
    assert await tell({"hidden": True}) == 204
    (_, first), (_, second) = browsers.media.tiles
    assert first.people == {"x": (640, 360)} and first.shared == (0, 0) and not first.hidden and second.hidden
    for odd in ({"people": {"x": [-1, 5]}}, {"people": {"x": [1]}}, {"people": {str(n): [1, 1] for n in range(33)}}):
        assert await tell(odd) in (400, 422)
    assert await tell({}, _bearer(other["token"])) == 403
    assert await tell({}, {}) in (401, 403)
    assert len(browsers.media.tiles) == 2


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    ("addresses", "told"),
    [
        ({"public_address": "203.0.113.5", "public_ipv6_address": "2001:db8::5"}, ["203.0.113.5", "2001:db8::5"]),
        ({"public_address": None, "public_ipv6_address": "2001:db8::5"}, ["2001:db8::5"]),
        ({"public_address": None}, ["127.0.0.1", "2001:db8::7", "198.51.100.7"]),
        ({"public_address": None, "ipv6": False}, ["127.0.0.1", "198.51.100.7"]),
    ],
)
async def test_browsers_are_told_addresses_of_the_families_that_there_are(
    browsers: Browsers, addresses: dict[str, Any], told: list[str]
) -> None:
    local = ["2001:db8::7", "198.51.100.7"]
    browsers.gateway._addresses = BrowserAddresses(local_addresses=local, fingerprint=FINGERPRINT, **addresses)
    answer = parse((await browsers.join())["sdp"])
    assert candidates(answer) == [f"{address}:{port}" for port in (40000, 40001) for address in told]
