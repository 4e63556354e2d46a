"""Browsers see each other's pictures as they are, in sizes that fit, beside rooms and others that have one picture."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import Any

from playwright.async_api import Page, ViewportSize

from bench.network_path import Conditions
from bench.relay import HOST, Relay
from consilium.simulated_room.clip import ClipFormat, load_clip
from consilium.simulated_room.room import RoomSettings, SimulatedRoom
from tests.e2e.checks import ALIKE, UNLIKE, assert_tiles_show, luma
from tests.e2e.material import Source, likeness
from tests.peers.chromium import Chromium, lead_media, look, wait_for_picture
from tests.peers.server import ServerProcess

PATIENCE = 40.0

SHARED = "12"
"""The mid of what another browser shares: after sound, two pictures, and nine slots."""

# A camera whose picture browsers send in three sizes.
WIDTH, HEIGHT = 960, 540
QUARTER = 134  # even numbers of lines alone
# Bit/s that only the smallest gets through in.
NARROW = 400_000
DESKTOP, PHONE = ViewportSize(width=1280, height=760), ViewportSize(width=360, height=640)

_HAS_HEIGHT = """([name, height]) => {
  const now = document.querySelector(`#gallery [data-participant="${name}"] video`)?.videoHeight ?? 0;
  return height === null ? now > 0 : now === height;
}"""


async def join(server: ServerProcess, chromium: Chromium, name: str) -> tuple[Page, str]:
    """A browser in the conference, and the id of its participant."""
    page = await chromium.page()
    await page.goto(f"{server.url}/?room=1000&name={name}")
    await page.click("#join-button")
    await wait_for_picture(page)
    view = await server.api("GET", "/conferences/1000")
    return page, next(one["id"] for one in view["participants"] if one["name"] == name)


async def until_tile_shows(page: Page, participant: str, source: Source, others: list[Source]) -> None:
    """Until the participant's tile in the gallery shows the source, and nothing like the others."""
    found: dict[str, float] = {}
    selector = f'#gallery [data-participant="{participant}"] video'
    try:
        async with asyncio.timeout(PATIENCE):
            while not found or found[source.name] < ALIKE or any(found[one.name] > UNLIKE for one in others):
                await until_height(page, participant, None)
                picture = luma(await look(page, selector))
                found = {one.name: round(likeness(picture, one), 3) for one in (source, *others)}
    except TimeoutError:
        raise AssertionError(f"the tile should show {source.name}: {found}") from None


async def until_height(page: Page, participant: str, height: int | None) -> None:
    """Until the participant's tile gets a picture of this height, or any (None)."""
    await page.wait_for_function(_HAS_HEIGHT, arg=[participant, height], timeout=PATIENCE * 1000)


async def received(page: Page) -> list[dict[str, Any]]:
    """What the browser itself tells of the pictures that come in each on its own: after sound and two pictures."""
    report: list[dict[str, Any]] = await page.evaluate(
        "async () => [...(await window.usedConnection.getStats()).values()].filter("
        "(one) => one.type === 'inbound-rtp' && one.kind === 'video' && one.framesDecoded > 0 && Number(one.mid) > 2)"
    )
    return report


# What the browser believes to get through; 300 kbit/s as long as nobody tells it.
_MAY_SEND = """
async () => [...(await window.usedConnection.getStats()).values()]
  .filter((one) => one.type === "candidate-pair" && one.availableOutgoingBitrate)
  .map((one) => one.availableOutgoingBitrate)
"""

_REMEMBER_CONNECTION = """
const Original = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Original {
  constructor(...options) { super(...options); window.usedConnection = this; }
};
"""


