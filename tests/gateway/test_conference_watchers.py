"""Rooms that watch who is in their conference."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from xml.etree import ElementTree

import pytest

from mcu.conference.commands import EndConference, LockConference
from mcu.gateway.conference_watchers import ConferenceWatchers
from mcu.ports import SYSTEM
from sip.events import CallEnded, SubscriptionEnded, SubscriptionRequested
from sip.flow import Flow
from tests.gateway.test_dial_out import CallingAgent, DialWorld, world
from tests.gateway.world import Told

__all__ = ["world"]

_NAMESPACE = "{urn:ietf:params:xml:ns:conference-info}"


class NotifyingAgent(CallingAgent):
    """A user agent with subscriptions; ``documents`` are those told, by subscription."""

    def __init__(self) -> None:
        super().__init__()
        self.documents: dict[str, list[ElementTree.Element]] = {}

    def accept_subscription(self, subscription: str, content_type: str, body: bytes) -> None:
        assert content_type == "application/conference-info+xml"
        self.documents[subscription] = [ElementTree.fromstring(body)]

    def reject_subscription(self, subscription: str, status: int) -> None:
        self._take(Told("reject_subscription", subscription, status=status))

    def notify(self, subscription: str, content_type: str, body: bytes) -> None:
        self.documents[subscription].append(ElementTree.fromstring(body))

    def end_subscription(self, subscription: str, reason: str = "noresource") -> None:
        self._take(Told("end_subscription", subscription, reason=reason))


@dataclass
class Watching:
    """A world whose rooms watch."""

    world: DialWorld
    agent: NotifyingAgent = field(default_factory=NotifyingAgent)

    def subscribe(self, call: str = "call-1", source: str = "192.0.2.9", package: str = "conference") -> None:
        event = SubscriptionRequested(
            subscription="s1",
            package=package,
            request_uri="sip:1000@192.0.2.1",
            from_uri="sip:theatre2@192.0.2.9",
            expires=600,
            source=Flow("udp", (source, 5060), ("192.0.2.1", 5060)),
            call=call,
        )
        self.world.base.gateway.handle(event)

    def names(self) -> list[str]:
        """Who is there, by the newest document."""
        newest = self.agent.documents["s1"][-1]
        return [user.findtext(f"{_NAMESPACE}display-text", "") for user in newest.iter(f"{_NAMESPACE}user")]


@pytest.fixture
async def watching(world: DialWorld) -> AsyncIterator[Watching]:
    agent = NotifyingAgent()
    watchers = ConferenceWatchers(agent, world.base.gateway, world.base.manager)
    watchers.start()
    await world.base.connect(name="手术室 2")
    yield Watching(world, agent)
    await watchers.close()


async def test_a_room_sees_who_comes_and_goes_and_how(watching: Watching) -> None:
    watching.subscribe()
    document = watching.agent.documents["s1"][0]
    assert document.get("entity") == "sip:1000@192.0.2.1:5060"
    assert watching.names() == ["手术室 2"]
    media = [item.findtext(f"{_NAMESPACE}status") for item in document.iter(f"{_NAMESPACE}media")]
    assert media == ["sendrecv", "sendrecv"]
    await watching.world.base.connect("call-2", name="Ward", source="192.0.2.10")
    await watching.world.turn()
    assert watching.names() == ["手术室 2", "Ward"]
    await watching.world.base.manager.execute(LockConference("1000", True), SYSTEM)
    await watching.world.turn()
    assert watching.agent.documents["s1"][-1].findtext(f".//{_NAMESPACE}locked") == "true"
    watching.world.tell(CallEnded("call-2", "the other side hung up"))
    await watching.world.turn()
    assert watching.names() == ["手术室 2"]
    versions = [int(told.get("version", "")) for told in watching.agent.documents["s1"]]
    assert versions == sorted(set(versions))


async def test_who_is_being_called_is_shown_too(watching: Watching) -> None:
    watching.subscribe()
    await watching.world.place("sip:theatre@10.0.0.7")
    newest = watching.agent.documents["s1"][-1]
    assert watching.names() == ["手术室 2", "theatre"]
    assert [status.text for status in newest.iter(f"{_NAMESPACE}status")][-1] == "dialing-out"


async def test_a_subscription_outside_of_the_call_is_known_by_its_address(watching: Watching) -> None:
    watching.subscribe(call="")
    assert watching.names() == ["手术室 2"]


@pytest.mark.parametrize(("call", "source"), [("", "192.0.2.66"), ("unknown", "192.0.2.9")])
async def test_strangers_see_nothing(watching: Watching, call: str, source: str) -> None:
    watching.subscribe(call, source)
    assert watching.agent.last == Told("reject_subscription", "s1", status=403)
    watching.world.base.gateway.handle(SubscriptionEnded("s1", "timeout"))


async def test_other_packages_are_left_to_others(watching: Watching) -> None:
    watching.subscribe(package="reg")
    assert not watching.agent.told


async def test_the_end_of_the_conference_ends_the_watching(watching: Watching) -> None:
    watching.subscribe()
    await watching.world.base.manager.execute(EndConference("1000"), SYSTEM)
    await watching.world.turn()
    assert watching.agent.last == Told("end_subscription", "s1", reason="noresource")


async def test_who_has_stopped_watching_is_told_nothing(watching: Watching) -> None:
    watching.subscribe()
    before = len(watching.agent.documents["s1"])
    watching.world.base.gateway.handle(SubscriptionEnded("s1", "timeout"))
    await watching.world.base.manager.execute(LockConference("1000", True), SYSTEM)
    await watching.world.turn()
    assert len(watching.agent.documents["s1"]) == before
