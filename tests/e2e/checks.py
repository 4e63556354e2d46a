"""What the end-to-end tests look for in pictures and sounds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
import numpy.typing as npt

from layouts.automatic import layout_named
from layouts.geometry import Rect
from tests.e2e.material import RATE, Samples, Source, likeness, tone_level
from tests.peers.baresip import BaresipError

# The clip in a tile correlates above 0.9 with its source after two encodings; other clips stay below 0.3.
ALIKE = 0.85
UNLIKE = 0.5

# A tone that is there stands above PRESENT dB; N-1 leaves less than ABSENT of one's own.
PRESENT = -40.0
ABSENT = -55.0

# Two pulses of every tone.
LISTENED = round(1.5 * RATE)


def tiles_of(width: int, height: int, count: int) -> list[Rect]:
    """Where the automatic layout puts so many participants in a picture of this size."""
    return list(layout_named("auto", count).tiles(width, height))


def luma(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """BT.601 luma of an RGB picture."""
    weighted = picture[..., :3].astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    return weighted.astype(np.uint8)


def assert_tiles_show(picture: npt.NDArray[np.uint8], shown: list[Source], everybody: list[Source]) -> None:
    """Each tile, in order, holds its source and no other."""
    gray = luma(picture) if picture.ndim == 3 else picture
    height, width = gray.shape
    for rect, source in zip(tiles_of(width, height, len(shown)), shown, strict=True):
        tile = gray[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width]
        found = {other.name: round(likeness(tile, other), 3) for other in everybody}
        assert found[source.name] > ALIKE, f"the tile at {rect} should show {source.name}: {found}"
        for name, value in found.items():
            assert name == source.name or value < UNLIKE, f"the tile at {rect} should show {source.name}: {found}"


def assert_hears(samples: Samples, others: list[Source], own: Source | None) -> None:
    """The others' tones are there, one's own is not."""
    levels = {source.name: round(tone_level(samples, source.frequency), 1) for source in others}
    assert all(level > PRESENT for level in levels.values()), f"levels in dB: {levels}"
    if own is not None:
        level = tone_level(samples, own.frequency)
        assert level < ABSENT, f"hears itself at {level:.1f} dB"


async def until_holds(check: Callable[[], Awaitable[None]], seconds: float = 12.0) -> None:
    """Make a check again and again until it holds: calls need a moment for their first pictures and sounds.

    Raises what the check says at last where it never holds.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while True:
        try:
            return await check()
        except (AssertionError, BaresipError):
            if loop.time() > end:
                raise
        await asyncio.sleep(0.1)
