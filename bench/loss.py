"""Bad networks: what a room behind one sees and hears, and what the others see and hear of it.

A seeded relay stands between one of two rooms and the server, in both directions. The rooms are real SIP calls; those
called plain know RTP only, without NACK and PLI; those called repaired have forward error correction besides. Sound
carries earlier frames for all that are not plain. A browser is measured by its own statistics. Pictures carry their
number and are compared with those of a call over a clean network; the sound is a real sentence, said again and again.
``up`` is from the room behind the relay to the other one, ``down`` the way back. A player keeps 200 ms in hand, and
what stands for more than 183 ms is frozen.
"""

from __future__ import annotations

import asyncio
import math
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.loss_browser import measure_browser, write_camera
from bench.loss_call import PLAYER_BUFFER, LossCall, References, Subject, quality_of, recover_seconds
from bench.loss_view import COMPARE_EVERY, Plane, compared
from bench.network_path import Conditions
from bench.report import Benchmark, Figures
from bench.speech import speech
from bench.time_code import time_coded_clip
from consilium.simulated_room.clip import Clip, ClipFormat
from consilium.simulated_room.room import Lost
from layouts.geometry import Rect
from mcu.media.codec.video_decoder import VideoDecoder
from mcu.media.sound.samples import RATE, Sound
from tests.peers.chromium import available as chromium_available
from tests.peers.server import ServerProcess

SHAPE = ClipFormat(width=640, height=360, frame_rate=30, bitrate=700_000)
SENTENCE_SECONDS = 6.0
# So many calls at once: two processors carry them.
AT_A_TIME = 2
# What it costs to join, to settle and to hang up; to start the server; and to look at what was received.
OVERHEAD, START_SECONDS, ANALYSIS, CAP_ANALYSIS = 5.5, 8.0, 2.0, 6.0
DELAY = 0.02
BURST = 4.0
JITTER = 1.0
WIDE, NARROW = 6e6, 1e6
WIDE_SECONDS, NARROW_SECONDS, FREED_SECONDS = 4.0, 8.0, 16.0
CAP_SECONDS = WIDE_SECONDS + NARROW_SECONDS + FREED_SECONDS
# Pictures that need some 2 Mbit/s as one of two tiles, and the tile's size.
CAP_SHAPE = ClipFormat(width=1280, height=720, frame_rate=30, bitrate=2_500_000)
CAP_TILE = (640, 360)

CONDITIONS: dict[str, Conditions] = {
    "0": Conditions(delay=DELAY),
    "5": Conditions(delay=DELAY, loss=0.05),
    "10": Conditions(delay=DELAY, loss=0.10),
    "20": Conditions(delay=DELAY, loss=0.20),
    "burst_5": Conditions(delay=DELAY, loss=0.05, burst=BURST),
    "burst_10": Conditions(delay=DELAY, loss=0.10, burst=BURST),
    "burst_20": Conditions(delay=DELAY, loss=0.20, burst=BURST),
    "jitter": Conditions(delay=DELAY, jitter=JITTER),
    "reorder": Conditions(delay=DELAY, reorder=0.05, duplicate=0.02),
}
PLAIN = {"plain": ("5", "20"), "repaired": ("20",)}
LOST: dict[str, Lost] = {"": "repeat", "plain": "neither", "repaired": "repair"}
BROWSER = ("5", "20")
BROWSER_OVERHEAD = 13.0


async def run(seconds: float, only: str = "") -> Figures:
    """All conditions, two calls at a time, within about so many seconds; ``only`` those named, between commas.

    A busy machine takes longer over each: what would begin too late is left out, and named in ``left_out``.
    """
    deadline = time.monotonic() + seconds
    wanted = set(only.split(",")) if only else None
    names = [(name, "") for name in CONDITIONS if wanted is None or name in wanted | {"0"}]
    names += [
        (name, kind) for kind, some in PLAIN.items() for name in some if wanted is None or f"{kind}_{name}" in wanted
    ]
    browser = [name for name in BROWSER if chromium_available() and (wanted is None or f"browser_{name}" in wanted)]
    capped = wanted is None or "cap" in wanted
    cap = CAP_SECONDS + OVERHEAD + CAP_ANALYSIS if capped else 0.0
    batches = math.ceil(len(names) / AT_A_TIME)
    beside = cap + START_SECONDS + len(browser) * (BROWSER_OVERHEAD - OVERHEAD) + len(names) * ANALYSIS
    each = min(20.0, max(3.0, (seconds - beside) / (batches + len(browser)) - OVERHEAD))
    clip = await asyncio.to_thread(time_coded_clip, SHAPE, SENTENCE_SECONDS, 1, None)
    sentence = speech(SENTENCE_SECONDS)
    subject = Subject(replace(clip, sound=(sentence * 32767).astype(np.int16)), sentence)
    run = _Run(subject, each, deadline - len(names) * ANALYSIS)
    with tempfile.TemporaryDirectory(prefix="consilium-bench-") as folder:
        settings = {"media.width": 1280, "media.height": 720, "media.bitrate": 2_000_000}
        async with ServerProcess(Path(folder), settings) as server:
            await server.login()
            for first in range(0, len(names), AT_A_TIME):
                await run.measure(server, names[first : first + AT_A_TIME], first)
            camera = write_camera(Path(folder) / "camera.mjpeg", clip) if browser else Path(folder)
            for seed, name in enumerate(browser):
                if run.has_time(f"browser_{name}", each + BROWSER_OVERHEAD):
                    run.figures[f"browser_{name}"] = await measure_browser(
                        server, subject.clip, camera, CONDITIONS[name], f"40{seed}", each, seed
                    )
            if capped and run.has_time("cap", cap):
                run.figures |= await _measure_cap(server, sentence)
    await asyncio.to_thread(run.look)
    return run.figures | {"left_out": ",".join(run.left_out)}


