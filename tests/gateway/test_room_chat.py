"""Messages of rooms in the chat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from mcu.gateway.room_chat import RoomChat
from sip.events import MessageReceived
from sip.flow import Flow
from tests.gateway.world import GatewayWorld, gateway_world


@pytest.fixture
async def world() -> AsyncIterator[GatewayWorld]:
    async with gateway_world() as world:
        chat = RoomChat(world.gateway, world.manager)
        yield world
        await chat.close()


def message(
    text: str, call: str = "", source: str = "192.0.2.9", sender: str = "sip:theatre2@192.0.2.9"
) -> MessageReceived:
    flow = Flow("udp", (source, 5060), ("192.0.2.1", 5060))
    return MessageReceived(call, "sip:1000@192.0.2.1", sender, "somebody else's name", text, flow)


async def written(world: GatewayWorld, *messages: MessageReceived) -> list[tuple[str, str]]:
    for one in messages:
        world.gateway.handle(one)
    for _ in range(20):
        await asyncio.sleep(0)
        await world.settle()
    return [(one.sender, one.text) for one in world.manager.chat("1000")]


async def test_a_room_writes_in_its_call_and_beside_it(world: GatewayWorld) -> None:
    await world.connect()
    found = await written(world, message("一", "call-1"), message("two\r\nlines\x07"))
    assert found == [("手术室 2", "一"), ("手术室 2", "two\nlines")]


@pytest.mark.parametrize(
    "one",
    [
        message("x", source="198.51.100.1"),
        message("x", sender="sip:other@192.0.2.9"),
        message("x", call="unknown"),
        message(" \x00\u202e "),
    ],
)
async def test_strangers_and_nothing_at_all_are_not_heard(world: GatewayWorld, one: MessageReceived) -> None:
    await world.connect()
    assert await written(world, one) == []


async def test_a_flood_is_cut_off(world: GatewayWorld) -> None:
    await world.connect()
    assert len(await written(world, *[message(str(number), "call-1") for number in range(50)])) == 8
    world.time.advance(4.0)
    assert len(await written(world, message("again", "call-1"))) == 9
