"""A real browser: Debian's Chromium, driven by Playwright, with files for camera and microphone."""

from __future__ import annotations

import base64
import io
import json
import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from playwright.async_api import Browser, Page, Playwright, Route, async_playwright

EXECUTABLE = "/usr/bin/chromium"

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]

Picture = npt.NDArray[np.uint8]

# Loudest level in dB of each frequency over some seconds, heard by the page's media element.
LISTEN = """
async ([selector, frequencies, seconds]) => {
  const element = document.querySelector(selector);
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 8192;
  analyser.smoothingTimeConstant = 0;
  context.createMediaStreamSource(element.srcObject).connect(analyser);
  await context.resume();
  const bins = new Float32Array(analyser.frequencyBinCount);
  const loudest = frequencies.map(() => -200);
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    await new Promise((done) => setTimeout(done, 50));
    analyser.getFloatFrequencyData(bins);
    frequencies.forEach((frequency, index) => {
      const bin = Math.round(frequency * analyser.fftSize / context.sampleRate);
      for (let near = bin - 2; near <= bin + 2; near++) loudest[index] = Math.max(loudest[index], bins[near]);
    });
  }
  await context.close();
  return loudest;
}
"""

LOOK = """
(selector) => {
  const video = document.querySelector(selector);
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext('2d').drawImage(video, 0, 0);
  return canvas.toDataURL('image/png').split(',')[1];
}
"""


class Chromium:
    """``async with Chromium(video, sound) as browser``; ``video`` is MJPEG or Y4M, ``sound`` WAV."""

    def __init__(self, video: Path | None = None, sound: Path | None = None) -> None:
        self._arguments = list(ARGUMENTS)
        if video is not None:
            self._arguments.append(f"--use-file-for-fake-video-capture={video}")
        if sound is not None:
            self._arguments.append(f"--use-file-for-fake-audio-capture={sound}")
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self.console: list[str] = []

    async def __aenter__(self) -> Chromium:
        self._playwright = await async_playwright().start()
        self._browser = await self._playwright.chromium.launch(executable_path=EXECUTABLE, args=self._arguments)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._browser is not None:
            await self._browser.close()
        if self._playwright is not None:
            await self._playwright.stop()

    async def page(self, *, locale: str = "en-US", width: int = 1280, height: int = 720) -> Page:
        """A fresh page in a profile of its own; errors in it are kept in ``console``."""
        assert self._browser is not None
        context = await self._browser.new_context(
            locale=locale, viewport={"width": width, "height": height}, ignore_https_errors=True
        )
        page = await context.new_page()
        page.on("pageerror", lambda error: self.console.append(f"error: {error}"))
        page.on("console", lambda message: self.console.append(f"{message.type}: {message.text}"))
        return page


async def look(page: Page, selector: str = "#remote-video") -> Picture:
    """What a video element shows now, as (height, width, 3) RGB."""
    data = base64.b64decode(await page.evaluate(LOOK, selector))
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


async def listen(page: Page, frequencies: list[float], seconds: float, selector: str = "#remote-video") -> list[float]:
    """The loudest level in dB (full scale 0) of each frequency that a live media element plays."""
    return list(await page.evaluate(LISTEN, [selector, frequencies, seconds]))


async def wait_for_picture(page: Page, selector: str = "#remote-video", seconds: float = 15.0) -> None:
    """Until the element shows moving pictures."""
    await page.wait_for_function(
        "name => { const v = document.querySelector(name); return v && v.videoWidth > 0 && v.currentTime > 0; }",
        arg=selector,
        timeout=seconds * 1000,
    )


async def lead_media(page: Page, server: int, port: int) -> None:
    """What the page sends to the server's UDP port goes to another instead, and no media go by TCP."""

    async def rerouted(route: Route) -> None:
        response = await route.fetch()
        body = json.loads(await response.text())
        if isinstance(body, dict) and isinstance(body.get("sdp"), str):
            sdp = body["sdp"].replace(f" {server} typ host", f" {port} typ host")
            body["sdp"] = "".join(line for line in sdp.splitlines(keepends=True) if " tcp " not in line)
        await route.fulfill(response=response, json=body)

    for path in ("**/join", "**/media"):
        await page.route(path, rerouted)


def available() -> bool:
    """Whether the browser is installed."""
    return shutil.which("chromium") is not None
