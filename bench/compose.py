"""One shared composite: N rooms send real 1080p30 H.264 over RTP, the same 1080p30 picture goes to all of them.

The server is a process as users start it, and the calls are SIP calls; the rooms' media were coded and cut before, so
that they cost little. In the same run the ffmpeg command line does the same decoding, scaling, stacking and encoding,
without packets. Compared is CPU time for a second of media, which other work on the machine disturbs less than any
other figure.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.caller import Caller, CallFailed
from bench.composite import latencies
from bench.ffmpeg_reference import Coding, Composite, NoFfmpeg, cpu_per_second
from bench.real_clip import real_clip, write_mp4
from bench.report import Benchmark, Figures, percentile
from bench.server_cpu import ServerCost
from bench.traffic import RoomTraffic, Traffic
from consilium.simulated_room.clip import ClipFormat, ClipPicture
from layouts.automatic import layout_named
from mcu.media.codec.video_encoder import BUFFER_SECONDS
from sip.sdp.capabilities import LocalCapabilities
from tests.peers.server import ServerProcess

CLIP = "bigbuckbunny.mp4"
SHAPE = ClipFormat(width=1920, height=1080, frame_rate=30, bitrate=3_000_000, key_interval=2.0)
BITRATE = 3_000_000
ROOM_CAPABILITIES = LocalCapabilities(video=("H264",))
# Nothing is measured while decoders begin and rate control settles.
SETTLE_SECONDS = 4.0
LARGEST_SECONDS = 5.0
# Below this a room is seen to jerk.
ENOUGH_FPS = 29.5
REFERENCE_SECONDS = 10.0
# Below this rate so much has fallen out that CPU time for a picture says nothing.
MEANINGFUL_FPS = 25.0
# What the machine holds is to be found out here, not to be refused by what was measured at start.
UNLIMITED = {"media.capacity_ports": 1000}


@dataclass(frozen=True)
class Measured:
    """Of one run with some rooms: the composite's rate as the worst-served room got it, and what the server cost."""

    fps: float
    dropped: int
    lost_packets: int
    cores: float


async def run(seconds: float, rooms: int, largest: int) -> Figures:
    """Measure ``rooms`` rooms, then, up to ``largest``, how many this machine holds. Returns the figures."""
    clip = await asyncio.to_thread(real_clip, CLIP, SHAPE)
    with tempfile.TemporaryDirectory(prefix="consilium-bench-") as folder:
        async with ServerProcess(Path(folder), UNLIMITED) as server:
            caller = Caller()
            await caller.start()
            traffic = Traffic(clip, SHAPE.frame_rate)
            try:
                figures = await _measure_rooms(server, caller, traffic, seconds, rooms)
                figures["max_rooms"] = await _largest(server, caller, traffic, rooms, largest, figures)
            finally:
                traffic.close()
                await caller.close()
        figures |= await _compare(Path(folder), clip, rooms, figures)
    return figures


async def _measure_rooms(
    server: ServerProcess, caller: Caller, traffic: Traffic, seconds: float, count: int
) -> Figures:
    rooms: list[RoomTraffic] = []
    for number in range(count):
        if number == count - 1 and rooms:
            rooms[0].keep = True  # the key frame that the last one gets is where looking begins
        rooms.append(await join(server, caller, traffic))
    for room in rooms:
        room.keep = True
    await asyncio.sleep(SETTLE_SECONDS)
    start = time.monotonic()
    measured = await measure(server, rooms, seconds)
    for room in rooms:
        room.keep = False
    tiles = layout_named("auto", count).tiles(SHAPE.width, SHAPE.height)
    found = await asyncio.to_thread(latencies, rooms[0], list(zip(rooms, tiles, strict=True)), start)
    milliseconds = [latency * 1000 for latency in found]
    return {
        "rooms": count,
        "fps": round(measured.fps, 2),
        "dropped": measured.dropped,
        "lost_packets": measured.lost_packets,
        "latency_ms_p50": percentile(milliseconds, 50),
        "latency_ms_p95": percentile(milliseconds, 95),
        "latency_samples": len(milliseconds),
        "cpu_cores": round(measured.cores, 3),
        "profile": rooms[0].call.profile,
    }


