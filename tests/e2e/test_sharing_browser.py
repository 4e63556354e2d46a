"""A room shares and a browser sees it large, a room without a second picture in its own; then the browser shares."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from playwright.async_api import Page

from consilium.simulated_room.clip import load_clip
from layouts.sharing import beside_content
from sip.bfcp.client import FloorState
from tests.e2e.checks import ALIKE, luma
from tests.e2e.material import Source, likeness, thumbnail
from tests.e2e.test_sharing_rooms import FACE, PATIENCE, SLIDES, Screen, room
from tests.peers.baresip import BaresipRoom, JackServer
from tests.peers.chromium import Chromium, look, wait_for_picture
from tests.peers.server import ServerProcess

# Keeps what the person chose to share where the test can look at it.
_WATCH_OWN_SCREEN = """
const real = navigator.mediaDevices.getDisplayMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getDisplayMedia = async (options) => {
  const stream = await real(options);
  const video = document.createElement("video");
  video.id = "own-screen";
  video.muted = true;
  video.srcObject = stream.clone();
  video.play();
  document.body.append(video);
  return stream;
};
"""


def alike(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> float:
    """Correlation of two pictures' luma."""
    return float(thumbnail(luma(one)) @ thumbnail(luma(other)))


async def until_browser_sees(page: Page, source: Source) -> None:
    """Until the second picture shows the source."""
    found = 0.0
    try:
        async with asyncio.timeout(PATIENCE):
            while found < ALIKE:
                await page.wait_for_selector('#content-video[data-picture="live"]', timeout=PATIENCE * 1000)
                found = likeness(luma(await look(page, "#content-video")), source)
    except TimeoutError:
        raise AssertionError(f"{source.name} is not seen: {found:.3f}") from None


async def until_baresip_sees(peer: BaresipRoom, path: Path, source: Source, people: int) -> None:
    """Until the largest tile of its picture shows the source."""
    found = 0.0
    try:
        async with asyncio.timeout(PATIENCE):
            while found < ALIKE:
                await peer.snapshot(path)
                gray = luma(np.asarray(Image.open(path).convert("RGB")))
                rect = beside_content(people).tiles(gray.shape[1], gray.shape[0])[0]
                found = likeness(np.ascontiguousarray(gray[rect.y : rect.bottom, rect.x : rect.right]), source)
    except TimeoutError:
        raise AssertionError(f"{source.name} is not seen: {found:.3f}") from None


async def until_room_sees(screen: Screen, page: Page) -> None:
    """Until the room's second picture shows what the browser shares."""
    found = 0.0
    try:
        async with asyncio.timeout(PATIENCE):
            while found < ALIKE:
                await asyncio.sleep(0.2)
                if screen.frame is not None:
                    shared = await look(page, "#own-screen")
                    found = alike(screen.frame.to_ndarray(format="rgb24"), shared)
    except TimeoutError:
        raise AssertionError(f"what the browser shares is not seen: {found:.3f}") from None


async def test_a_room_and_a_browser_share_in_turn(tmp_path: Path, server: ServerProcess, sources: list[Source]) -> None:
    bunny, carphone, bikes = sources
    await server.login()
    face = await asyncio.to_thread(load_clip, bunny.video, FACE, 10.0)
    slides = await asyncio.to_thread(load_clip, carphone.video, SLIDES, 10.0)
    async with (
        JackServer(tmp_path, f"consilium{server.sip_port}") as jack,
        BaresipRoom(
            tmp_path / "plain", jack, name="Plain room", control_port=server.sip_port + 10, video=bikes.video,
            sound=bikes.sound,
        ) as plain,
        Chromium(bikes.camera, bikes.sound) as chromium,
        room(server, "Dual", face, dual_stream=True) as (dual, _main, content),
    ):  # fmt: skip
        await plain.dial(server.sip_uri("1000"))
        page = await chromium.page()
        await page.add_init_script(_WATCH_OWN_SCREEN)
        await page.goto(f"{server.url}/?room=1000&name=Dr.%20Chen")
        await page.click("#join-button")
        await wait_for_picture(page)

        assert dual.sharing is not None
        dual.sharing.ask(slides)
        await dual.sharing.until(FloorState.GRANTED)
        await until_browser_sees(page, carphone)
        await until_baresip_sees(plain, tmp_path / "plain.png", carphone, people=3)
        assert await page.is_visible('#stage[data-content="shown"]')
        dual.sharing.give_back()
        await page.wait_for_selector('#stage[data-content="none"]', timeout=PATIENCE * 1000)

        await page.click("#share-button")
        await page.wait_for_selector('#share-button[aria-pressed="true"]')
        await until_room_sees(content, page)
        assert content.frame is not None and content.frame.height >= 720
        view = await server.api("GET", "/conferences/1000")
        names = {one["id"]: one["name"] for one in view["participants"]}
        assert names[view["floor"]["holder"]] == "Dr. Chen"

        dual.sharing.ask(slides)
        await dual.sharing.until(FloorState.QUEUED)
        await page.click("#share-button")
        await dual.sharing.until(FloorState.GRANTED)
        await until_browser_sees(page, carphone)
        assert not [line for line in chromium.console if line.startswith("error")]
    assert await server.stop() == 0
    assert "Traceback" not in server.log()
