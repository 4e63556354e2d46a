"""A real browser with hls.js plays a recording that goes on after a crash in another size, and seeks over the seam."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Page, async_playwright

from recorder.formats import VideoFormat
from recorder.store import RecordingStore
from recorder.writer import RecordingWriter
from tests.recorder.material import pictures
from tests.recorder.writing import feed
from tests.vod.application import application
from vod.routes import operations

HLS = Path(__file__).parents[2] / "node_modules/hls.js/dist/hls.min.js"
PAGE = """<!doctype html><video id="v" muted width="320" height="180"></video><script src="/hls.js"></script>"""

# Brightness of the picture that the video element shows at a given second.
LOOK = """async (second) => {
  const video = document.getElementById("v");
  const shown = new Promise((done, fail) => {
    const look = (_, frame) =>
      Math.abs(frame.mediaTime - second) < 0.1 ? done(frame.width) : video.requestVideoFrameCallback(look);
    video.requestVideoFrameCallback(look);
    setTimeout(() => fail(new Error("no picture at " + second + ": " + errors)), 20000);
  });
  video.currentTime = second;
  const width = await shown;
  const canvas = new OffscreenCanvas(32, 18);
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0, 32, 18);
  const data = context.getImageData(0, 0, 32, 18).data;
  let sum = 0;
  for (let i = 0; i < data.length; i += 4) sum += data[i];
  return [sum / (data.length / 4), width];
}"""

LOAD = """async (address) => {
  const video = document.getElementById("v");
  window.errors = [];
  window.hls = new Hls();
  hls.on(Hls.Events.ERROR, (_, data) => errors.push((data.fatal ? "fatal " : "") + data.details));
  hls.loadSource(address);
  hls.attachMedia(video);
  await new Promise((done, fail) => {
    video.addEventListener("canplay", done, { once: true });
    setTimeout(() => fail(new Error("nothing to play: " + errors)), 20000);
  });
  return video.duration;
}"""

PLAY_OVER_THE_SEAM = """async () => {
  const video = document.getElementById("v");
  video.currentTime = 6.0;
  await video.play();
  await new Promise((done, fail) => {
    video.addEventListener("timeupdate", () => video.currentTime > 7.2 && done());
    setTimeout(() => fail(new Error("stuck at " + video.currentTime + ": " + errors)), 20000);
  });
  video.pause();
  return video.getVideoPlaybackQuality().droppedVideoFrames;
}"""


FETCH = """([address, range]) => new Promise((done, fail) => {
  const request = new XMLHttpRequest();  // as hls.js does
  request.open("GET", address);
  request.setRequestHeader("Range", range);
  request.responseType = "arraybuffer";
  request.onload = () => done([request.status, request.response.byteLength]);
  request.onerror = fail;
  request.send();
})"""

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not HLS.exists(), reason="hls.js is not installed: npm ci"),
    pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed"),
]


@asynccontextmanager
async def chromium_on(store: RecordingStore) -> AsyncIterator[Page]:
    """A page of Chromium with a video element and hls.js, on a server with the recordings of a store."""
    app = application(operations(store))

    async def page_handler(request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def script_handler(request: web.Request) -> web.FileResponse:
        return web.FileResponse(HLS)

    app.router.add_get("/", page_handler)
    app.router.add_get("/hls.js", script_handler)
    async with TestServer(app) as server, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        try:
            page = await browser.new_page()
            await page.goto(str(server.make_url("/")))
            yield page
        finally:
            await browser.close()


async def test_chromium_plays_a_recording_and_seeks_over_a_discontinuity(recorded: RecordingStore) -> None:
    async with chromium_on(recorded) as page:
        seconds = await page.evaluate(LOAD, "/api/v1/recordings/two-parts/playlist.m3u8")
        assert seconds == pytest.approx(10.5, abs=0.05)
        for second, white, width in ((8.05, True, 480), (3.05, True, 320), (7.9, False, 480), (2.9, False, 320)):
            brightness, shown_width = await page.evaluate(LOOK, second)
            assert (brightness > 200, shown_width) == (white, width), f"at {second}: {brightness}"
        await page.evaluate(PLAY_OVER_THE_SEAM)
        errors = await page.evaluate("errors")
        # A busy machine may stall, and a seek aborts what was being loaded.
        assert set(errors) <= {"bufferStalledError", "bufferNudgeOnStall", "aborted"}


async def test_a_browser_gets_the_ranges_it_asks_for_of_a_recording_that_grows(empty_store: RecordingStore) -> None:
    """With anything of it in its cache, Chromium cuts ranges off where the file ended when it last looked."""
    address = "/api/v1/recordings/live/parts/0001.mp4"
    shots = pictures([n / 30 for n in range(180)], key_every=30)
    on_disk = asyncio.Semaphore(0)
    loop = asyncio.get_running_loop()
    writer = RecordingWriter(
        empty_store.create("live", "1000", "", datetime(2026, 3, 4, tzinfo=UTC)),
        VideoFormat(),
        on_progress=lambda seconds, size: loop.call_soon_threadsafe(on_disk.release) and None,
    )
    try:
        async with chromium_on(empty_store) as page:
            start = 0
            for number in range(0, 180, 45):
                feed(writer, shots[number : number + 45], [])
                await asyncio.wait_for(on_disk.acquire(), 20)
                # One range after the other, as a player asks, each beyond where the file ended at the one before.
                end = empty_store.open("live").size - 500
                assert await page.evaluate(FETCH, [address, f"bytes={start}-{end - 1}"]) == [206, end - start]
                start = end
    finally:
        writer.close()
