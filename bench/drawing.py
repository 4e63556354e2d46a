"""What drawing costs: processor time for each 1080p picture, from names alone to everything there is.

Nothing is decoded or encoded; the tiles get another picture each time, as at 30 pictures a second. Processor time is of
this process, which has one thread, so other work on the machine disturbs it only through the memory they share.
"""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageDraw

from bench.report import Benchmark, Figures
from layouts.automatic import layout_named
from layouts.geometry import Rect
from mcu.media.picture.artist import Artist
from mcu.media.picture.canvas import Canvas
from mcu.media.picture.decoration import Decorator
from mcu.media.picture.planes import Planes, Size
from mcu.media.picture.tiles import Look, TileContent
from mcu.media.spec import DecorationSpec

_FONT = Path(__file__).parents[1] / "node_modules/@expo-google-fonts/noto-sans-sc/400Regular/NotoSansSC_400Regular.ttf"
_SIZE = (1920, 1080)
_RATE = 30

# Pictures of each source, shown in turn; more than the processor's cache holds, as it is in earnest.
_PICTURES = 4

# The figure is the best of so many runs: the one that was disturbed least.
_RUNS = 5


async def run(seconds: float) -> Figures:
    """Measure each decoration for an equal part of ``seconds``."""
    with TemporaryDirectory() as folder:
        logo = _logo(Path(folder))
        marks = DecorationSpec(banner="远程会诊 · 第三手术室", clock=True, logo=logo)
        line = "请各分会场保持静音，发言前请举手示意。Please keep your microphones muted. " * 3
        caption = marks.model_copy(update={"caption": line})
        everything = caption.model_copy(update={"watermark": "协和医院 仅供会诊"})
        four, many = layout_named("4", 4).tiles(*_SIZE), layout_named("25", 25).tiles(*_SIZE)
        inset = (Rect(0, 0, *_SIZE), Rect(1400, 760, 480, 270))
        cases = {
            "names_ms": (four, DecorationSpec(), True),
            "and_banner_clock_logo_ms": (four, marks, True),
            "and_caption_ms": (four, caption, True),
            "and_watermark_ms": (four, everything, True),
            "names_25_tiles_ms": (many, DecorationSpec(), True),
            "everything_25_tiles_ms": (many, everything, True),
            "picture_in_picture_ms": (inset, DecorationSpec(), True),
            "at_rest_ms": (four, everything.model_copy(update={"scroll": False}), False),
            "at_rest_but_caption_ms": (four, caption, False),
        }
        return {name: _measure(*case, seconds / len(cases)) for name, case in cases.items()}


def _measure(tiles: tuple[Rect, ...], spec: DecorationSpec, moving: bool, seconds: float) -> float:
    artist = Artist(_FONT)
    canvas, decorator = Canvas(*_SIZE, artist), Decorator(artist, _SIZE, _RATE, time.time)
    pictures = [[_picture(tile.size, index + phase) for phase in range(_PICTURES)] for index, tile in enumerate(tiles)]
    shown = 0

    def paint() -> None:
        nonlocal shown
        contents = [
            TileContent(
                Look.LIVE,
                str(index),
                "北京协和医院 远程会诊中心",
                microphone_muted=index % 2 == 1,
                picture=pictures[index][shown % _PICTURES if moving else 0],
            )
            for index in range(len(tiles))
        ]
        # Who speaks changes every two seconds.
        speaker = shown // (2 * _RATE) % len(tiles) if moving else 0
        canvas.paint(tiles, contents, speaker, decorator.decoration(spec, True, shown / _RATE))
        frame = canvas.lend()
        if frame is not None:
            canvas.give_back(frame)
        shown += 1

    for _ in range(3):
        paint()
    best = float("inf")
    for _ in range(_RUNS):
        count, start = 0, time.process_time()
        until = time.monotonic() + seconds / _RUNS
        while time.monotonic() < until:
            paint()
            count += 1
        best = min(best, (time.process_time() - start) / count)
    return round(best * 1000, 3)


def _picture(size: Size, seed: int) -> Planes:
    picture = Planes.blank(*size)
    rng = np.random.default_rng(seed)
    for plane in (picture.y, picture.u, picture.v):
        plane[:] = rng.integers(16, 236, plane.shape, np.uint8)
    return picture


def _logo(folder: Path) -> str:
    image = Image.new("RGBA", (600, 200))
    ImageDraw.Draw(image).ellipse((20, 20, 180, 180), (0, 140, 130, 255))
    ImageDraw.Draw(image).rectangle((220, 60, 580, 140), (255, 255, 255, 160))
    file = folder / "logo.png"
    image.save(file)
    return str(file)


BENCHMARK = Benchmark(
    summary="what drawing costs: names, banner, clock, logo, caption, watermark",
    run=run,
    seconds=18,
    aims={"and_watermark_ms": "< 2", "at_rest_ms": "< 0.1"},
)
