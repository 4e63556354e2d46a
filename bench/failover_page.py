"""A page in a call that is watched: when it showed a picture and got sound, and what it asked of the server."""

from __future__ import annotations

from playwright.async_api import Frame, Page, Request

from tests.peers.chromium import Chromium, wait_for_picture

# Keeps the peer connection of the page where it can be asked; runs before the page's own code.
_CATCH = """
const Original = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Original {
  constructor(...options) { super(...options); window.caught = this; }
};
"""

# Notes the instants, in ms since the epoch, of new pictures, and at which packets of sound had come in.
_WATCH = """
() => {
  window.shown = [];
  window.heard = [];
  const video = document.querySelector('#remote-video');
  const note = () => { window.shown.push(Date.now()); video.requestVideoFrameCallback(note); };
  video.requestVideoFrameCallback(note);
  let packets = 0;
  const count = async () => {
    const reports = await window.caught.getStats();
    reports.forEach((report) => {
      if (report.type !== 'inbound-rtp' || report.kind !== 'audio') return;
      if (report.packetsReceived > packets) window.heard.push(Date.now());
      packets = report.packetsReceived;
    });
    setTimeout(count, 40);
  };
  count();
}
"""


class WatchedPage:
    """Made by ``join``."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.renegotiations = 0
        self.reloads = 0

    @classmethod
    async def join(cls, chromium: Chromium, url: str) -> WatchedPage:
        """Open the page, join, and wait for a picture."""
        page = await chromium.page(width=640, height=480)
        await page.add_init_script(_CATCH)
        await page.goto(url)
        await page.click("#join-button")
        await wait_for_picture(page)
        await page.evaluate(_WATCH)
        watched = cls(page)
        page.on("request", watched._requested)
        page.on("framenavigated", watched._navigated)
        return watched

    async def shown(self) -> list[float]:
        """When new pictures were shown, in seconds since the epoch."""
        return [at / 1000 for at in await self._page.evaluate("() => window.shown")]

    async def heard(self) -> list[float]:
        """When it was seen that packets of sound had come, to 40 ms or as long as the browser takes to tell."""
        return [at / 1000 for at in await self._page.evaluate("() => window.heard")]

    def _requested(self, request: Request) -> None:
        offered = request.method == "PUT" and request.url.endswith("/media")
        self.renegotiations += offered or (request.method == "POST" and request.url.endswith("/join"))

    def _navigated(self, frame: Frame) -> None:
        self.reloads += frame == self._page.main_frame