class _Run:
    """What has been measured so far. What was received is looked at when all is over: it takes whole processors, which
    the calls need for themselves.
    """

    def __init__(self, subject: Subject, each: float, deadline: float) -> None:
        self._subject, self._each, self._deadline = subject, each, deadline
        self._references = References()
        self._calls: list[tuple[str, str, LossCall]] = []
        self.figures: Figures = {"seconds_each": round(each, 1)}
        self.left_out: list[str] = []

    def has_time(self, name: str, needed: float) -> bool:
        """Whether something that takes so many seconds can still be begun; else its name is noted."""
        if time.monotonic() + needed <= self._deadline:
            return True
        self.left_out.append(name)
        return False

    async def measure(self, server: ServerProcess, names: Sequence[tuple[str, str]], first: int) -> None:
        """Calls over these networks, at once; the very first is the one that others are compared with."""
        found = [
            (number, name, kind)
            for number, (name, kind) in enumerate(names, first)
            if number == 0 or self.has_time(f"{kind}_{name}" if kind else name, self._each + OVERHEAD)
        ]
        await asyncio.gather(*(self._call(server, number, name, kind) for number, name, kind in found))

    async def _call(self, server: ServerProcess, number: int, name: str, kind: str) -> None:
        references = None if number == 0 else self._references
        call = LossCall(server, self._subject, references, lost=LOST[kind], number=str(100 + number), seed=number)
        async with call:
            call.change(CONDITIONS[name])
            await call.measure(self._each)
        self._calls.append((name, kind, call))

    def look(self) -> None:
        """The figures of all calls."""
        for name, kind, call in sorted(self._calls, key=lambda one: one[2].is_compared):
            call.look()
            if not call.is_compared:
                self._references.up.update(call.viewers["up"].pictures)
                self._references.down.update(call.viewers["down"].pictures)
            found = call.figures(PLAYER_BUFFER + CONDITIONS[name].jitter)
            self.figures[f"{kind}_{name}" if kind else _group(name)] = found
            if name.isdigit() and not kind:
                for measure in ("ssim", "pesq"):
                    self.figures[f"{measure}_{name}"] = _worst(found, measure, min)
                self.figures[f"freeze_ratio_{name}"] = _worst(found, "freeze_ratio", max)


async def _measure_cap(server: ServerProcess, sentence: Sound) -> Figures:
    """Wide, narrow, wide again, with pictures that need more than the narrow link carries, seen at their full size."""
    loop = asyncio.get_running_loop()
    clip = await asyncio.to_thread(time_coded_clip, CAP_SHAPE, WIDE_SECONDS, 1, None)
    spoken = sentence[: round(WIDE_SECONDS * RATE)]
    subject = Subject(replace(clip, sound=(spoken * 32767).astype(np.int16)), spoken)
    references = await asyncio.to_thread(_as_sent, clip)
    call = LossCall(server, subject, references, lost="repeat", number="300", seed=99, compared=CAP_TILE)
    async with call:
        call.change(Conditions(delay=DELAY, rate=WIDE))
        began = loop.time()
        await asyncio.sleep(WIDE_SECONDS)
        call.change(Conditions(delay=DELAY, rate=NARROW))
        narrowed = loop.time()
        await asyncio.sleep(NARROW_SECONDS)
        call.change(Conditions(delay=DELAY, rate=WIDE))
        freed = loop.time()
        await call.measure(FREED_SECONDS)
        end = loop.time()
    await asyncio.to_thread(call.look)
    found: Figures = {}
    for way, viewer in call.viewers.items():
        found[f"recover_s_{way}"] = recover_seconds(viewer.seen, CAP_SHAPE.frame_rate, (began, narrowed), freed, end)
    down = call.viewers["down"]
    for name, start, stop in (
        ("wide", began, narrowed),
        ("narrow", freed - 4, freed),
        ("freed", end - 4, end),
    ):
        octets = sum(size for at, size in down.received if start <= at < stop)
        found[f"mbit_s_down_{name}"] = round(octets * 8 / (stop - start) / 1e6, 2)
        found[f"quality_down_{name}"] = round(quality_of(down.seen, CAP_SHAPE.frame_rate, start, stop), 1)
    return {"recover_s": found["recover_s_down"], "cap": found}


def _as_sent(clip: Clip) -> References:
    """The clip's own pictures, as large as a tile."""
    decoder = VideoDecoder("H264")
    found: dict[int, Plane] = {}
    for number, picture in enumerate(clip.pictures):
        frame = decoder.decode(picture.data)
        if frame is not None and number % COMPARE_EVERY == 0:
            luma = np.ascontiguousarray(frame.to_ndarray()[: CAP_SHAPE.height], np.uint8)
            found[number] = compared(luma, Rect(0, 0, CAP_SHAPE.width, CAP_SHAPE.height), CAP_TILE)
    return References(found, dict(found))


def _group(name: str) -> str:
    return f"loss_{name}" if name.isdigit() else name


def _worst(found: Figures, measure: str, choose: Callable[[list[float]], float]) -> float | None:
    values = [value for way in ("up", "down") if isinstance(value := found[f"{measure}_{way}"], float | int)]
    return None if not values else choose(values)


BENCHMARK = Benchmark(
    summary="bad networks: loss, bursts, jitter, disorder and a rate cap between a room and the server",
    run=run,
    seconds=180.0,
    aims={
        "freeze_ratio_5": "0.005 at most",
        "freeze_ratio_20": "0.03 at most",
        "pesq_20": "2.8 or more",
        "recover_s": "15 at most",
    },
    options=(("only", "", "names of conditions between commas, such as 20,plain_20,cap"),),
)
