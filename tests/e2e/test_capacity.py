"""A server that has few ports: rooms that call it are lowered, then refused; and one that measures its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from consilium.simulated_room.room import CallFailed, RoomSettings, SimulatedRoom
from tests.peers.server import ServerProcess

pytestmark = pytest.mark.e2e


def room(name: str) -> SimulatedRoom:
    return SimulatedRoom(RoomSettings(name=name, user=name), None)


async def test_rooms_are_lowered_and_at_last_refused_with_a_reason(tmp_path: Path) -> None:
    """1080p30 with its decoding takes 1.28 ports, 720p30 0.64, standard definition 0.32."""
    rooms = [room(name) for name in ("one", "two", "three")]
    async with ServerProcess(tmp_path, {"media.capacity_ports": 1.1}) as server:
        await server.login()
        try:
            await rooms[0].call(server.sip_uri("1001"))
            await rooms[1].call(server.sip_uri("1002"))
            told = await server.api("GET", "/capacity")
            assert told["total"] == 1.1
            assert [one["ports"] for one in told["conferences"]] == pytest.approx([0.64, 0.32], abs=0.02)
            with pytest.raises(CallFailed) as refused:
                await rooms[2].call(server.sip_uri("1003"))
            assert refused.value.status == 503
            assert "capacity" in str(refused.value)
            assert [one["number"] for one in (await server.api("GET", "/capacity"))["conferences"]] == ["1001", "1002"]
        finally:
            for one in rooms:
                await one.hang_up()


async def test_a_server_that_is_not_told_measures_its_ports(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path)
    del server.settings["media.capacity_ports"]
    async with server:
        await server.login()
        told = await server.api("GET", "/capacity")
        assert told["total"] > 0.1
        assert told["used"] == 0.0
        assert "ports (a picture of 1080p takes" in server.log()
