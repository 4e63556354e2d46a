"""A registered room is called by its name: by another room, and by a conference."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.e2e.checks import assert_tiles_show, until_holds
from tests.e2e.material import Source
from tests.peers.baresip import BaresipRoom, JackServer
from tests.peers.server import ServerProcess

PASSWORD = "Correct-Horse-7"


async def conferences(server: ServerProcess) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await server.api("GET", "/conferences"))["conferences"]
    return found


async def test_two_rooms_call_each_other_and_a_conference_calls_one(
    tmp_path: Path, server: ServerProcess, sources: list[Source]
) -> None:
    first, second, _ = sources
    await server.login()
    await server.api("POST", "/sip-users", {"name": "4001", "password": PASSWORD})
    async with (
        JackServer(tmp_path, f"consilium{server.sip_port}") as jack,
        BaresipRoom(
            tmp_path / "called", jack, name="Theatre", control_port=server.sip_port + 10, video=first.video,
            sound=first.sound, answers=True, transport="tcp", registers=("4001", PASSWORD, server.sip_port),
        ) as called,
        BaresipRoom(
            tmp_path / "caller", jack, name="Ward 7", control_port=server.sip_port + 11, video=second.video,
            sound=second.sound,
        ) as caller,
    ):  # fmt: skip
        async with asyncio.timeout(15):
            while "[1 binding]" not in called.log():  # the event may come before anybody listens
                await asyncio.sleep(0.1)
        await caller.dial(server.sip_uri("4001"))
        await called.wait_for("CALL_ESTABLISHED")
        async with asyncio.timeout(15):
            while not (running := await conferences(server)) or len(running[0]["participants"]) < 2:
                await asyncio.sleep(0.1)
        assert running[0]["locked"] and running[0]["title"] == "Ward 7 – 4001"

        async def sees_both() -> None:
            await called.snapshot(tmp_path / "called.png")
            picture = np.asarray(Image.open(tmp_path / "called.png").convert("RGB"))
            assert_tiles_show(picture, [second, first], [first, second])

        await until_holds(sees_both)
        await caller.hang_up()
        await called.wait_for("CALL_CLOSED")
        assert await conferences(server) == []

        await server.api("POST", "/conferences/1000/calls", {"targets": ["4001"]})
        await called.wait_for("CALL_ESTABLISHED")
        async with asyncio.timeout(15):
            while len((await server.api("GET", "/conferences/1000"))["participants"]) < 1:
                await asyncio.sleep(0.1)
