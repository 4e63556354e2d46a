"""Two rooms that call each other through the server."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import pytest

from gatekeeper.dialing import AliasDestination
from mcu.gateway.point_to_point import PointToPoint
from sip.events import CallAnswered, CallCancelled, CallEnded, CallProgress, CallRefused, IncomingCall
from sip.flow import Flow
from tests.gateway.test_dial_out import ANSWER, DialWorld, FakeLocator, Told, world
from tests.gateway.world import OFFER, USELESS

__all__ = ["world"]


@pytest.fixture
async def pair(world: DialWorld) -> AsyncIterator[DialWorld]:
    ids = itertools.count(1)
    world.dial_out.locator = FakeLocator(theatre=("sip:a@192.0.2.31",))
    service = PointToPoint(world.agent, world.base.gateway, world.base.manager, world.dial_out, lambda: f"n{next(ids)}")
    yield world
    await service.close()


def dial(world: DialWorld, alias: str = "theatre", offer: str | None = OFFER) -> None:
    event = IncomingCall(
        call_id="in-1",
        request_uri=f"sip:{alias}@192.0.2.1",
        from_uri="sip:ward@192.0.2.9",
        from_name="Ward 3",
        to_uri=f"sip:{alias}@192.0.2.1",
        user_agent="Room",
        offer=offer,
        source=Flow("udp", ("192.0.2.9", 5060), ("192.0.2.1", 5060)),
    )
    connect = world.base.gateway.entrance.connect
    assert connect is not None
    connect(event, AliasDestination(alias))


async def test_both_meet_once_the_called_one_answers_and_part_together(pair: DialWorld) -> None:
    dial(pair)
    await pair.turn()
    assert pair.agent.senders == [("sip:ward@192.0.2.1", "Ward 3")]
    pair.tell(CallProgress("out-1", 180))
    assert pair.agent.last == Told("ring", "in-1")
    pair.tell(CallAnswered("out-1", ANSWER))
    await pair.turn()

    assert pair.agent.last.what == "accept"
    assert [each.name for each in pair.base.participants()] == ["Ward 3", "theatre"]
    (conference,) = pair.base.manager.conferences()
    assert conference.locked and conference.pair and conference.title == "Ward 3 – theatre"
    pair.tell(CallEnded("in-1", "the other side hung up"))
    await pair.turn()
    assert pair.agent.last == Told("hang_up", "out-1", reason="The conference was ended")
    assert pair.base.manager.conferences() == [] and pair.base.taken == 0


async def test_a_caller_that_gives_up_stops_the_ringing(pair: DialWorld) -> None:
    dial(pair)
    await pair.turn()
    pair.base.gateway.handle(CallCancelled("in-1"))
    await pair.turn()
    assert pair.agent.last.what == "cancel" and pair.base.taken == 0


@pytest.mark.parametrize("status", [486, 603])
async def test_what_the_called_one_says_reaches_the_caller(pair: DialWorld, status: int) -> None:
    dial(pair)
    await pair.turn()
    pair.tell(CallRefused("out-1", status, "No"))
    await pair.turn()
    assert (pair.agent.last.what, pair.agent.last.status) == ("reject", status)
    assert pair.base.manager.conferences() == [] and pair.base.taken == 0


async def test_nobody_registered_is_told(pair: DialWorld) -> None:
    dial(pair, "nobody")
    await pair.turn()
    assert (pair.agent.last.what, pair.agent.last.status) == ("reject", 480)


async def test_a_caller_with_a_useless_offer_hangs_up_the_called_one(pair: DialWorld) -> None:
    dial(pair, offer=USELESS)
    await pair.turn()
    pair.tell(CallAnswered("out-1", ANSWER))
    await pair.turn()
    assert [(each.what, each.call) for each in pair.agent.told] == [("reject", "in-1"), ("hang_up", "out-1")]
    assert pair.base.manager.conferences() == [] and pair.base.taken == 0
