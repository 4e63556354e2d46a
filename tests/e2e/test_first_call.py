"""Two baresip rooms and one Chromium meet; what they see, hear and record is compared with what was played."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import av
import numpy as np
from PIL import Image

from tests.e2e.checks import ABSENT, PRESENT, assert_hears, assert_tiles_show
from tests.e2e.material import RATE, Samples, Source
from tests.peers.baresip import BaresipRoom, JackServer
from tests.peers.chromium import Chromium, listen, look, wait_for_picture
from tests.peers.server import ServerProcess

# Long enough for several key frames, so that there is something to seek in.
RECORD_SECONDS = 9.0


async def test_rooms_and_a_browser_see_hear_and_record_each_other(
    tmp_path: Path, server: ServerProcess, sources: list[Source]
) -> None:
    first, second, third = sources
    await server.login()
    async with (
        JackServer(tmp_path, f"consilium{server.sip_port}") as jack,
        BaresipRoom(
            tmp_path / "first", jack, name="First room", control_port=server.sip_port + 10, video=first.video,
            sound=first.sound,
        ) as room_1,
        BaresipRoom(
            tmp_path / "second", jack, name="第二会诊室", control_port=server.sip_port + 11, video=second.video,
            sound=second.sound, audio_codec="G722/16000/1", transport="tcp",
        ) as room_2,
        Chromium(third.camera, third.sound) as chromium,
    ):  # fmt: skip
        await room_1.dial(server.sip_uri("1000"))
        await room_2.dial(server.sip_uri("1000"))
        page = await chromium.page()
        await page.goto(f"{server.url}/?room=1000&name=Dr.%20Chen")
        await page.click("#join-button")
        await wait_for_picture(page)
        await _until_everybody_is_seen(server, 3)

        await server.api("POST", "/conferences/1000/recording")
        started = time.monotonic()
        heard_by_browser = await listen(page, [source.frequency for source in sources], 3.0)
        await asyncio.sleep(max(0.0, RECORD_SECONDS - 3.0))
        browser_sees = await look(page)
        await room_1.snapshot(tmp_path / "first.png")
        await room_2.snapshot(tmp_path / "second.png")
        recorded = time.monotonic() - started
        await server.api("DELETE", "/conferences/1000/recording")

        assert browser_sees.shape[:2] == (1080, 1920)
        assert_tiles_show(browser_sees, sources, sources)
        for path in (tmp_path / "first.png", tmp_path / "second.png"):
            assert_tiles_show(np.asarray(Image.open(path).convert("RGB")), sources, sources)

        assert heard_by_browser[0] > PRESENT and heard_by_browser[1] > PRESENT, heard_by_browser
        assert heard_by_browser[2] < ABSENT, f"the browser hears itself: {heard_by_browser}"
        assert_hears(room_1.heard()[-3 * RATE :], [second, third], own=first)
        assert_hears(room_2.heard()[-3 * RATE :], [first, third], own=second)

        await room_1.hang_up()
        await room_2.hang_up()
        await page.click("#leave-button")

        recording = await _assert_recorded(server, sources, recorded)
        await _assert_plays_and_seeks(server, chromium, recording, sources)
    assert await server.stop() == 0
    assert "Traceback" not in server.log()


async def _until_everybody_is_seen(server: ServerProcess, count: int) -> None:
    """Until all participants' media flow, and a moment longer for their pictures to be decoded."""
    async with asyncio.timeout(20):
        while True:
            conference = await server.api("GET", "/conferences/1000")
            states = [participant["state"] for participant in conference["participants"]]
            if states == ["connected"] * count:
                break
            await asyncio.sleep(0.2)
    await asyncio.sleep(2.0)


async def _assert_recorded(server: ServerProcess, sources: list[Source], seconds: float) -> str:
    """The recording holds all three pictures and all three tones. Returns its id."""
    listed = (await server.api("GET", "/recordings"))["recordings"]
    assert len(listed) == 1
    assert abs(listed[0]["duration"] - seconds) < 1.5
    folder = Path(str(server.settings["data"])) / "recordings" / listed[0]["id"]
    last: np.ndarray | None = None
    with av.open(str(folder / "0001.mp4")) as container:
        for frame in container.decode(video=0):
            last = frame.to_ndarray()[: frame.height] if frame.time > 4.0 and last is None else last
    assert last is not None
    assert_tiles_show(np.ascontiguousarray(last[:, :1920]), sources, sources)
    assert_hears(_sound_of(folder / "0001.mp4"), sources, own=None)
    return str(listed[0]["id"])


def _sound_of(path: Path) -> Samples:
    with av.open(str(path)) as container:
        blocks = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    return np.concatenate(blocks).astype(np.float32)


async def _assert_plays_and_seeks(
    server: ServerProcess, chromium: Chromium, recording: str, sources: list[Source]
) -> None:
    """As a user would: log in, open the list, play, jump."""
    page = await chromium.page()
    await page.goto(f"{server.url}/recordings")
    await page.fill("#login-name", "admin")
    await page.fill("#login-password", server.password)
    await page.click("#login-button")
    await page.click(f'[data-recording="{recording}"] a')
    await page.wait_for_function("() => document.querySelector('#player').readyState >= 2", timeout=15_000)
    await page.evaluate("() => document.querySelector('#player').play()")
    await page.wait_for_function(
        "() => { const v = document.querySelector('#player'); return v.videoWidth > 0 && v.currentTime > 0.5; }",
        timeout=15_000,
    )
    await page.evaluate(
        "() => new Promise((done) => { const v = document.querySelector('#player');"
        " v.addEventListener('seeked', done, { once: true }); v.currentTime = 6.0; })"
    )
    await page.wait_for_function(
        "() => { const v = document.querySelector('#player'); return v.currentTime > 6.3 && v.readyState >= 2; }",
        timeout=15_000,
    )
    assert_tiles_show(await look(page, "#player"), sources, sources)
    thumbnail = await server.api("GET", f"/recordings/{recording}")
    assert thumbnail["id"] == recording