async def test_browsers_see_each_others_pictures_as_they_are(server: ServerProcess, sources: list[Source]) -> None:
    bunny, carphone, bikes = sources
    await open_forwarded(server)
    async with Chromium(bunny.camera, bunny.sound) as first, Chromium(carphone.camera, carphone.sound) as second:
        one, one_id = await join_unwatched(server, first, "One")
        other, other_id = await join_unwatched(server, second, "Other")

        await until_tile_shows(one, other_id, carphone, [bunny, bikes])
        await until_tile_shows(other, one_id, bunny, [carphone, bikes])

        assert await one.get_attribute("#stage", "data-main") == "none", "nobody is left to be composed"
        rates = await one.evaluate(_MAY_SEND)
        assert rates and 300_000 not in rates, "it is told what comes of its packets"
        await one.click("#share-button")
        await other.wait_for_selector('#stage[data-content="shown"]', timeout=PATIENCE * 1000)
        await until_shared_is_large(other)
        await until_voices_are_heard(server, other)
        await one.click("#leave-button")
        await other.wait_for_selector(f'#gallery [data-participant="{one_id}"]', state="detached")
        assert not [line for line in first.console + second.console if line.startswith("error")]
    assert await server.stop() == 0
    assert "Traceback" not in server.log()


async def until_shared_is_large(page: Page) -> None:
    """It comes as it is, in the place for that, as large as it is shown."""
    async with asyncio.timeout(PATIENCE):
        while not any(one["mid"] == SHARED and (one["frameHeight"] or 0) >= 500 for one in await received(page)):
            await asyncio.sleep(0.2)


_ENERGIES = """async () => {
  const found = {mixed: 0, voices: 0};
  for (const one of (await window.usedConnection.getStats()).values()) {
    if (one.type !== "inbound-rtp" || one.kind !== "audio") continue;
    found[one.mid === "0" ? "mixed" : "voices"] += one.totalAudioEnergy ?? 0;
  }
  return found;
}"""


async def until_voices_are_heard(server: ServerProcess, page: Page) -> None:
    """Choose sound as it is: until that is heard, and nothing in the mix of the rest, where there is nobody."""
    assert (await page.evaluate(_ENERGIES))["voices"] == 0
    await server.api("PATCH", "/conferences/1000", {"forwarded_sound": True})
    now: dict[str, float] = {"voices": 0.0, "mixed": 0.0}
    async with asyncio.timeout(PATIENCE):
        while True:
            before, now = now, await page.evaluate(_ENERGIES)
            mixed, voices = (now[kind] - before[kind] for kind in ("mixed", "voices"))
            if voices > 1e-4 and mixed < voices / 100:
                return
            await asyncio.sleep(0.3)


async def open_forwarded(server: ServerProcess) -> None:
    """Log in, and begin a conference where nothing is composed, which costs the machine most."""
    await server.login()
    await server.api("POST", "/conferences", {"number": "1000"})
    await server.api("PATCH", "/conferences/1000", {"forwarded": True})


async def join_unwatched(server: ServerProcess, chromium: Chromium, name: str) -> tuple[Page, str]:
    """Like ``join``, where no composed picture comes. The page's connection is kept where the test can ask it."""
    page = await chromium.page()
    await page.add_init_script(_REMEMBER_CONNECTION)
    await page.goto(f"{server.url}/?room=1000&name={name}")
    await page.click("#join-button")
    await page.wait_for_selector('#connection[data-state="connected"]', timeout=PATIENCE * 1000)
    view = await server.api("GET", "/conferences/1000")
    return page, next(one["id"] for one in view["participants"] if one["name"] == name)


async def test_a_room_one_composed_and_one_forwarded_browser_are_in_one_conference(
    server: ServerProcess, sources: list[Source]
) -> None:
    bunny, carphone, bikes = sources
    await server.login()
    clip = await asyncio.to_thread(load_clip, bikes.video, ClipFormat(), 10.0)
    room = SimulatedRoom(RoomSettings(name="Room"), clip)
    async with Chromium(bunny.camera, bunny.sound) as first, Chromium(carphone.camera, carphone.sound) as second:
        try:
            await room.call(server.sip_uri("1000"))
            one, one_id = await join(server, first, "One")
            other, _ = await join(server, second, "Other")
            await server.api("PATCH", f"/participants/{one_id}", {"forwarded": True})
            other_id = (await server.api("GET", "/conferences/1000"))["participants"][2]["id"]

            await until_tile_shows(one, other_id, carphone, [bunny, bikes])
            await until_composed(one, [bikes], sources)
            await until_composed(other, [bikes, bunny, carphone], sources)

            assert await one.get_attribute("#stage", "data-main") == "shown"
            await server.api("PATCH", f"/participants/{one_id}", {"forwarded": False})
            await until_composed(one, [bikes, bunny, carphone], sources)
            assert await one.get_attribute("#stage", "data-gallery") == "none"
        finally:
            await room.hang_up()


