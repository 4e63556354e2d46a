"""A real room puts the call on hold and takes it back: the same call, the same ports, the picture is there again."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import numpy as np
from PIL import Image

from tests.e2e.checks import assert_tiles_show, until_holds
from tests.e2e.material import Source
from tests.peers.baresip import BaresipRoom, JackServer
from tests.peers.server import ServerProcess


async def test_hold_and_resume(tmp_path: Path, server: ServerProcess, sources: list[Source]) -> None:
    source = sources[0]
    await server.login()
    async with (
        JackServer(tmp_path, f"consilium{server.sip_port}") as jack,
        BaresipRoom(
            tmp_path / "room", jack, name="Room", control_port=server.sip_port + 10, video=source.video,
            sound=source.sound,
        ) as room,
    ):  # fmt: skip
        await room.dial(server.sip_uri("1000"))
        before = await _until_state(server, "connected")
        await room.command("hold")
        await _until_state(server, "held")
        await room.command("resume")
        after = await _until_state(server, "connected")
        assert after["id"] == before["id"]

        async def sees_itself() -> None:
            await room.snapshot(tmp_path / "seen.png")
            assert_tiles_show(np.asarray(Image.open(tmp_path / "seen.png").convert("RGB")), [source], sources)

        await until_holds(sees_itself)
        ports = set(re.findall(r"video' established, receiving from 127\.0\.0\.1:(\d+)", room.log()))
        assert len(ports) <= 1, "the server's port for pictures changed"
        await room.hang_up()
    assert "Traceback" not in server.log()


async def _until_state(server: ServerProcess, state: str) -> dict[str, str]:
    async with asyncio.timeout(15):
        while True:
            conference = await server.api("GET", "/conferences/1000")
            found: list[dict[str, str]] = conference["participants"]
            if [participant["state"] for participant in found] == [state]:
                return found[0]
            await asyncio.sleep(0.2)
