"""A media worker is killed in the middle of a recorded call: nobody redials or renegotiates, all see all again."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.async_api import Page

from consilium.simulated_room.clip import ClipFormat, load_clip
from consilium.simulated_room.room import RoomSettings, SimulatedRoom
from mcu.media.units import CodedPicture
from recorder.store import RecordingStore
from tests.e2e.checks import assert_tiles_show
from tests.e2e.material import Source
from tests.peers.baresip import BaresipRoom, JackServer
from tests.peers.chromium import Chromium, look, wait_for_picture
from tests.peers.server import ServerProcess

logger = logging.getLogger(__name__)

# What users are promised on a machine that has much other work; the benchmark says how long it really takes.
LONGEST_PAUSE = 5.0
PATIENCE = 10.0
# At most this much of a recording is lost (requirement REC-2).
LONGEST_LOSS = 0.5

# Keeps the instants, in ms since the epoch, at which the page showed a new picture.
_WATCH = """
() => {
  window.shown = [];
  const video = document.querySelector('#remote-video');
  const note = () => { window.shown.push(Date.now()); video.requestVideoFrameCallback(note); };
  video.requestVideoFrameCallback(note);
}
"""


async def test_a_killed_worker_is_replaced_while_calls_and_recording_go_on(
    tmp_path: Path, server: ServerProcess, sources: list[Source]
) -> None:
    first, second, third = sources
    await server.login()
    arrivals: list[float] = []

    def picture_came(unit: CodedPicture) -> None:
        arrivals.append(time.time())

    clip = await asyncio.to_thread(load_clip, second.clip, ClipFormat(), 10.0)
    simulated = SimulatedRoom(RoomSettings(name="Second room", encryption="sdes"), clip, on_picture=picture_came)
    async with (
        JackServer(tmp_path, f"consilium{server.sip_port}") as jack,
        BaresipRoom(
            tmp_path / "first", jack, name="First room", control_port=server.sip_port + 10, video=first.video,
            sound=first.sound,
        ) as room,
        Chromium(third.camera, third.sound) as chromium,
    ):  # fmt: skip
        try:
            await room.dial(server.sip_uri("1000"))
            await simulated.call(server.sip_uri("1000"))
            page = await chromium.page()
            await page.goto(f"{server.url}/?room=1000&name=Third")
            await page.click("#join-button")
            await wait_for_picture(page)
            await page.evaluate(_WATCH)
            asked: list[str] = []
            page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
            recording = await server.api("POST", "/conferences/1000/recording")
            await asyncio.sleep(5.0)

            worker = server.worker_pid()
            killed_at = time.time()
            os.kill(worker, signal.SIGKILL)
            await _until_a_picture_comes_after(arrivals, killed_at)
            await page.wait_for_function(
                "(killed) => window.shown.filter((at) => at > killed + 300).length > 30",
                arg=killed_at * 1000,
                timeout=PATIENCE * 1000,
            )
            await _until_everybody_is_shown(page, sources)
            await room.snapshot(tmp_path / "first.png")
            browser_sees = await look(page)
            shown = [at / 1000 for at in await page.evaluate("() => window.shown")]
            await server.api("DELETE", "/conferences/1000/recording")
        finally:
            await simulated.hang_up()

    assert simulated.reoffers_received == 0
    assert not [each for each in asked if each.endswith(("/media", "/join")) or "/?room=" in each]
    assert not [event for event in room.events if event["type"] in ("CALL_CLOSED", "CALL_REMOTE_SDP")][1:]
    room_pause, browser_pause = _pause_around(arrivals, killed_at), _pause_around(shown, killed_at)
    logger.info("picture back after %.2f s in the room, %.2f s in the browser", room_pause, browser_pause)
    assert room_pause < LONGEST_PAUSE
    assert browser_pause < LONGEST_PAUSE
    assert_tiles_show(np.asarray(Image.open(tmp_path / "first.png").convert("RGB")), sources, sources)
    assert_tiles_show(browser_sees, sources, sources)
    _assert_recording_goes_on(server, recording["id"], killed_at)


def _assert_recording_goes_on(server: ServerProcess, recording_id: str, killed_at: float) -> None:
    """Two parts: the first reaches to the kill, less what may be lost; the second was begun afterwards."""
    store = RecordingStore(Path(str(server.settings["data"])) / "recordings")
    parts = store.open(recording_id).parts
    assert len(parts) == 2
    before, after = (part.summary for part in parts)
    end = before.header.started + before.duration
    logger.info("the recording's first part ends %.2f s before the kill", killed_at - end)
    assert killed_at - LONGEST_LOSS < end <= killed_at + 0.1
    assert killed_at < after.header.started < killed_at + LONGEST_PAUSE
    assert after.duration > 1.0


async def _until_a_picture_comes_after(arrivals: list[float], instant: float) -> None:
    async with asyncio.timeout(PATIENCE):
        while not arrivals or arrivals[-1] < instant + 0.3:
            await asyncio.sleep(0.05)


async def _until_everybody_is_shown(page: Page, sources: list[Source]) -> None:
    """The composite is back at once; a source joins it with its next key frame."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                assert_tiles_show(await look(page), sources, sources)
                return
            except AssertionError:
                await asyncio.sleep(0.2)


def _pause_around(instants: list[float], killed_at: float) -> float:
    """The longest time without a new picture, from just before the kill on."""
    times = [at for at in instants if at > killed_at - 1.0]
    return float(np.diff(np.asarray(times)).max())
