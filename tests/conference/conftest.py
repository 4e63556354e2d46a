"""A manager on a fake media worker, with a clock that tests turn."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from mcu.conference.door.hashing import Cost, Hasher
from mcu.conference.door.joining import Newcomer
from mcu.conference.door.rooms import MemoryRooms
from mcu.conference.events import ConferenceEvent, Subscription
from mcu.conference.execution.audit import AuditEntry
from mcu.conference.manager import ConferenceManager
from mcu.conference.model import Participant
from mcu.conference.settings import ConferenceSettings
from mcu.ports import Actor, ActorKind
from tests.fakes.media import FakeLegOwner, FakeMedia, browser_leg, room_leg
from tests.fakes.time import FakeTime

USER = Actor(ActorKind.USER, "doctor", "doctor")


@dataclass
class ListAudit:
    """An audit in memory."""

    entries: list[AuditEntry] = field(default_factory=list)

    def record(self, entry: AuditEntry) -> None:
        self.entries.append(entry)


@dataclass
class World:
    """A manager and everything round it."""

    time: FakeTime
    media: FakeMedia
    owner: FakeLegOwner
    rooms: MemoryRooms
    audit: ListAudit
    manager: ConferenceManager
    subscription: Subscription

    async def join_room(self, number: str = "1000", name: str = "Room", **more: str | None) -> Participant:
        """A SIP room joins."""
        source = more.get("source") or ""
        newcomer = Newcomer(name, "sip", self.owner, lambda seat: room_leg(seat.participant_id), source=source)
        return await self.manager.join(number, newcomer, more.get("pin"))

    async def join_browser(self, number: str = "1000", name: str = "Dr. Li") -> Participant:
        """A browser joins."""
        newcomer = Newcomer(name, "browser", self.owner, lambda seat: browser_leg(seat.participant_id))
        return await self.manager.join(number, newcomer)

    def happened(self) -> list[ConferenceEvent]:
        """The events since the last call."""
        events = []
        while not self.subscription._queue.empty():
            event = self.subscription._queue.get_nowait()
            if event is not None:
                events.append(event)
        return events

    def kinds(self) -> list[str]:
        """The kinds of events since the last call."""
        return [type(event).__name__ for event in self.happened()]


@pytest.fixture
def settings() -> ConferenceSettings:
    return ConferenceSettings(
        maximum_conferences=3, maximum_participants=4, empty_seconds=20.0, media_seconds=0.05, recordings_directory="/r"
    )


@pytest.fixture
async def world(settings: ConferenceSettings) -> AsyncIterator[World]:
    time, media, rooms, audit = FakeTime(), FakeMedia(), MemoryRooms(), ListAudit()
    numbers = itertools.count(1)
    manager = ConferenceManager(
        media,
        settings,
        time.clock,
        lambda: f"id{next(numbers)}",
        rooms,
        audit=audit,
        pin_hasher=Hasher(Cost(log_n=4)),
    )
    yield World(time, media, FakeLegOwner(), rooms, audit, manager, manager.subscribe())
    await manager.close()
