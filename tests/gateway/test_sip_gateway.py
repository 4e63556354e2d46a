"""How calls end, by the room, by the conference or by the media; and what is asked for in them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from mcu.conference.commands import EndConference, Kick
from mcu.gateway.call_info import MEDIA_CONTROL
from mcu.media.facts import KeyFrameWanted, LegFailed, LegSilent
from mcu.ports import SYSTEM
from sip.events import (
    CallEnded,
    InfoReceived,
    OptionsReceived,
    ReofferReceived,
)
from sip.flow import Flow
from tests.gateway.world import (
    HOLD,
    OFFER,
    GatewayWorld,
    gateway_world,
    nothing_is_left,
)


@pytest.fixture
async def world() -> AsyncIterator[GatewayWorld]:
    async with gateway_world() as world:
        yield world


async def test_the_bye_of_a_room_frees_everything(world: GatewayWorld) -> None:
    await world.connect()
    world.gateway.handle(CallEnded("call-1", "the other side hung up"))
    await world.settle()
    assert nothing_is_left(world)
    assert world.media.only.legs == ()
    assert [told.what for told in world.agent.told] == ["accept"]


# The conference acts


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (lambda participant: Kick(participant), "You were removed from the conference"),
        (lambda participant: EndConference("1000"), "The conference was ended"),
    ],
)
async def test_the_conference_ends_a_call(
    world: GatewayWorld, command: Callable[[str], Kick | EndConference], text: str
) -> None:
    participant = await world.connect()
    await world.manager.execute(command(participant.id), SYSTEM)
    await world.settle()
    assert (world.agent.last.what, world.agent.last.reason) == ("hang_up", text)
    world.gateway.handle(CallEnded("call-1", text))
    await world.settle()
    assert nothing_is_left(world)


async def test_a_conference_that_ends_before_the_answer_is_sent(world: GatewayWorld) -> None:
    world.media.gate = asyncio.Event()
    world.call()
    await world.media.waiting.wait()
    ending = asyncio.create_task(world.manager.execute(EndConference("1000"), SYSTEM))
    await asyncio.sleep(0)
    world.media.gate.set()
    await ending
    await world.settle()
    assert "hang_up" in [told.what for told in world.agent.told]
    assert nothing_is_left(world)


async def test_ending_a_call_that_is_gone_is_no_trouble(world: GatewayWorld) -> None:
    participant = await world.connect()
    world.agent.gone.add("call-1")
    await world.gateway.request_key_frame(participant.id)
    await world.gateway.end(participant.id, "kicked")
    await world.gateway.end(participant.id, "kicked")
    await world.gateway.request_key_frame(participant.id)
    assert world.taken == 0


# Facts


async def test_a_leg_that_fails_ends_its_call(world: GatewayWorld) -> None:
    participant = await world.connect()
    world.media.report(LegFailed(conference=world.media.only.id, leg=participant.id, reason="port taken"))
    await world.settle()
    assert (world.agent.last.what, world.agent.last.reason) == ("hang_up", "The media path failed")
    assert nothing_is_left(world)


async def test_a_silent_room_is_hung_up_unless_it_holds(world: GatewayWorld) -> None:
    participant = await world.connect()

    def silent(seconds: float) -> None:
        world.media.report(LegSilent(conference=world.media.only.id, leg=participant.id, seconds=seconds))

    world.gateway.handle(ReofferReceived("call-1", HOLD))
    await world.settle()
    silent(600)
    world.gateway.handle(ReofferReceived("call-1", OFFER))
    await world.settle()
    silent(59)
    await world.settle()
    assert world.agent.last.what == "answer_reoffer"
    silent(60)
    silent(65)
    await world.settle()
    assert (world.agent.last.what, world.agent.last.reason) == ("hang_up", "No media was received")
    assert [told.what for told in world.agent.told].count("hang_up") == 1
    assert nothing_is_left(world)


async def test_key_frames_are_asked_for_both_ways(world: GatewayWorld) -> None:
    participant = await world.connect()
    conference = world.media.only.id
    world.media.report(KeyFrameWanted(conference=conference, leg=participant.id))
    await world.settle()
    assert (world.agent.last.what, world.agent.last.reason) == ("send_info", MEDIA_CONTROL)

    body = (
        b"<media_control><vc_primitive><to_encoder><picture_fast_update/></to_encoder></vc_primitive></media_control>"
    )
    world.gateway.handle(InfoReceived("call-1", "Application/Media_Control+XML; charset=utf-8", body))
    assert world.media.key_frames == [(conference, participant.id)]
    world.gateway.handle(InfoReceived("call-1", MEDIA_CONTROL, b"<media_control/>"))
    world.gateway.handle(InfoReceived("call-1", "application/dtmf-relay", body))
    world.gateway.handle(InfoReceived("stranger", MEDIA_CONTROL, body))
    world.gateway.handle(OptionsReceived("sip:x@y", Flow("udp", ("192.0.2.9", 5060), ("192.0.2.1", 5060))))
    assert len(world.media.key_frames) == 1


async def test_stopping_gives_up_what_is_under_way(world: GatewayWorld) -> None:
    world.media.gate = asyncio.Event()
    world.call()
    await world.media.waiting.wait()
    await world.gateway.close()
    assert (world.agent.last.what, world.agent.last.status) == ("reject", 500)
    world.media.gate.set()
    await world.settle()
    assert nothing_is_left(world)
