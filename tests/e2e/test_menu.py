"""A real room dials the menu, sees and hears it, types number and PIN, and is in the conference without a new offer."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mcu.media.codec import g711
from tests.architecture import ROOT
from tests.e2e.checks import assert_tiles_show, until_holds
from tests.e2e.material import Source
from tests.peers.baresip import BaresipRoom, JackServer
from tests.peers.server import ServerProcess
from tests.peers.sipp import Sipp, free_port


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """A server whose menu speaks."""
    prompts = tmp_path / "prompts"
    process = await asyncio.create_subprocess_exec(sys.executable, str(ROOT / "scripts/make_prompts.py"), str(prompts))
    assert await process.wait() == 0
    settings = {"menu.prompts": prompts, "menu.access_numbers": "9000"}
    async with ServerProcess(tmp_path, settings) as running:
        await running.login()
        yield running


async def press(room: BaresipRoom, keys: str) -> None:
    """Keys of the room's remote control, at the pace of fingers."""
    for key in keys:
        await room.command("sndcode", key)
        await asyncio.sleep(0.5)


async def seen(room: BaresipRoom, path: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
    await room.snapshot(path)
    return np.asarray(Image.open(path).convert("RGB"))


async def joined(server: ServerProcess, number: str, seconds: float = 20.0) -> dict[str, Any]:
    """The conference's one participant."""
    async with asyncio.timeout(seconds):
        while True:
            for conference in (await server.api("GET", "/conferences"))["conferences"]:
                if conference["number"] == number and conference["participants"]:
                    participant: dict[str, Any] = conference["participants"][0]
                    return participant
            await asyncio.sleep(0.1)


async def test_a_room_comes_through_the_menu_into_its_conference(
    tmp_path: Path, server: ServerProcess, sources: list[Source]
) -> None:
    await server.api("POST", "/conferences", {"number": "1000", "pin": "4711"})
    first = sources[0]
    async with (
        JackServer(tmp_path, f"consilium{server.sip_port}") as jack,
        BaresipRoom(
            tmp_path / "room", jack, name="Ward 7", control_port=server.sip_port + 10, video=first.video,
            sound=first.sound,
        ) as room,
    ):  # fmt: skip
        await room.dial(server.sip_uri("9000"))

        async def is_welcomed() -> None:
            page = await seen(room, tmp_path / "menu.png")
            assert (page.max(axis=2) > 200).mean() > 0.005, "no text is seen"
            assert np.sqrt(np.mean(room.heard()[-96_000:] ** 2)) > 0.01, "nothing is said"

        await until_holds(is_welcomed)
        assert (await server.api("GET", "/conferences/1000"))["participants"] == []

        await press(room, "1000#")
        await asyncio.sleep(1.0)
        await press(room, "9999#")
        await asyncio.sleep(1.5)
        assert (await server.api("GET", "/conferences/1000"))["participants"] == []
        await press(room, "4711#")
        participant = await joined(server, "1000")
        assert participant["name"] == "Ward 7"

        async def sees_itself() -> None:
            assert_tiles_show(await seen(room, tmp_path / "conference.png"), [first], [first])

        await until_holds(sees_itself)
        types = [event.get("type") for event in room.events]
        assert types.count("CALL_REMOTE_SDP") == 1 and "CALL_CLOSED" not in types, "there was a new offer"
        await room.hang_up()


def keys_as_tones(keys: str) -> bytes:
    """Keys as a person presses them who has heard the question, in sound of 8 kHz."""
    rows, columns = (697, 770, 852, 941), (1209, 1336, 1477)
    time = np.arange(1200) / 8000
    parts = [np.zeros(24_000)]
    for key in keys:
        row, column = divmod("123456789*0#".index(key), 3)
        sine = [np.sin(2 * np.pi * frequency * time) for frequency in (rows[row], columns[column])]
        parts += [0.2 * (sine[0] + sine[1]), np.zeros(1600)]
    parts.append(np.zeros(80_000))
    return g711.encode("PCMU", np.concatenate(parts).astype(np.float32))


async def test_a_room_whose_keys_are_tones_comes_through_the_menu(server: ServerProcess) -> None:
    """Neither telephone events nor INFO: gateways of old telephones send what they hear."""
    await server.api("POST", "/conferences", {"number": "1000"})
    files = {"keys.ulaw": keys_as_tones("1000#")}
    target = f"127.0.0.1:{server.sip_port}"
    async with Sipp("tones", target, "-s", "9000", "-m", "1", port=free_port(), files=files) as phone:
        participant = await joined(server, "1000")
        assert participant["name"] == "SIPp" and participant["has_audio"]
        result = await phone.result()
    assert result.succeeded, result.trouble


async def test_a_room_begins_a_new_conference(tmp_path: Path, server: ServerProcess, sources: list[Source]) -> None:
    first = sources[0]
    async with (
        JackServer(tmp_path, f"consilium{server.sip_port}") as jack,
        BaresipRoom(
            tmp_path / "room", jack, name="Ward 7", control_port=server.sip_port + 10, video=None, sound=first.sound,
        ) as room,
    ):  # fmt: skip
        await room.dial(server.sip_uri("9000"))
        await asyncio.sleep(1.0)
        await press(room, "*")
        await asyncio.sleep(2.0)
        await press(room, "1")
        async with asyncio.timeout(10):
            while not (found := (await server.api("GET", "/conferences"))["conferences"]):
                await asyncio.sleep(0.1)
        assert len(found[0]["number"]) == 6 and not found[0]["permanent"]
        await room.hang_up()