async def join(server: ServerProcess, caller: Caller, traffic: Traffic, number: str = "1000") -> RoomTraffic:
    """One more room dials in and sends."""
    name = f"Room {len(traffic.rooms) + 1}"
    return traffic.add(await caller.call(server.sip_uri(number), name, ROOM_CAPABILITIES))


async def measure(server: ServerProcess, rooms: Sequence[RoomTraffic], seconds: float) -> Measured:
    """Count for so long."""
    cost = ServerCost(server.pid)
    start = time.monotonic()
    before = [(room.pictures, room.lost) for room in rooms]
    await asyncio.sleep(seconds)
    elapsed = time.monotonic() - start
    cores = cost.cpu_seconds() / elapsed
    after = [(room.pictures, room.lost) for room in rooms]
    pictures = min(now[0] - then[0] for now, then in zip(after, before, strict=True))
    return Measured(
        fps=pictures / elapsed,
        dropped=max(0, round(elapsed * SHAPE.frame_rate) - pictures),
        lost_packets=sum(now[1] - then[1] for now, then in zip(after, before, strict=True)),
        cores=cores,
    )


async def _largest(
    server: ServerProcess, caller: Caller, traffic: Traffic, rooms: int, largest: int, figures: Figures
) -> int:
    """Let rooms join one by one as long as all of them get their pictures; 0 when that was not so to begin with."""
    fps = figures["fps"]
    assert isinstance(fps, float)
    held = rooms if fps >= ENOUGH_FPS else 0
    while held and held < largest:
        try:
            await join(server, caller, traffic)
        except CallFailed:
            break
        await asyncio.sleep(SETTLE_SECONDS / 2)
        measured = await measure(server, traffic.rooms, LARGEST_SECONDS)
        if measured.fps < ENOUGH_FPS:
            break
        held += 1
    return held


async def _compare(folder: Path, clip: Sequence[ClipPicture], rooms: int, figures: Figures) -> Figures:
    file = folder / "clip.mp4"
    await asyncio.to_thread(write_mp4, tuple(clip), SHAPE.frame_rate, file)
    tiles = layout_named("auto", rooms).tiles(SHAPE.width, SHAPE.height)
    composite = Composite(SHAPE.width, SHAPE.height, tiles, tuple(range(rooms)))
    coding = Coding(BITRATE, int(BITRATE * BUFFER_SECONDS), "baseline")
    try:
        reference = await cpu_per_second([file] * rooms, [composite], coding, REFERENCE_SECONDS)
    except NoFfmpeg:
        return {"ffmpeg_cpu_cores": None, "cpu_ratio_vs_ffmpeg": None}
    return {
        "ffmpeg_cpu_cores": round(reference, 3),
        "cpu_ratio_vs_ffmpeg": cpu_ratio(figures["cpu_cores"], figures["fps"], reference),
    }


def cpu_ratio(cores: object, fps: object, reference: float) -> float | None:
    """The server's CPU time for a composed picture by that of the reference.

    On a busy machine pictures fall out; those must not count as saved, although their decoding was paid for. None when
    too many did.
    """
    assert isinstance(cores, float) and isinstance(fps, float)
    return round(cores * SHAPE.frame_rate / fps / reference, 3) if fps >= MEANINGFUL_FPS else None


BENCHMARK = Benchmark(
    summary="N rooms at 1080p30 in one shared picture: CPU beside ffmpeg, rate, latency, most rooms held",
    run=run,
    seconds=15.0,
    aims={
        "fps": "29.5 or more of 30",
        "latency_ms_p95": "under 70",
        "cpu_ratio_vs_ffmpeg": "at most 1.1, then below 1.0",
        "max_rooms": "8 on 2 cores",
    },
    options=(
        ("rooms", 4, "how many rooms to measure"),
        ("largest", 10, "how many to try at most for max_rooms; not more than rooms: do not try"),
    ),
)
