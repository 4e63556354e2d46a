"""A browser behind the relay of ``bench.loss``: Chromium, told that the server's media port is the relay's."""

from __future__ import annotations

import asyncio
import json
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.video.stream import VideoStream
from playwright.async_api import Page, Route

from bench.loss_view import Viewer, freeze_ratio, shown_at
from bench.network_path import Conditions
from bench.relay import HOST, Relay
from bench.report import Figures
from bench.time_code import time_coded_frames
from consilium.simulated_room.clip import Clip
from consilium.simulated_room.room import RoomSettings, SimulatedRoom
from tests.peers.chromium import Chromium, wait_for_picture
from tests.peers.server import ServerProcess

PLAYER_BUFFER = 0.2
# A browser's own estimate of the bandwidth begins low, and its encoder follows.
SETTLE_SECONDS = 6.0
CAMERA_SECONDS = 2.0

_KEEP_CONNECTIONS = """
(() => {
  const Original = window.RTCPeerConnection;
  window.benchConnections = [];
  window.RTCPeerConnection = class extends Original {
    constructor(...args) { super(...args); window.benchConnections.push(this); }
  };
})()
"""

_STATISTICS = """
async () => {
  const found = {};
  for (const connection of window.benchConnections) {
    if (connection.connectionState !== 'connected') continue;
    for (const report of (await connection.getStats()).values()) {
      if (!['inbound-rtp', 'outbound-rtp'].includes(report.type)) continue;
      for (const [name, value] of Object.entries(report)) {
        if (typeof value !== 'number') continue;
        const key = `${report.type}.${report.kind}.${name}`;
        found[key] = (found[key] ?? 0) + value;
      }
    }
  }
  return found;
}
"""


async def measure_browser(
    server: ServerProcess, clip: Clip, camera: Path, conditions: Conditions, number: str, seconds: float, seed: int
) -> Figures:
    """What a browser behind a bad network sees and hears, by its own statistics, and what a room sees of it."""
    relay = Relay(seed)
    port = relay.add_port((HOST, server.browser_port))
    viewer = Viewer(0, 2, None)
    room = SimulatedRoom(RoomSettings(name="far", user="far"), clip, on_picture=viewer.push)

    async def rerouted(route: Route) -> None:
        response = await route.fetch()
        body = json.loads(await response.text())
        if isinstance(body, dict) and isinstance(body.get("sdp"), str):
            body["sdp"] = body["sdp"].replace(f" {server.browser_port} typ host", f" {port} typ host")
        await route.fulfill(response=response, json=body)

    try:
        async with Chromium(camera) as chromium:
            page = await chromium.page()
            await page.add_init_script(_KEEP_CONNECTIONS)
            for path in ("**/join", "**/media"):
                await page.route(path, rerouted)
            await page.goto(f"{server.url}/?room={number}&name=Browser")
            await page.click("#join-button")
            await wait_for_picture(page)
            await room.call(server.sip_uri(number))
            await asyncio.sleep(SETTLE_SECONDS)
            relay.change(conditions)
            await asyncio.sleep(1.0)
            before, start = await _statistics(page), time.monotonic()
            await asyncio.sleep(seconds)
            after, end = await _statistics(page), time.monotonic()
            passed = relay.up.passed
    finally:
        await room.hang_up()
        relay.close()
    await asyncio.to_thread(viewer.look)
    shown = shown_at(viewer.seen, PLAYER_BUFFER)
    change = {name: value - before.get(name, 0.0) for name, value in after.items()}

    def counted(name: str) -> float:
        return change.get(name, 0.0)

    heard = max(1.0, counted("inbound-rtp.audio.totalSamplesReceived"))
    return {
        "freeze_ratio_down": round(counted("inbound-rtp.video.totalFreezesDuration") / (end - start), 4),
        "freeze_ratio_up": freeze_ratio(shown, max(start, shown[0]), end, 1 / 30) if shown else 1.0,
        "fps_down": round(counted("inbound-rtp.video.framesDecoded") / (end - start), 1),
        "fps_up": round(sum(start <= one.at < end for one in viewer.seen) / (end - start), 1),
        "sound_made_up_down": round(counted("inbound-rtp.audio.concealedSamples") / heard, 4),
        "repeated_down": int(counted("inbound-rtp.video.retransmittedPacketsReceived")),
        "repeated_up": int(counted("outbound-rtp.video.retransmittedPacketsSent")),
        "key_frames_asked_down": int(counted("inbound-rtp.video.pliCount")),
        "mbit_s_down": round(counted("inbound-rtp.video.bytesReceived") * 8 / (end - start) / 1e6, 2),
        "through_the_relay": passed > 0,
    }


async def _statistics(page: Page) -> dict[str, float]:
    found: dict[str, Any] = await page.evaluate(_STATISTICS)
    return {name: float(value) for name, value in found.items()}


def write_camera(path: Path, clip: Clip) -> Path:
    """A file for the browser's camera: what the rooms send, as Motion JPEG."""
    shape = clip.format
    with av.open(str(path), "w", format="mjpeg") as container:
        stream = container.add_stream("mjpeg", rate=shape.frame_rate)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = shape.width, shape.height, "yuvj420p"
        stream.time_base = Fraction(1, shape.frame_rate)
        frames = time_coded_frames(shape, round(CAMERA_SECONDS * shape.frame_rate), 3, None)
        for number, frame in enumerate(frames):
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
