"""Registered devices are asked what they can do, at a pace, and what they tell is kept."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gatekeeper.inventory import Inventory, Sighting
from gatekeeper.location import Reach
from mcu.gateway.endpoint_poll import MAX_OPEN, EndpointPoll, PollSettings
from sip.errors import SipParseError
from sip.events import CapabilitiesRefused, CapabilitiesTold, OptionsReceived
from sip.flow import Flow
from tests.fakes.time import FakeTime
from tests.gateway.world import OFFER

FLOW = Flow("udp", ("192.0.2.9", 5062), ("192.0.2.1", 5060))


class Asked:
    """``AskCommands`` that remembers."""

    def __init__(self) -> None:
        self.questions: list[tuple[str, str, Flow | None, Sequence[str]]] = []

    def ask_capabilities(
        self,
        target: str,
        from_uri: str,
        via_transport: str = "udp",
        *,
        route: Sequence[str] = (),
        flow: Flow | None = None,
    ) -> str:
        if "bad" in target:
            raise SipParseError("malformed")
        self.questions.append((target, from_uri, flow, route))
        return f"question-{len(self.questions)}"


class World:
    """A poll of some registered devices."""

    def __init__(self, *names: str, interval: float = 100.0) -> None:
        self.time, self.asked, self.inventory = FakeTime(), Asked(), Inventory()
        self.ways = [Reach(name, f"sip:{name}@192.0.2.9:5062", ("sip:proxy;lr",), FLOW) for name in names]
        for name in names:
            self.inventory.saw(name, Sighting(), self.time.wall())
        settings = PollSettings(interval, lambda host: ("192.0.2.1", 5060))
        self.poll = EndpointPoll(self.asked, lambda: self.inventory, lambda: self.ways, settings, self.time.clock)

    def seconds(self, count: int) -> None:
        for _ in range(count):
            self.time.advance(1)
            self.poll.ask_next()


def test_what_a_device_tells_is_in_the_inventory() -> None:
    world = World("4001")
    world.seconds(1)
    assert world.asked.questions == [("sip:4001@192.0.2.9:5062", "sip:192.0.2.1:5060", FLOW, ("sip:proxy;lr",))]
    told = CapabilitiesTold("question-1", "Huawei TE40 V100R001C10", ("INVITE", "INFO"), OFFER)
    assert world.poll.take(told) and not world.poll.take(told)
    found = world.inventory.get("4001")
    assert found is not None
    assert (found.maker, found.methods, found.codecs) == ("Huawei", ("INVITE", "INFO"), ("PCMA", "H264"))


@pytest.mark.parametrize("description", [None, "nonsense", "v=0"])
def test_answers_without_a_description_of_use_are_taken(description: str | None) -> None:
    world = World("4001")
    world.seconds(1)
    assert world.poll.take(CapabilitiesTold("question-1", "", (), description))
    assert world.poll._open == {}


def test_each_is_asked_again_after_the_interval_and_not_all_at_once() -> None:
    world = World(*(f"d{number}" for number in range(10)))
    world.seconds(5)
    assert len(world.asked.questions) == 5
    for number in range(1, 6):
        assert world.poll.take(CapabilitiesRefused(f"question-{number}", 408, "no reply"))
    world.seconds(94)
    assert len(world.asked.questions) == 10
    world.seconds(3)
    assert [question[0] for question in world.asked.questions[10:]][:1] == ["sip:d0@192.0.2.9:5062"]


def test_questions_without_answers_are_bounded() -> None:
    world = World(*(f"d{number}" for number in range(500)), interval=10.0)
    world.seconds(30)
    assert len(world.asked.questions) == MAX_OPEN


def test_odd_contacts_and_events_of_others_do_no_harm() -> None:
    world = World("bad")
    world.ways.append(Reach("tel", "tel:+4930"))
    world.seconds(3)
    assert world.asked.questions == []
    assert not world.poll.take(OptionsReceived("sip:a@b", FLOW))
    assert not world.poll.take(CapabilitiesRefused("another", 408, ""))
