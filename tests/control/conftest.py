"""The real application on a loopback socket, with a fake media worker below and a clock that tests turn."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from mcu.conference.door.hashing import Cost, Hasher
from mcu.conference.door.joining import Newcomer
from mcu.conference.manager import ConferenceManager
from mcu.conference.model import Participant
from mcu.conference.settings import ConferenceSettings
from mcu.control.accounts import Accounts
from mcu.control.application import make_application
from mcu.control.audit import AuditTable
from mcu.control.database import Database
from mcu.control.layout_table import LayoutTable
from mcu.control.logo_files import LogoFiles
from mcu.control.notices import NoticeHub
from mcu.control.room_table import RoomTable
from mcu.control.settings import ControlSettings
from mcu.ports import Operation, PortMeter
from tests.fakes.media import FakeLegOwner, FakeMedia, browser_leg, room_leg
from tests.fakes.time import FakeTime

PASSWORD = "Correct-Horse-7"
Client = TestClient[web.Request, web.Application]


@dataclass
class Control:
    """Everything behind the API."""

    time: FakeTime
    media: FakeMedia
    owner: FakeLegOwner
    database: Database
    audit: AuditTable
    accounts: Accounts
    manager: ConferenceManager
    connect: Callable[..., Awaitable[Client]]
    notices: NoticeHub

    async def join(self, number: str = "1000", name: str = "Dr. Li", pin: str | None = None) -> Participant:
        """A browser joins."""
        newcomer = Newcomer(
            name, "browser", self.owner, lambda seat: browser_leg(seat.participant_id), source="10.0.0.1"
        )
        return await self.manager.join(number, newcomer, pin)

    async def join_room(self, number: str = "1000", name: str = "Room 3") -> Participant:
        """A SIP room joins."""
        return await self.manager.join(
            number, Newcomer(name, "sip", self.owner, lambda seat: room_leg(seat.participant_id))
        )

    async def stranger(self) -> Client:
        """A client that has shown nothing."""
        return await self.connect()

    async def user(self) -> Client:
        """A client that sends the token of a login."""
        login = await self.accounts.login("doctor", PASSWORD, "127.0.0.1")
        return await self.connect({"Authorization": f"Bearer {login.token}"})

    async def as_participant(self, participant: Participant) -> Client:
        """A client that sends the participant's token."""
        return await self.connect({"Authorization": f"Bearer {self.manager.tokens.issue(participant.id)}"})


@pytest.fixture
def more_operations() -> list[Operation]:
    """Operations that other folders would hand in."""
    return []


@pytest.fixture
def conference_settings() -> ConferenceSettings:
    return ConferenceSettings(media_seconds=1.0)


@pytest.fixture
def control_settings(tmp_path: Path) -> ControlSettings:
    swagger = tmp_path / "swagger"
    swagger.mkdir()
    (swagger / "swagger-ui.css").write_text("body {}")
    (swagger / "swagger-ui-bundle.js").write_text("// bundle")
    (swagger / "secret.txt").write_text("not for the web")
    return ControlSettings(maximum_body=4096, swagger_directory=swagger, first_message_seconds=5.0)


@pytest.fixture
def meter() -> PortMeter | None:
    """Nothing is refused for want of ports."""
    return None


@pytest.fixture
async def control(
    tmp_path: Path,
    more_operations: list[Operation],
    control_settings: ControlSettings,
    conference_settings: ConferenceSettings,
    meter: PortMeter | None,
) -> AsyncIterator[Control]:
    time, media = FakeTime(), FakeMedia()
    database = await Database.open(tmp_path / "consilium.db")
    audit = AuditTable(database)
    hasher = Hasher(Cost(log_n=4))
    accounts = Accounts(database, hasher, time.clock, audit)
    numbers = itertools.count(1)
    manager = ConferenceManager(
        media,
        conference_settings,
        time.clock,
        lambda: f"id{next(numbers)}",
        RoomTable(database),
        audit=audit,
        pin_hasher=Hasher(Cost(log_n=4)),
        layouts=LayoutTable(database),
        logos=LogoFiles(tmp_path / "logos"),
        meter=meter,
    )
    notices = NoticeHub()
    application = make_application(manager, accounts, more_operations, control_settings, time.clock, notices)
    server = TestServer(application)
    await server.start_server()
    clients: list[Client] = []

    async def connect(headers: dict[str, str] | None = None) -> Client:
        client: Client = TestClient(server, headers=headers)
        clients.append(client)
        return client

    await accounts.create("doctor", PASSWORD)
    yield Control(time, media, FakeLegOwner(), database, audit, accounts, manager, connect, notices)
    for client in clients:
        await client.session.close()
    await manager.close()
    await server.close()
    hasher.close()
    await database.close()
