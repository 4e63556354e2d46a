"""A room that reaches the server over IPv6: signalling and media."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from consilium.simulated_room.clip import ClipFormat
from consilium.simulated_room.room import RoomSettings, SimulatedRoom
from consilium.simulated_room.test_card import make_test_card
from tests.peers.server import ServerProcess


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_room_over_ipv6_sends_and_receives_pictures(tmp_path: Path, transport: str) -> None:
    clip = make_test_card(ClipFormat(640, 360, 30, 700_000))
    async with ServerProcess(tmp_path, {"sip.ipv6_host": "::1"}) as server:
        await server.login()
        room = SimulatedRoom(RoomSettings(name="Six", transport=transport), clip)
        try:
            await room.call(f"sip:1000@[::1]:{server.sip_port};transport={transport}")
            async with asyncio.timeout(15):
                while room.pictures_received < 30 or room.sounds_received < 30:
                    await asyncio.sleep(0.1)
            (participant,) = (await server.api("GET", "/conferences/1000"))["participants"]
            assert participant["state"] == "connected"
        finally:
            await room.hang_up()
    assert "Traceback" not in server.log()
