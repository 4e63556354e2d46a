"""Keys of rooms that come and go by SIP INFO."""

from __future__ import annotations

import pytest

from mcu.conference.commands import MoveCamera, SendDigits
from mcu.conference.people.keypad import SAME_PRESS
from mcu.conference.picture.steering import LAYOUT_STEPS
from mcu.media.facts import DigitPressed
from mcu.media.spec import CameraRequest
from mcu.ports import SYSTEM
from sip.events import CallEnded, InfoReceived
from tests.gateway.world import OFFER, GatewayWorld, gateway_world


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


async def test_a_room_that_offers_camera_control_gets_a_camera_line_in_its_leg(world):
    offer = OFFER.rstrip() + "\r\nm=application 30010 RTP/AVP 100\r\na=rtpmap:100 H224/4800\r\na=sendrecv\r\n"
    participant = await world.connect(offer=offer)
    leg = participant.leg
    assert leg.camera is not None and leg.camera.payload_type == 100
    assert leg.transport.camera_port != 0 and leg.transport.camera_remote.port == 30010
    await world.manager.execute(MoveCamera(participant.id, CameraRequest(action="move", pan=1, seconds=1)), SYSTEM)
    assert world.media.camera_requests == [(participant.id, CameraRequest(action="move", pan=1, seconds=1))]
    world.gateway.handle(CallEnded("call-1", "bye", None))
    await world.settle()
    assert world.taken == 0
