"""Everybody its own picture: N rooms that send 1080p30, each with a layout of its own at 720p30.

Beside it the ffmpeg command line that makes the same pictures: every input decoded once, scaled for each layout, one
stack and one encoder a room.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.caller import Caller
from bench.compose import CLIP, REFERENCE_SECONDS, SETTLE_SECONDS, SHAPE, UNLIMITED, cpu_ratio, join, measure
from bench.ffmpeg_reference import Coding, Composite, NoFfmpeg, cpu_per_second
from bench.real_clip import real_clip, write_mp4
from bench.report import Benchmark, Figures
from bench.traffic import Traffic
from consilium.simulated_room.clip import ClipPicture
from layouts.automatic import layout_named
from mcu.media.codec.video_encoder import BUFFER_SECONDS
from tests.peers.server import ServerProcess

WIDTH, HEIGHT = 1280, 720
BITRATE = 1_500_000
# All of them divide the picture in another way, with four rooms at least.
LAYOUTS = ("4", "1+3", "1+2", "2", "1+5", "6", "1+7", "9", "2+8", "12", "1+9", "16", "1+12")
CONFERENCE = "1000"


async def run(seconds: float, rooms: int) -> Figures:
    """Measure ``rooms`` rooms, each with its own view. Returns the figures."""
    if not 1 <= rooms <= len(LAYOUTS):
        raise SystemExit(f"between 1 and {len(LAYOUTS)} rooms have views of their own")
    clip = await asyncio.to_thread(real_clip, CLIP, SHAPE)
    own = {"media.width": WIDTH, "media.height": HEIGHT, "media.bitrate": BITRATE, "rooms.max_views": len(LAYOUTS)}
    settings = UNLIMITED | own
    with tempfile.TemporaryDirectory(prefix="consilium-bench-") as folder:
        async with ServerProcess(Path(folder), settings) as server:
            await server.login()
            caller = Caller()
            await caller.start()
            traffic = Traffic(clip, SHAPE.frame_rate)
            try:
                for _ in range(rooms):
                    await join(server, caller, traffic, CONFERENCE)
                await _choose(server, rooms)
                await asyncio.sleep(SETTLE_SECONDS)
                measured = await measure(server, traffic.rooms, seconds)
            finally:
                traffic.close()
                await caller.close()
        reference = await _reference(Path(folder), clip, rooms)
    per_view = measured.cores / rooms
    return {
        "views": rooms,
        "fps": round(measured.fps, 2),
        "dropped": measured.dropped,
        "lost_packets": measured.lost_packets,
        "cpu_cores": round(measured.cores, 3),
        "cpu_cores_per_view": round(per_view, 3),
        "ffmpeg_cpu_cores_per_view": None if reference is None else round(reference / rooms, 3),
        "cpu_ratio_vs_ffmpeg": None if reference is None else cpu_ratio(measured.cores, measured.fps, reference),
    }


async def _choose(server: ServerProcess, rooms: int) -> None:
    """Everybody chooses a layout, as a person would through the API."""
    found = await server.api("GET", f"/conferences/{CONFERENCE}/participants")
    participants = found["participants"]
    assert len(participants) == rooms
    for participant, layout in zip(participants, LAYOUTS, strict=False):
        await server.api("PATCH", f"/participants/{participant['id']}", {"layout": layout})


async def _reference(folder: Path, clip: Sequence[ClipPicture], rooms: int) -> float | None:
    file = folder / "clip.mp4"
    await asyncio.to_thread(write_mp4, tuple(clip), SHAPE.frame_rate, file)
    composites = []
    for name in LAYOUTS[:rooms]:
        tiles = layout_named(name, rooms).tiles(WIDTH, HEIGHT)[:rooms]
        composites.append(Composite(WIDTH, HEIGHT, tiles, tuple(range(len(tiles)))))
    coding = Coding(BITRATE, int(BITRATE * BUFFER_SECONDS), "baseline")
    try:
        return await cpu_per_second([file] * rooms, composites, coding, REFERENCE_SECONDS)
    except NoFfmpeg:
        return None


BENCHMARK = Benchmark(
    summary="N rooms, each with its own layout at 720p30: CPU for a view beside ffmpeg",
    run=run,
    seconds=15.0,
    aims={"fps": "29.5 or more of 30", "cpu_ratio_vs_ffmpeg": "below 1.0"},
    options=(("rooms", 4, "how many rooms, and views"),),
)
