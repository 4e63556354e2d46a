"""Keys of rooms that come and go by SIP INFO."""

from __future__ import annotations

import pytest

from mcu.conference.commands import SendDigits
from mcu.conference.keypad import SAME_PRESS
from mcu.conference.steering import LAYOUT_STEPS
from mcu.media.facts import DigitPressed
from mcu.ports import SYSTEM
from sip.events import InfoReceived
from tests.gateway.world import GatewayWorld, gateway_world


@pytest.fixture
async def world():
    async with gateway_world() as made:
        yield made


def layout(world: GatewayWorld) -> str | None:
    (leg,) = world.media.only.legs
    return leg.layout


async def press(world: GatewayWorld, body: bytes, content_type: str = "application/dtmf-relay") -> None:
    world.gateway.handle(InfoReceived("call-1", content_type, body))
    await world.manager.settle()


async def test_a_key_by_info_steers_what_the_room_sees(world):
    await world.connect()
    await press(world, b"Signal=8\r\nDuration=160\r\n")
    assert layout(world) == LAYOUT_STEPS[1]
    world.time.advance(SAME_PRESS)
    await press(world, b"8", "application/dtmf")
    assert layout(world) == LAYOUT_STEPS[2]


async def test_a_key_that_came_as_event_already_counts_once(world):
    participant = await world.connect()
    world.media.report(DigitPressed(conference=world.media.only.id, leg=participant.id, digit="8"))
    world.time.advance(0.2)
    await press(world, b"Signal=8\r\nDuration=160\r\n")
    assert layout(world) == LAYOUT_STEPS[1]


async def test_what_is_no_key_is_ignored(world):
    await world.connect()
    told = len(world.media.history)
    await press(world, b"Signal=hookflash\r\n")
    await press(world, b"8", "text/plain")
    assert len(world.media.history) == told


async def test_keys_go_to_rooms_without_telephone_events_by_info(world):
    participant = await world.connect()
    audio = participant.leg.audio.model_copy(update={"dtmf_payload_type": None})
    await world.manager.replace_leg(participant.id, participant.leg.model_copy(update={"audio": audio}))
    await world.manager.execute(SendDigits(participant.id, "1#"), SYSTEM)
    assert world.agent.bodies == [b"Signal=1\r\nDuration=160\r\n", b"Signal=#\r\nDuration=160\r\n"]