async def until_composed(page: Page, shown: list[Source], everybody: list[Source]) -> None:
    """Until the main picture shows these, each in its tile."""
    failure: AssertionError | None = None
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    assert_tiles_show(await look(page), shown, everybody)
                    return
                except AssertionError as error:
                    failure = error
                    await asyncio.sleep(0.2)
    except TimeoutError:
        raise failure or AssertionError("no picture came") from None


async def camera_in_sizes(tmp_path: Path, bunny: Source) -> Path:
    """A camera whose picture comes in three sizes."""
    camera = tmp_path / "camera.mjpeg"
    command = ["ffmpeg", "-v", "error", "-y", "-nostdin", "-i", str(bunny.video), "-t", "10"]
    command += ["-vf", f"scale={WIDTH}:{HEIGHT},fps=15", "-c:v", "mjpeg", "-q:v", "5", str(camera)]
    await asyncio.to_thread(subprocess.run, command, check=True)
    return camera


async def test_a_picture_comes_in_the_size_that_fits_its_tile(
    tmp_path: Path, server: ServerProcess, sources: list[Source]
) -> None:
    bunny, *_ = sources
    camera = await camera_in_sizes(tmp_path, bunny)
    await open_forwarded(server)
    async with Chromium(camera, bunny.sound) as chromium:
        viewer = await join_watching(server, chromium)
        _, first = await join_unwatched(server, chromium, "First")
        pin = viewer.locator(f'#gallery [data-participant="{first}"] .pin')

        # On a phone the smallest, beside others the middle one, kept large the whole; and the smallest again.
        await until_height(viewer, first, QUARTER)
        await viewer.set_viewport_size(DESKTOP)
        await until_height(viewer, first, HEIGHT // 2)
        await pin.click()
        await until_height(viewer, first, HEIGHT)
        assert HEIGHT in [one["frameHeight"] for one in await received(viewer)]
        await pin.click()
        await viewer.set_viewport_size(PHONE)
        await until_height(viewer, first, QUARTER)
        assert not [line for line in chromium.console if line.startswith("error")]


async def test_a_picture_comes_smaller_while_the_network_is_narrow(
    tmp_path: Path, server: ServerProcess, sources: list[Source]
) -> None:
    bunny, *_ = sources
    camera = await camera_in_sizes(tmp_path, bunny)
    await open_forwarded(server)
    relay = Relay(3)
    try:
        async with Chromium(camera, bunny.sound) as chromium:
            port = relay.add_port((HOST, server.browser_port))
            viewer = await join_watching(server, chromium, port)
            await viewer.set_viewport_size(DESKTOP)
            _, first = await join_unwatched(server, chromium, "First")
            await viewer.locator(f'#gallery [data-participant="{first}"] .pin').click()
            await until_height(viewer, first, HEIGHT)
            relay.change(Conditions(rate=NARROW))
            await until_height(viewer, first, QUARTER)
            relay.change(Conditions())
            await until_height(viewer, first, HEIGHT // 2)
            assert relay.down.overflowed > 0, "the network was not narrow"
    finally:
        relay.close()


async def join_watching(server: ServerProcess, chromium: Chromium, port: int | None = None) -> Page:
    """A browser without a camera, with its connection kept where the test can ask it; its media go by ``port``."""
    page = await chromium.page()
    await page.add_init_script(_REMEMBER_CONNECTION)
    if port is not None:
        await lead_media(page, server.browser_port, port)
    await page.goto(f"{server.url}/?room=1000&name=Viewer")
    await page.set_viewport_size(PHONE)
    await page.click("#preview-camera")
    await page.click("#join-button")
    await page.wait_for_selector('#connection[data-state="connected"]', timeout=PATIENCE * 1000)
    return page
