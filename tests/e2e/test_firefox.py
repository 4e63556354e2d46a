"""Firefox in the same calls as rooms and Chromium, composed and forwarded.

Without a plug-in that it would fetch it has no H.264; then it sends and gets VP8, and so does Chromium where pictures
are to be forwarded between the two.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from playwright.async_api import Page

from consilium.simulated_room.clip import ClipFormat, load_clip
from consilium.simulated_room.room import RoomSettings, SimulatedRoom
from tests.e2e.checks import ABSENT, ALIKE, PRESENT, luma, tiles_of
from tests.e2e.material import Source, likeness, pulses, tone_level
from tests.e2e.test_vp8_browser import WITHOUT_H264
from tests.peers import firefox
from tests.peers.chromium import Chromium, look
from tests.peers.firefox import FAKE_FREQUENCY, Firefox, FirefoxPage
from tests.peers.server import ServerProcess

pytestmark = pytest.mark.skipif(not firefox.available(), reason="firefox-esr is not installed")

PATIENCE = 30.0

# The camera that Firefox makes up is of one colour at a time: hardly any contrast, in another colour than gray.
FLAT = 12.0
COLOURED = 30.0


def is_made_up(picture: npt.NDArray[np.uint8]) -> bool:
    """Whether this is the picture of Firefox's own camera; names in the corners and its ticks at the top left out."""
    height, width, _ = picture.shape
    inside = picture[height // 4 : height * 3 // 4, width // 4 : width * 3 // 4].astype(np.float32)
    means = inside.mean(axis=(0, 1))
    return bool(inside.std(axis=(0, 1)).max() < FLAT and means.max() - means.min() > COLOURED)


def tile(picture: npt.NDArray[np.uint8], index: int, count: int) -> npt.NDArray[np.uint8]:
    rect = tiles_of(picture.shape[1], picture.shape[0], count)[index]
    return picture[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width]


async def until_connected(server: ServerProcess, count: int) -> list[str]:
    """Until so many are connected; their ids."""
    async with asyncio.timeout(PATIENCE):
        while True:
            people = (await server.api("GET", "/conferences/1000"))["participants"]
            if [one["state"] for one in people] == ["connected"] * count:
                return [one["id"] for one in people]
            await asyncio.sleep(0.1)


async def test_firefox_a_room_and_chromium_see_and_hear_each_other(
    tmp_path: Path, server: ServerProcess, sources: list[Source]
) -> None:
    bunny, carphone, _ = sources
    loaded = await asyncio.to_thread(load_clip, bunny.clip, ClipFormat(640, 360), 5.0)
    clip = replace(loaded, sound=(pulses(bunny.frequency, loaded.seconds) * 32767).astype(np.int16))
    saved = tmp_path / "room.mkv"
    room = SimulatedRoom(RoomSettings(name="Room", save=saved), clip)
    await server.login()
    async with Firefox() as fox, Chromium(carphone.camera, carphone.sound) as chromium:
        try:
            await room.call(server.sip_uri("1000"))
            page = await fox.page(f"{server.url}/?room=1000&name=Fox")
            await page.click("#join-button")
            await page.wait_for_picture()
            await until_connected(server, 2)
            levels = await page.listen([bunny.frequency, FAKE_FREQUENCY], 2.0)
            seen = await page.look()
        finally:
            await room.hang_up()
        assert levels[0] > PRESENT and levels[1] < ABSENT, levels
        assert_shows_both(seen, bunny)

        other = await chromium.page()
        await other.add_init_script(WITHOUT_H264)
        await other.goto(f"{server.url}/?room=1000&name=Other")
        await other.click("#join-button")
        await server.api("PATCH", "/conferences/1000", {"forwarded": True})
        fox_id, other_id = await until_connected(server, 2)
        await until_forwarded(page, other, fox_id, other_id, carphone)
        await page.click("#leave-button")
        assert not [line for line in fox.console + chromium.console if line.startswith("error")]
    picture, sound = await asyncio.to_thread(last_of, saved)
    assert_shows_both(picture, bunny)
    assert tone_level(sound, FAKE_FREQUENCY) > PRESENT and tone_level(sound, bunny.frequency) < ABSENT
    assert "Traceback" not in server.log()


def assert_shows_both(picture: npt.NDArray[np.uint8], room: Source) -> None:
    """The room's clip beside what Firefox makes up."""
    assert likeness(luma(tile(picture, 0, 2)), room) > ALIKE and is_made_up(tile(picture, 1, 2))


async def until_forwarded(page: FirefoxPage, other: Page, fox_id: str, other_id: str, camera: Source) -> None:
    """Until both have each other's picture as it is, in a tile of its own."""
    firefoxs, chromiums = (f'#gallery [data-participant="{one}"] video' for one in (fox_id, other_id))
    await other.wait_for_function(
        "name => (document.querySelector(name)?.videoHeight ?? 0) > 0", arg=firefoxs, timeout=PATIENCE * 1000
    )
    await page.wait_for_picture(chromiums, PATIENCE)
    async with asyncio.timeout(PATIENCE):
        while not is_made_up(await look(other, firefoxs)):
            await asyncio.sleep(0.2)
        while likeness(luma(await page.look(chromiums)), camera) < ALIKE:
            await asyncio.sleep(0.2)


def last_of(path: Path) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """The last picture of a file as RGB, and its last two seconds of sound."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            picture = frame
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=48_000)
        blocks = [out.to_ndarray()[0] for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    return np.asarray(picture.to_ndarray(format="rgb24"), np.uint8), np.concatenate(blocks)[-96_000:]
