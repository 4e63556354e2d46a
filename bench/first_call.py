"""The whole server at work: rooms that send 1080p30 with time codes, one that watches, a browser that joins.

The server is a process as users start it; the rooms are simulated ones in this process, over loopback. Figures of the
server's CPU are of its control process and its media worker together.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from bench.observer import PictureObserver, SoundObserver, pair_offsets
from bench.report import Benchmark, Figures, percentile
from bench.server_cpu import ServerCost
from bench.time_code import time_coded_clip
from consilium.simulated_room.clip import Clip, ClipFormat
from consilium.simulated_room.room import RoomSettings, SimulatedRoom
from mcu.media.units import CodedPicture, CodedSound
from tests.peers.chromium import Chromium
from tests.peers.server import ServerProcess

CLIP_SECONDS = 5.0
FLASH_EVERY = 1.0
# Nothing is measured while codecs and buffers settle.
SETTLE_SECONDS = 4.0
JOINS = 5
# Newcomers do not come on each other's heels: within half a second they would share a key frame.
JOIN_PAUSE = 1.5
PARTICIPANTS = 3


async def run(seconds: float) -> Figures:
    """Measure for about so many seconds. Returns the figures."""
    shape = ClipFormat(width=1920, height=1080, frame_rate=30, bitrate=3_000_000)
    quiet, flashing = await asyncio.gather(
        asyncio.to_thread(time_coded_clip, shape, CLIP_SECONDS, 1, None),
        asyncio.to_thread(time_coded_clip, shape, CLIP_SECONDS, 2, FLASH_EVERY),
    )
    with tempfile.TemporaryDirectory(prefix="consilium-bench-") as folder:
        async with ServerProcess(Path(folder)) as server:
            await server.login()
            figures = await _measure_call(server, quiet, flashing, seconds)
            figures |= await _measure_joins(server, quiet)
    return figures


async def _measure_call(server: ServerProcess, quiet: Clip, flashing: Clip, seconds: float) -> Figures:
    """Three rooms: the second sends flashes and beeps, the first watches it."""
    picture_observer = PictureObserver(tile=1, tiles=PARTICIPANTS)
    sound_units: list[CodedSound] = []
    sent: list[tuple[int, float]] = []
    watcher = SimulatedRoom(
        RoomSettings(name="Watcher", user="watcher"),
        quiet,
        on_picture=picture_observer.push,
        on_sound=sound_units.append,
    )
    sender = SimulatedRoom(
        RoomSettings(name="Sender", user="sender"),
        flashing,
        on_picture_sent=lambda number, at: sent.append((number, at)),
    )
    third = SimulatedRoom(RoomSettings(name="Third", user="third"), quiet)
    async with AsyncExitStack() as stack:
        for room in (watcher, sender, third):
            stack.push_async_callback(room.hang_up)
            await room.call(server.sip_uri("1000"))
        await asyncio.sleep(SETTLE_SECONDS)
        cost = ServerCost(server.pid)
        start, before = time.monotonic(), watcher.pictures_received
        await asyncio.sleep(seconds)
        elapsed, received = time.monotonic() - start, watcher.pictures_received - before
        cores = cost.cpu_seconds() / elapsed
        assert watcher.leg is not None and watcher.leg.spec.audio is not None
        capture = {media: stream.capture_time for media, stream in watcher.leg.streams()}
        sound_observer = SoundObserver(watcher.leg.spec.audio.receive_codecs)
        for unit in sound_units:
            sound_observer.push(unit)
        picture_observer.close()
    flashes = [(_known(capture["video"](int(stamp))), at) for stamp, at in picture_observer.flashes if at > start]
    beeps = [(_known(capture["audio"](round(stamp))), at) for stamp, at in sound_observer.beeps if at > start]
    latencies = _latencies(sent, [code for code in picture_observer.codes if code[1] > start])
    synchronised = pair_offsets(flashes, beeps, lambda event: event[0])
    arrived = pair_offsets(flashes, beeps, lambda event: event[1])
    return {
        "composite_fps": round(received / elapsed, 2),
        "composite_width": picture_observer.size[0],
        "composite_height": picture_observer.size[1],
        "latency_ms_p50": percentile(latencies, 50),
        "latency_ms_p95": percentile(latencies, 95),
        "latency_samples": len(latencies),
        "av_offset_ms": _median_ms(synchronised),
        "av_offset_ms_worst": _worst_ms(synchronised),
        "av_offset_samples": len(synchronised),
        "av_arrival_offset_ms": _median_ms(arrived),
        "cpu_cores": round(cores, 3),
    }


async def _measure_joins(server: ServerProcess, clip: Clip) -> Figures:
    """How long a newcomer waits for the first picture of a conference that goes on."""
    async with AsyncExitStack() as stack:
        for name in ("first", "second"):
            room = SimulatedRoom(RoomSettings(name=name, user=name), clip)
            stack.push_async_callback(room.hang_up)
            await room.call(server.sip_uri("2000"))
        await asyncio.sleep(SETTLE_SECONDS)
        rooms = []
        for _ in range(JOINS):
            rooms.append(await _join_as_room(server, clip))
            await asyncio.sleep(JOIN_PAUSE)
        browsers = await _join_as_browser(server)
    return {
        "join_to_first_frame_ms_room": round(statistics.median(rooms), 0),
        "join_to_first_frame_ms_browser": round(statistics.median(browsers), 0),
    }


async def _join_as_room(server: ServerProcess, clip: Clip) -> float:
    """From the INVITE to the first whole picture, in ms."""
    seen = asyncio.Event()

    def on_picture(unit: CodedPicture) -> None:
        seen.set()

    room = SimulatedRoom(RoomSettings(name="Newcomer", user="newcomer"), clip, on_picture=on_picture)
    try:
        await room.call(server.sip_uri("2000"))
        async with asyncio.timeout(10):
            await seen.wait()
        assert room.first_picture_at is not None
        return (room.first_picture_at - room.invited_at) * 1000
    finally:
        await room.hang_up()


_FIRST_FRAME = """
() => new Promise((done) => {
  const video = document.querySelector('#remote-video');
  const start = performance.now();
  video.requestVideoFrameCallback(() => done(performance.now() - start));
  document.querySelector('#join-button').click();
})
"""


async def _join_as_browser(server: ServerProcess) -> list[float]:
    """From the click on the join button to the first picture on the screen, in ms."""
    times = []
    async with Chromium() as chromium:
        for number in range(JOINS):
            page = await chromium.page()
            await page.goto(f"{server.url}/?room=2000&name=Browser{number}")
            await page.wait_for_function("() => !document.querySelector('#join-button').disabled")
            await page.wait_for_timeout(1500)  # the preview of the camera has started by then, as with a person
            times.append(float(await page.evaluate(_FIRST_FRAME)))
            await page.click("#leave-button")
            await page.context.close()
    return times


def _latencies(sent: list[tuple[int, float]], seen: list[tuple[int, float]]) -> list[float]:
    """Milliseconds from the sending of each picture to the first decoded composite that shows it."""
    found = []
    last = -1
    for number, at in seen:
        if number == last:
            continue
        last = number
        before = [then for code, then in sent if code == number and then < at]
        if before:
            found.append((at - before[-1]) * 1000)
    return found


def _known(instant: float | None) -> float:
    if instant is None:
        raise RuntimeError("no sender report has come in")
    return instant


def _median_ms(offsets: list[float]) -> float | None:
    return round(statistics.median(offsets) * 1000, 1) if offsets else None


def _worst_ms(offsets: list[float]) -> float | None:
    return round(max(offsets, key=abs) * 1000, 1) if offsets else None


BENCHMARK = Benchmark(
    summary="three 1080p30 rooms in one picture: rate, latency, lip sync, joining time, CPU",
    run=run,
    seconds=20.0,
    aims={
        "composite_fps": "29 or more of 30",
        "latency_ms_p50": "under 200",
        "latency_ms_p95": "under 200",
        "av_offset_ms": "within ±40",
    },
)
