"""A media worker is killed in the middle of a recorded call of two rooms and two browsers: how long until all is back.

The server is a process as users start it. One room's media are in the clear, the other's encrypted (SDES); both are
simulated, over loopback, with real SIP calls. The browsers are pages of one Chromium. Every pause is the longest time
without a new picture, or packet of sound, from just before ``kill -9`` on; the worst of all kills counts.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.failover_page import WatchedPage
from bench.observer import PictureObserver
from bench.report import Benchmark, Figures
from bench.server_log import instants_of
from bench.time_code import time_coded_clip
from consilium.simulated_room.clip import Clip, ClipFormat
from consilium.simulated_room.room import RoomSettings, SimulatedRoom
from mcu.media.units import CodedPicture, CodedSound
from recorder.store import RecordingStore
from tests.peers.chromium import Chromium
from tests.peers.server import ServerProcess

SHAPE = ClipFormat(width=640, height=360, frame_rate=30, bitrate=700_000)
PARTICIPANTS = 4
# Nothing is killed while codecs, buffers and browsers' estimates settle.
SETTLE_SECONDS = 6.0
# From one kill to the next: the spare worker has been replaced by then, and everybody had their picture for long.
BETWEEN_KILLS = 11.0
# Before a kill everything flows: so much of it counts, to know the usual interval.
BEFORE = 0.5
WHOLE_CALL = 18.0
SPARE_PATIENCE, LOOK_INTERVAL = 60.0, 0.2
NUMBER = "1000"


@dataclass
class Instants:
    """When something came in, in seconds since the epoch."""

    at: list[float] = field(default_factory=list)

    def note(self, unit: CodedPicture | CodedSound) -> None:
        self.at.append(time.time())

    def pause(self, killed: float) -> float:
        return pause(self.at, killed)


def pause(instants: list[float], killed: float) -> float:
    """The longest time without one, from just before the kill to just before the next, in seconds."""
    times = [at for at in instants if killed - BEFORE < at < killed + BETWEEN_KILLS - BEFORE]
    if len(times) < 2 or times[-1] < killed:
        return float("inf")
    return float(np.diff(np.asarray(times)).max())


class WatchedRoom:
    """A simulated room, and when it saw and heard something."""

    def __init__(self, name: str, clip: Clip, *, sdes: bool, observer: PictureObserver | None = None) -> None:
        self.pictures, self.sounds = Instants(), Instants()
        self._observer = observer
        settings = RoomSettings(name=name, user=name.lower(), encryption="sdes" if sdes else "none")
        self.room = SimulatedRoom(settings, clip, on_picture=self._picture, on_sound=self.sounds.note)

    def _picture(self, unit: CodedPicture) -> None:
        self.pictures.note(unit)
        if self._observer is not None:
            self._observer.push(unit)


async def run(seconds: float) -> Figures:
    """Kill as often as fits into about so many seconds, at least once. Returns the figures."""
    kills = max(1, int((seconds - WHOLE_CALL) // BETWEEN_KILLS))
    clips = await asyncio.gather(*(asyncio.to_thread(time_coded_clip, SHAPE, 5.0, seed, None) for seed in (1, 2)))
    with tempfile.TemporaryDirectory(prefix="consilium-bench-") as folder:
        settings = {"media.width": 1280, "media.height": 720, "media.bitrate": 1_500_000}
        async with ServerProcess(Path(folder), settings) as server:
            await server.login()
            figures, killed, recording = await _measure(server, clips, kills)
            figures["detect_ms"] = _worst_ms(
                [
                    min(at for at in instants_of(server.log(), "is gone; starting its successor") if at > instant)
                    - instant
                    for instant in killed
                ]
            )
            figures["recording_gap_ms"] = _recording_gap(server, recording, killed)
    return {name: figures[name] for name in sorted(figures, key=_order)}


async def _measure(server: ServerProcess, clips: list[Clip], kills: int) -> tuple[Figures, list[float], str]:
    observer = PictureObserver(tile=1, tiles=PARTICIPANTS)
    first = WatchedRoom("First", clips[0], sdes=False, observer=observer)
    second = WatchedRoom("Second", clips[1], sdes=True)
    rooms = {"room": first, "room_sdes": second}
    killed: list[float] = []
    async with AsyncExitStack() as stack:
        for each in rooms.values():
            stack.push_async_callback(each.room.hang_up)
            await each.room.call(server.sip_uri(NUMBER))
        chromium = await stack.enter_async_context(Chromium())
        pages = [await WatchedPage.join(chromium, f"{server.url}/?room={NUMBER}&name=Page{n}") for n in (1, 2)]
        recording = await server.api("POST", f"/conferences/{NUMBER}/recording")
        await asyncio.sleep(SETTLE_SECONDS)
        for _ in range(kills):
            await _until_a_spare_waits(server, len(killed) + 1)
            worker = await asyncio.to_thread(server.worker_pid)
            killed.append(time.time())
            os.kill(worker, signal.SIGKILL)
            await asyncio.sleep(BETWEEN_KILLS)
        shown = [await page.shown() for page in pages]
        heard = [await page.heard() for page in pages]
        await server.api("DELETE", f"/conferences/{NUMBER}/recording")
        hang_ups = sum(each.room.ended.is_set() for each in rooms.values())
        offset = time.time() - time.monotonic()
        observer.close()
    codes = [at + offset for at in _changes(observer.codes)]
    pauses = {
        **{f"{kind}_picture": [each.pictures.pause(at) for at in killed] for kind, each in rooms.items()},
        **{f"{kind}_sound": [each.sounds.pause(at) for at in killed] for kind, each in rooms.items()},
        "browser_picture": [pause(instants, at) for instants in shown for at in killed],
        "browser_sound": [pause(instants, at) for instants in heard for at in killed],
    }
    figures: Figures = {f"{kind}_ms": _worst_ms(found) for kind, found in pauses.items()}
    figures |= {
        "kills": kills,
        "media_back_ms": _worst_ms([each for found in pauses.values() for each in found]),
        "person_back_ms": _worst_ms([pause(codes, at) for at in killed]),
        "reinvites": sum(each.room.reoffers_received for each in rooms.values()),
        "hang_ups": hang_ups,
        "renegotiations": sum(page.renegotiations for page in pages),
        "reloads": sum(page.reloads for page in pages),
    }
    return figures, killed, recording["id"]


async def _until_a_spare_waits(server: ServerProcess, number: int) -> None:
    """The server is as it is most of the time: not in the seconds after another worker died."""
    for _ in range(round(SPARE_PATIENCE / LOOK_INTERVAL)):
        if len(instants_of(server.log(), "a spare media worker waits")) >= number:
            return
        await asyncio.sleep(LOOK_INTERVAL)
    raise TimeoutError("no spare media worker")


def _changes(codes: list[tuple[int, float]]) -> list[float]:
    """When a picture of the observed person was another than the one before."""
    return [at for (before, _), (number, at) in itertools.pairwise(codes) if number != before]


def _recording_gap(server: ServerProcess, recording: str, killed: list[float]) -> float | None:
    """What is missing between the parts that a recording consists of, at most; None when there are too few parts."""
    store = RecordingStore(Path(str(server.settings["data"])) / "recordings")
    parts = [part.summary for part in store.open(recording).parts]
    if len(parts) != len(killed) + 1:
        return None
    gaps = [
        after.header.started - (before.header.started + before.duration) for before, after in itertools.pairwise(parts)
    ]
    return _worst_ms(gaps)


def _worst_ms(pauses: list[float]) -> float | None:
    worst = max(pauses, default=float("inf"))
    return None if worst == float("inf") else round(worst * 1000, 0)


def _order(name: str) -> tuple[int, str]:
    first = ("kills", "detect_ms", "media_back_ms", "person_back_ms", "recording_gap_ms")
    return (first.index(name), "") if name in first else (len(first), name)


BENCHMARK = Benchmark(
    summary="kill -9 of a media worker with two rooms, two browsers and a recording: how long until all is back",
    run=run,
    seconds=40.0,
    aims={
        "media_back_ms": "under 1000",
        "reinvites": "0",
        "renegotiations": "0",
        "reloads": "0",
        "recording_gap_ms": "under 1500",
    },
)
