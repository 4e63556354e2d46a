"""The server calls real rooms, which answer, refuse, or do not answer at all."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from tests.e2e.checks import assert_tiles_show
from tests.e2e.material import Source
from tests.peers.baresip import BaresipRoom, JackServer
from tests.peers.chromium import Chromium, look, wait_for_picture
from tests.peers.server import ServerProcess
from tests.peers.sipp import Sipp


@pytest.fixture
async def server(tmp_path: Path) -> Any:
    """A server that may call this machine."""
    async with ServerProcess(tmp_path, {"dial_out.networks": "127.0.0.0/8"}) as process:
        await process.login()
        yield process


async def _until(server: ServerProcess, number: str, wanted: str, seconds: float = 20.0) -> dict[str, Any]:
    """The conference's only call once it is in this state."""
    async with asyncio.timeout(seconds):
        while True:
            calls = (await server.api("GET", f"/conferences/{number}/calls"))["calls"]
            if [call["state"] for call in calls] == [wanted]:
                found: dict[str, Any] = calls[0]
                return found
            await asyncio.sleep(0.1)


async def _until_tiles_show(page: Page, shown: list[Source]) -> None:
    """The first pictures of a call come in whatever quality the network was thought to have."""
    for _ in range(5):
        await asyncio.sleep(2.0)
        with contextlib.suppress(AssertionError):
            assert_tiles_show(await look(page), shown, shown)
            return
    assert_tiles_show(await look(page), shown, shown)


async def test_a_room_that_is_called_answers_and_sees_and_is_seen(
    tmp_path: Path, server: ServerProcess, sources: list[Source]
) -> None:
    first, _, third = sources
    room_port = server.sip_port + 30
    async with (
        JackServer(tmp_path, f"consilium{server.sip_port}") as jack,
        BaresipRoom(
            tmp_path / "room", jack, name="Called room", control_port=server.sip_port + 10, video=first.video,
            sound=first.sound, sip_port=room_port, answers=True,
        ) as room,
        Chromium(third.camera, third.sound) as chromium,
    ):  # fmt: skip
        page = await chromium.page()
        await page.goto(f"{server.url}/?room=1000&name=Dr.%20Chen")
        await page.click("#join-button")
        await wait_for_picture(page)

        calls = await server.api(
            "POST", "/conferences/1000/calls", {"targets": [f"sip:calledroom@127.0.0.1:{room_port}"]}
        )
        assert calls["calls"][0]["state"] == "dialling"
        await room.wait_for("CALL_ESTABLISHED")
        async with asyncio.timeout(20):
            while True:
                view = await server.api("GET", "/conferences/1000")
                states = [person["state"] for person in view["participants"]]
                if states == ["connected", "connected"] and view["calls"] == []:
                    break
                await asyncio.sleep(0.1)
        assert [person["kind"] for person in view["participants"]] == ["browser", "sip"]
        await _until_tiles_show(page, [third, first])

        await server.api("DELETE", f"/participants/{view['participants'][1]['id']}")
        await room.wait_for("CALL_CLOSED")


async def test_a_busy_room_is_told_of_and_tried_again_until_it_is_given_up(server: ServerProcess) -> None:
    port = server.sip_port + 31
    async with Sipp("busy", "-m", "1", port=port):
        await asyncio.sleep(0.5)
        await server.api("POST", "/conferences/1001/calls", {"targets": [f"sip:room@127.0.0.1:{port}"], "retries": 3})
        call = await _until(server, "1001", "waiting")
    assert (call["status"], call["attempt"], call["attempts"]) == (486, 1, 4)
    assert (await server.api("GET", "/conferences/1001"))["active"]
    await server.api("DELETE", f"/conferences/1001/calls/{call['id']}")
    assert (await server.api("GET", "/conferences/1001/calls"))["calls"] == []


async def test_a_call_that_rings_is_cancelled(server: ServerProcess) -> None:
    port = server.sip_port + 32
    async with Sipp("ring_until_cancelled", "-m", "1", port=port) as ringing:
        await asyncio.sleep(0.5)
        await server.api("POST", "/conferences/1002/calls", {"targets": [f"sip:room@127.0.0.1:{port}"]})
        await _until(server, "1002", "ringing")
        await server.api("DELETE", "/conferences/1002/calls")
        result = await ringing.result()
    assert result.succeeded, result.trouble


async def test_strangers_are_not_called(server: ServerProcess) -> None:
    for target in ("sip:premium@192.0.2.1", "sip:a@evil.example", "nobody", "tel:+8613800000000"):
        problem = await server.api("POST", "/conferences/1003/calls", {"targets": [target]}, expect=(403, 422))
        assert problem["code"] in ("call_not_allowed", "invalid"), target
    conferences = (await server.api("GET", "/conferences"))["conferences"]
    assert [conference["number"] for conference in conferences] == []
