"""Rooms whose media is encrypted, by keys in the description or by DTLS, meet rooms whose media is not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.e2e.checks import assert_hears, assert_tiles_show
from tests.e2e.material import RATE, Source
from tests.peers.baresip import BaresipRoom, JackServer
from tests.peers.server import ServerProcess

KEYS = "inline:"


@pytest.mark.parametrize(
    ("encryption", "ice"), [("srtp", False), ("srtp-mand", False), ("dtls_srtp", False), ("dtls_srtp", True)]
)
async def test_an_encrypted_room_and_a_plain_one_see_and_hear_each_other(
    tmp_path: Path, server: ServerProcess, sources: list[Source], encryption: str, ice: bool
) -> None:
    first, second = sources[:2]
    await server.login()
    async with (
        JackServer(tmp_path, f"consilium{server.sip_port}") as jack,
        BaresipRoom(
            tmp_path / "first", jack, name="First room", control_port=server.sip_port + 10, video=first.video,
            sound=first.sound, encryption=encryption, ice=ice,
        ) as secure,
        BaresipRoom(
            tmp_path / "second", jack, name="Second room", control_port=server.sip_port + 11, video=second.video,
            sound=second.sound,
        ) as plain,
    ):  # fmt: skip
        await secure.dial(server.sip_uri("1000"))
        await plain.dial(server.sip_uri("1000"))
        await _until_connected(server, 2)
        for room in (secure, plain):
            await room.snapshot(tmp_path / "seen.png")
            assert_tiles_show(
                np.asarray(Image.open(tmp_path / "seen.png").convert("RGB")), [first, second], [first, second]
            )
        assert_hears(secure.heard()[-3 * RATE :], [second], own=first)
        assert_hears(plain.heard()[-3 * RATE :], [first], own=second)
        await secure.hang_up()
        await plain.hang_up()
    assert KEYS not in server.log()
    assert "Traceback" not in server.log()


async def _until_connected(server: ServerProcess, count: int) -> None:
    async with asyncio.timeout(20):
        while True:
            conference = await server.api("GET", "/conferences/1000")
            if [one["state"] for one in conference["participants"]] == ["connected"] * count:
                break
            await asyncio.sleep(0.2)
    await asyncio.sleep(4.0)  # three seconds of sound to listen to, and pictures decoded
