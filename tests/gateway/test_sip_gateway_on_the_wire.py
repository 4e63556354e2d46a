"""The gateway on a real user agent: what rooms see of it, over a network in memory."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from mcu.conference.commands import Kick, LockConference
from mcu.ports import SYSTEM
from sip.events import CallAnswered, CallEnded, CallRefused, ReofferAnswered, ReofferRefused
from sip.message import Message, Request, Response, parse
from sip.sdp.grammar import parse as parse_sdp
from tests.gateway.world import FIRST_PORT, HOLD, OFFER, USELESS, GatewayWorld, gateway_world
from tests.sip.network import Network, Node

RAW_ROOM = ("192.0.2.50", 5060)


@dataclass
class Wire:
    """A server behind its gateway, and one room."""

    network: Network
    server: Node
    room: Node
    world: GatewayWorld

    async def run(self, seconds: float = 1.0) -> None:
        """Let this time pass on the network, and the server do what it then has to."""
        for _ in range(4):
            self.network.run(seconds / 4)
            await self.world.settle()

    async def dial(self, offer: str = OFFER, number: str = "1000") -> str:
        """The room calls; returns its handle of the call."""
        call = self.room.agent.invite(f"sip:{number}@192.0.2.2", offer, "sip:theatre2@192.0.2.9", "手术室 2")
        await self.run()
        return call

    def is_forgotten(self) -> bool:
        """After all timers nothing is left of any call on the server."""
        return self.server.agent.is_idle and not self.world.taken and not self.world.participants()

    def said_to_raw_room(self) -> list[Message]:
        """All that the server sent to the address that has no user agent."""
        return [parse(data) for _, sender, data in self.network.sent if sender == self.server.address]


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    network = Network()
    server, room = network.node("192.0.2.2"), network.node("192.0.2.9")
    async with gateway_world(server.agent) as world:
        server.on_event = world.gateway.handle
        yield Wire(network, server, room, world)


async def test_a_call_from_invite_to_bye(wire: Wire) -> None:
    call = await wire.dial()
    (answered,) = wire.room.of_type(CallAnswered)
    assert isinstance(answered, CallAnswered) and answered.answer is not None
    assert [media.port for media in parse_sdp(answered.answer).media] == [FIRST_PORT, FIRST_PORT + 2]
    assert [each.name for each in wire.world.participants()] == ["手术室 2"]

    wire.room.agent.reoffer(call, HOLD)
    await wire.run()
    assert wire.room.of_type(ReofferAnswered) and wire.world.leg().held
    wire.room.agent.reoffer(call, USELESS)
    await wire.run()
    assert wire.room.of_type(ReofferRefused) and wire.world.leg().held

    wire.room.agent.hang_up(call)
    await wire.run(40)
    assert wire.is_forgotten()


async def test_a_room_that_is_put_out_is_told_why(wire: Wire) -> None:
    await wire.dial()
    (participant,) = wire.world.participants()
    await wire.world.manager.execute(Kick(participant.id), SYSTEM)
    await wire.run(40)
    (ended,) = wire.room.of_type(CallEnded)
    assert isinstance(ended, CallEnded) and ended.reason == "You were removed from the conference"
    assert wire.is_forgotten()


async def test_a_refusal_says_why_in_status_line_and_warning(wire: Wire) -> None:
    await wire.dial(USELESS)
    await wire.dial(number="lobby")
    await wire.dial()
    await wire.world.manager.execute(LockConference("1000", True), SYSTEM)
    await wire.dial()
    refusals = [event for event in wire.room.of_type(CallRefused) if isinstance(event, CallRefused)]
    assert [(each.status, each.reason) for each in refusals] == [
        (488, "Not acceptable here"),
        (404, "There is no room with this number."),
        (480, "The conference is locked."),
    ]
    assert refusals[0].warning.startswith("305 no audio codec in common, we speak opus")
    assert refusals[1].warning == "399 There is no room with this number."


async def test_a_cancel_while_joining(wire: Wire) -> None:
    wire.world.media.gate = asyncio.Event()
    call = wire.room.agent.invite("sip:1000@192.0.2.2", OFFER, "sip:theatre2@192.0.2.9")
    wire.network.run(1)
    await wire.world.media.waiting.wait()
    wire.room.agent.cancel(call)
    wire.network.run(1)
    wire.world.media.gate.set()
    await wire.run(40)
    (refused,) = wire.room.of_type(CallRefused)
    assert isinstance(refused, CallRefused) and refused.status == 487
    assert wire.is_forgotten()


async def test_a_room_that_never_confirms_is_forgotten(wire: Wire) -> None:
    wire.network.drop = lambda data, sender, receiver: data.startswith(b"ACK")
    await wire.dial()
    await wire.run(200)
    assert wire.is_forgotten()


def raw(method: str, number: int, branch: int, body: str = "", to_tag: str = "") -> bytes:
    """A request of a room that is no user agent of ours."""
    lines = [
        f"{method} sip:1000@192.0.2.2 SIP/2.0",
        f"Via: SIP/2.0/UDP {RAW_ROOM[0]}:5060;branch=z9hG4bK{branch}",
        "Max-Forwards: 70",
        "From: <sip:theatre@192.0.2.50>;tag=f",
        f"To: <sip:1000@192.0.2.2>{f';tag={to_tag}' if to_tag else ''}",
        "Call-ID: late",
        f"CSeq: {number} {method}",
        "Contact: <sip:theatre@192.0.2.50>",
        f"Content-Length: {len(body)}",
    ]
    if body:
        lines.append("Content-Type: application/sdp")
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


async def test_a_late_offer_and_a_request_for_another(wire: Wire) -> None:
    branches = itertools.count(1)

    async def say(method: str, number: int, body: str = "", to_tag: str = "") -> Response:
        wire.network.inject(raw(method, number, next(branches), body, to_tag), RAW_ROOM, wire.server)
        await wire.run()
        last = wire.said_to_raw_room()[-1]
        assert isinstance(last, Response)
        return last

    offered = await say("INVITE", 1)
    assert offered.status == 200
    offer, tag = parse_sdp(offered.body.decode()), offered.to_address.tag or ""
    assert [media.port for media in offer.media] == [FIRST_PORT + 2 * place for place in range(5)]

    answer = OFFER.replace("96", "102")
    await say("ACK", 1, answer, tag)
    leg = wire.world.leg()
    assert leg.video is not None and leg.video.send_codec.payload_type == 102

    again = await say("INVITE", 2, "", tag)
    assert (again.status, again.cseq.number) == (200, 2)
    second = parse_sdp(again.body.decode())
    assert second == offer, "nothing has changed, so the version has not either"
    await say("ACK", 2, answer.replace("30002", "30012"), tag)
    assert "30012" in wire.world.leg().model_dump_json()

    await say("BYE", 3, "", tag)
    await wire.run(40)
    assert wire.is_forgotten()
    assert not any(isinstance(each, Request) and each.method == "BYE" for each in wire.said_to_raw_room())
