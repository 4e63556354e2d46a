"""A real browser with hls.js plays a recording that goes on after a crash in another size, and seeks over the seam."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import async_playwright

from recorder.store import RecordingStore
from tests.vod.application import application
from vod.routes import operations

HLS = Path(__file__).parents[2] / "node_modules/hls.js/dist/hls.min.js"
PAGE = """<!doctype html><video id="v" muted width="320" height="180"></video><script src="/hls.js"></script>"""

# Brightness of the picture that the video element shows at a given second.
LOOK = """async (second) => {
  const video = document.getElementById("v");
  const seeked = new Promise((done) => video.addEventListener("seeked", done, { once: true }));
  video.currentTime = second;
  await seeked;
  const canvas = new OffscreenCanvas(32, 18);
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0, 32, 18);
  const data = context.getImageData(0, 0, 32, 18).data;
  let sum = 0;
  for (let i = 0; i < data.length; i += 4) sum += data[i];
  return [sum / (data.length / 4), video.videoWidth];
}"""

LOAD = """async (address) => {
  const video = document.getElementById("v");
  window.errors = [];
  window.hls = new Hls();
  hls.on(Hls.Events.ERROR, (_, data) => errors.push(data.details));
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


@pytest.mark.e2e
@pytest.mark.skipif(not HLS.exists(), reason="hls.js is not installed: npm ci")
async def test_chromium_plays_a_recording_and_seeks_over_a_discontinuity(recorded: RecordingStore) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    app = application(operations(recorded))

    async def page_handler(request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def script_handler(request: web.Request) -> web.FileResponse:
        return web.FileResponse(HLS)

    app.router.add_get("/", page_handler)
    app.router.add_get("/hls.js", script_handler)
    async with TestServer(app) as server, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        try:
            page = await browser.new_page()
            await page.goto(str(server.make_url("/")))
            seconds = await page.evaluate(LOAD, "/api/v1/recordings/two-parts/playlist.m3u8")
            assert seconds == pytest.approx(10.5, abs=0.05)
            for second, white, width in ((8.05, True, 480), (3.05, True, 320), (7.9, False, 480), (2.9, False, 320)):
                brightness, shown_width = await page.evaluate(LOOK, second)
                assert (brightness > 200, shown_width) == (white, width), f"at {second}: {brightness}"
            await page.evaluate(PLAY_OVER_THE_SEAM)
            assert await page.evaluate("errors") == []
        finally:
            await browser.close()
