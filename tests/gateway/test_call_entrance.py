"""Calls that come in: they become participants, are refused, or given up at the door."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from mcu.conference.commands import LockConference, SetPin
from mcu.conference.door.rooms import Room
from mcu.media.spec import Address
from mcu.ports import SYSTEM, MediaError
from sip.events import (
    CallCancelled,
    CallConfirmed,
    CallEnded,
)
from tests.gateway.world import (
    FIRST_PORT,
    MALFORMED,
    OFFER,
    PAIRS,
    USELESS,
    GatewayWorld,
    gateway_world,
    nothing_is_left,
    ports_of,
    sent,
    transport_of,
)


@pytest.fixture
async def world() -> AsyncIterator[GatewayWorld]:
    async with gateway_world() as world:
        yield world


async def test_a_call_becomes_a_participant_and_is_answered(world: GatewayWorld) -> None:
    participant = await world.connect()

    assert (participant.name, participant.kind) == ("手术室 2", "sip")
    assert ports_of(world.agent.last.sdp) == [("audio", FIRST_PORT), ("video", FIRST_PORT + 2)]
    assert sent(world.agent.last.sdp).connection is not None
    assert "192.0.2.1" in str(world.agent.last.sdp)  # the address that the INVITE came to
    assert transport_of(world).audio_remote == Address(host="192.0.2.9", port=30000)
    assert transport_of(world).local_host == "0.0.0.0"
    world.gateway.handle(CallConfirmed("call-1"))
    await world.settle()
    assert len(world.media.history) == 1
    assert world.taken == 2


async def test_a_room_without_a_display_name_is_shown_by_its_number(world: GatewayWorld) -> None:
    assert (await world.connect(name="")).name == "theatre2"


@pytest.mark.parametrize(
    ("public_address", "media_host", "told"),
    [("203.0.113.5", "0.0.0.0", "203.0.113.5"), (None, "192.0.2.77", "192.0.2.77"), (None, "::", "192.0.2.1")],
)
async def test_rooms_are_told_an_address_that_they_can_reach(
    public_address: str | None, media_host: str, told: str
) -> None:
    async with gateway_world(public_address=public_address, media_host=media_host) as world:
        await world.connect()
        connection = sent(world.agent.last.sdp).connection
        assert connection is not None and connection.address == told
        assert transport_of(world).local_host == media_host


NEAR = ["192.0.2.0/24", "10.0.0.0/8"]


@pytest.mark.parametrize(
    ("source", "media", "told"),
    [
        ("192.0.2.9", "192.0.2.9", "192.0.2.1"),
        ("192.0.2.9", "room.example", "192.0.2.1"),
        ("198.51.100.9", "198.51.100.9", "203.0.113.5"),
        ("198.51.100.9", "10.0.0.7", "203.0.113.5"),  # behind a NAT of its own
        ("192.0.2.9", "198.51.100.9", "203.0.113.5"),  # far away, through a proxy nearby
    ],
)
async def test_rooms_nearby_are_told_the_local_address(source: str, media: str, told: str) -> None:
    async with gateway_world(public_address="203.0.113.5", local_networks=NEAR) as world:
        await world.connect(offer=OFFER.replace("c=IN IP4 192.0.2.9", f"c=IN IP4 {media}"), source=source)
        connection = sent(world.agent.last.sdp).connection
        assert connection is not None and connection.address == told


async def test_a_caller_nearby_without_an_offer_is_told_the_local_address() -> None:
    async with gateway_world(public_address="203.0.113.5", local_networks=NEAR) as world:
        await world.connect(offer=None)
        connection = sent(world.agent.last.sdp).connection
        assert connection is not None and connection.address == "192.0.2.1"


# Refusals


@pytest.mark.parametrize(
    ("dialled", "offer", "status", "warning"),
    [
        ("", OFFER, 404, None),
        ("nobody", OFFER, 404, 399),
        ("1000*12x", OFFER, 404, None),
        ("1000", MALFORMED, 400, 399),
        ("1000", USELESS, 488, 305),
        ("1000", OFFER.replace("RTP/AVP ", "RTP/SAVP "), 488, 302),
    ],
)
async def test_what_cannot_be_is_refused_in_so_many_words(
    world: GatewayWorld, dialled: str, offer: str, status: int, warning: int | None
) -> None:
    uri = "sip:192.0.2.1" if not dialled else f"sip:{dialled}@192.0.2.1"
    world.call(uri=uri, offer=offer)
    await world.settle()
    told = world.agent.last
    assert (told.what, told.status) == ("reject", status)
    assert told.reason
    assert (told.warning.code if told.warning else None) == warning
    assert nothing_is_left(world)


async def test_a_room_with_a_pin_lets_in_who_dials_it_along(world: GatewayWorld) -> None:
    await world.rooms.add(Room("1000", "", None, ""))
    await world.manager.execute(SetPin("1000", "4711"), SYSTEM)

    world.call("wrong", dialled="1000*4712")
    await world.settle()
    assert (world.agent.last.what, world.agent.last.status) == ("reject", 403)
    assert nothing_is_left(world)
    await world.connect("right", dialled="1000*4711")


async def test_guessing_pins_is_slowed_down(world: GatewayWorld) -> None:
    await world.rooms.add(Room("1000", "", None, ""))
    await world.manager.execute(SetPin("1000", "4711"), SYSTEM)
    for guess in range(6):
        world.call(f"guess-{guess}", dialled=f"1000*{guess:04}")
        await world.settle()
    told = world.agent.last
    assert (told.what, told.status) == ("reject", 480)
    assert told.retry_after is not None and told.retry_after > 0
    assert nothing_is_left(world)


async def test_a_locked_and_a_full_conference_and_a_server_without_ports_refuse(world: GatewayWorld) -> None:
    others = [world.ports.take() for _ in range(PAIRS - 4)]
    await world.connect("call-1")
    await world.manager.execute(LockConference("1000", True), SYSTEM)
    world.call("call-2")
    await world.settle()
    assert (world.agent.last.status, world.agent.last.reason) == (480, "The conference is locked.")

    await world.manager.execute(LockConference("1000", False), SYSTEM)
    await world.connect("call-3")
    assert world.taken == PAIRS
    world.call("call-busy")
    await world.settle()
    assert (world.agent.last.status, world.agent.last.reason) == (486, "The conference is full.")
    world.call("call-4", dialled="2000")
    await world.settle()
    assert (world.agent.last.status, world.agent.last.retry_after) == (503, 60)  # no ports
    world.gateway.handle(CallEnded("call-3", "left"))
    await world.settle()
    await world.connect("call-5")
    world.gateway.handle(CallEnded("call-1", "left"))
    await world.settle()
    assert world.taken == len(others) + 2


async def test_a_media_worker_in_trouble_is_told_as_such(world: GatewayWorld) -> None:
    world.media.refuse = MediaError("no media worker answers")
    world.call()
    await world.settle()
    assert (world.agent.last.what, world.agent.last.status) == ("reject", 503)
    assert nothing_is_left(world)


async def test_an_unforeseen_error_refuses_the_call_and_is_logged(
    world: GatewayWorld, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(number: str) -> Room | None:
        raise LookupError("a fault of the database")

    world.rooms.get = fail  # type: ignore[method-assign]
    world.call()
    await world.settle()
    assert (world.agent.last.what, world.agent.last.status) == ("reject", 500)
    assert nothing_is_left(world)
    assert "SIP gateway" in caplog.text and "a fault of the database" in caplog.text


async def test_a_scanner_fills_no_log(world: GatewayWorld, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for number in range(50):
        world.call(f"scan-{number}", dialled=f"x{number}", source="198.51.100.66")
    world.call("other", dialled="x", source="198.51.100.67")
    await world.settle()
    assert len(world.agent.told) == 51
    assert len([record for record in caplog.records if "refused" in record.message]) == 2


# Giving up at the door


async def test_a_cancel_right_behind_the_invite(world: GatewayWorld) -> None:
    world.call()
    world.agent.gone.add("call-1")
    world.gateway.handle(CallCancelled("call-1"))
    await world.settle()
    assert world.agent.told == []
    assert world.media.history == []
    assert nothing_is_left(world)


async def test_a_cancel_while_the_media_are_set_up(world: GatewayWorld) -> None:
    world.media.gate = asyncio.Event()
    world.call()
    await world.media.waiting.wait()
    world.agent.gone.add("call-1")
    world.gateway.handle(CallCancelled("call-1"))
    assert world.taken == 2  # the worker may have bound them
    world.media.gate.set()
    await world.settle()
    assert world.agent.told == []
    assert nothing_is_left(world)
    assert world.media.only.legs == ()


async def test_a_cancel_while_the_media_fail(world: GatewayWorld) -> None:
    world.media.gate, world.media.refuse = asyncio.Event(), MediaError("port taken")
    world.call()
    await world.media.waiting.wait()
    world.agent.gone.add("call-1")
    world.gateway.handle(CallCancelled("call-1"))
    world.media.gate.set()
    await world.settle()
    assert nothing_is_left(world)


async def test_a_cancel_whose_event_is_still_to_come(world: GatewayWorld) -> None:
    world.agent.gone.add("call-1")
    world.call()
    await world.settle()
    world.gateway.handle(CallCancelled("call-1"))
    await world.settle()
    assert nothing_is_left(world)


async def test_a_refusal_of_a_call_that_was_given_up_is_no_trouble(world: GatewayWorld) -> None:
    world.agent.gone.add("call-1")
    world.call(offer=USELESS)
    world.gateway.handle(CallCancelled("call-1"))
    await world.settle()
    assert nothing_is_left(world)
