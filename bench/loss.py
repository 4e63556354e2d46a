"""Bad networks: what a room behind one sees and hears, and what the others see and hear of it.

A seeded relay stands between one of two rooms and the server, in both directions. The rooms are real SIP calls; those
called plain know RTP only, without NACK and PLI. A browser is measured by its own statistics. Pictures carry their
number and are compared with those of a call over a clean network; the sound is a real sentence, said again and again.
``up`` is from the room behind the relay to the other one, ``down`` the way back. A player keeps 200 ms in hand, and
what stands for more than 183 ms is frozen.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.loss_browser import measure_browser, write_camera
from bench.loss_call import PLAYER_BUFFER, LossCall, References, Subject, recover_seconds
from bench.network_path import Conditions
from bench.report import Benchmark, Figures
from bench.speech import speech
from bench.time_code import time_coded_clip
from consilium.simulated_room.clip import ClipFormat
from tests.peers.chromium import available as chromium_available
from tests.peers.server import ServerProcess

SHAPE = ClipFormat(width=640, height=360, frame_rate=30, bitrate=700_000)
SENTENCE_SECONDS = 6.0
# What it costs to join, to settle and to hang up.
OVERHEAD = 5.5
DELAY = 0.02
BURST = 4.0
JITTER = 1.0
WIDE, NARROW = 6e6, 1e6
WIDE_SECONDS, NARROW_SECONDS, FREED_SECONDS = 4.0, 8.0, 16.0

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
PLAIN = ("5", "20")
BROWSER = ("5", "20")
BROWSER_OVERHEAD = 13.0


async def run(seconds: float, only: str = "") -> Figures:
    """All conditions one after the other, within about so many seconds; ``only`` those named, between commas.

    A busy machine takes longer over each: what would begin too late is left out, and named in ``left_out``.
    """
    deadline = time.monotonic() + seconds
    left_out: list[str] = []
    wanted = set(only.split(",")) if only else None
    names = [name for name in CONDITIONS if wanted is None or name in wanted | {"0"}]
    plain = [name for name in PLAIN if wanted is None or f"plain_{name}" in wanted]
    browser = [name for name in BROWSER if chromium_available() and (wanted is None or f"browser_{name}" in wanted)]
    capped = wanted is None or "cap" in wanted
    calls = len(names) + len(plain) + len(browser)
    cap = WIDE_SECONDS + NARROW_SECONDS + FREED_SECONDS + OVERHEAD if capped else 0.0
    beside = cap + 8.0 + len(browser) * (BROWSER_OVERHEAD - OVERHEAD)
    each = min(20.0, max(3.0, (seconds - beside) / calls - OVERHEAD))
    clip = await asyncio.to_thread(time_coded_clip, SHAPE, SENTENCE_SECONDS, 1, None)
    sentence = speech(SENTENCE_SECONDS)
    subject = Subject(replace(clip, sound=(sentence * 32767).astype(np.int16)), sentence)
    figures: Figures = {"seconds_each": round(each, 1)}

    def has_time(name: str, needed: float) -> bool:
        if time.monotonic() + needed <= deadline:
            return True
        left_out.append(name)
        return False

    with tempfile.TemporaryDirectory(prefix="consilium-bench-") as folder:
        settings = {"media.width": 1280, "media.height": 720, "media.bitrate": 2_000_000}
        async with ServerProcess(Path(folder), settings) as server:
            await server.login()
            references: References | None = None
            for seed, name in enumerate(names):
                if references is not None and not has_time(name, each + OVERHEAD):
                    continue
                found, call = await _measure(server, subject, references, name, each, seed, plain=False)
                if references is None:
                    references = References(call.viewers["up"].pictures, call.viewers["down"].pictures)
                figures[_group(name)] = found
                if name.isdigit():
                    for measure in ("ssim", "pesq"):
                        figures[f"{measure}_{name}"] = _worst(found, measure, min)
                    figures[f"freeze_ratio_{name}"] = _worst(found, "freeze_ratio", max)
            for seed, name in enumerate(plain):
                if not has_time(f"plain_{name}", each + OVERHEAD):
                    continue
                found, _ = await _measure(server, subject, references, name, each, seed, plain=True)
                figures[f"plain_{name}"] = found
            camera = write_camera(Path(folder) / "camera.mjpeg", clip) if browser else Path(folder)
            for seed, name in enumerate(browser):
                if not has_time(f"browser_{name}", each + BROWSER_OVERHEAD):
                    continue
                figures[f"browser_{name}"] = await measure_browser(
                    server, subject.clip, camera, CONDITIONS[name], f"40{seed}", each, seed
                )
            if capped and has_time("cap", cap):
                figures |= await _measure_cap(server, subject, references)
    return figures | {"left_out": ",".join(left_out)}


async def _measure(
    server: ServerProcess,
    subject: Subject,
    references: References | None,
    name: str,
    seconds: float,
    seed: int,
    *,
    plain: bool,
) -> tuple[Figures, LossCall]:
    conditions = CONDITIONS[name]
    call = LossCall(server, subject, references, plain=plain, number=f"{100 + seed}{int(plain)}", seed=seed)
    async with call:
        call.change(conditions)
        await call.measure(seconds)
    return await asyncio.to_thread(call.figures, PLAYER_BUFFER + conditions.jitter), call


async def _measure_cap(server: ServerProcess, subject: Subject, references: References | None) -> Figures:
    """Wide, narrow, wide again."""
    loop = asyncio.get_running_loop()
    call = LossCall(server, subject, references, plain=False, number="300", seed=99)
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
    found: Figures = {}
    for way, viewer in call.viewers.items():
        found[f"recover_s_{way}"] = recover_seconds(viewer.seen, SHAPE.frame_rate, (began, narrowed), freed, end)
    down = call.viewers["down"].received
    rates = {
        name: round(sum(size for at, size in down if start <= at < stop) * 8 / (stop - start) / 1e6, 2)
        for name, start, stop in (
            ("wide", began, narrowed),
            ("narrow", freed - 4, freed),
            ("freed", freed + 12, freed + FREED_SECONDS),
        )
    }
    return {
        "recover_s": found["recover_s_down"],
        "cap": found | {f"mbit_s_down_{name}": rate for name, rate in rates.items()},
    }


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
