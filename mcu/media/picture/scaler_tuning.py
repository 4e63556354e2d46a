"""Which of FFmpeg's scaling code is the faster on this processor: measured at the start of a worker.

With AVX2 the scaler fetches samples by "gather" instructions. On some processors, and inside some virtual machines,
those are slower than the SSE code that they replaced. FFmpeg has a flag for it that it sets by processor model; what it
does not know, a few pictures tell. Both give the same picture to the last bit.
"""

from __future__ import annotations

import ctypes
import logging
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import av

from mcu.media.picture.planes import Planes
from mcu.media.picture.scaler import Scaler

logger = logging.getLogger(__name__)

# AV_CPU_FLAG_SLOW_GATHER of libavutil/cpu.h; other architectures have other flags at this place.
SLOW_GATHER = 0x2000000
_MACHINES = frozenset({"x86_64", "AMD64"})

# The best of so many rounds counts: something else may be running. All of them take some 30 ms.
ROUNDS = 4
_PICTURES = 3
_SIZE = (632, 354)

# A gain below this is chance.
_WORTHWHILE = 0.95


class CpuFlags(Protocol):
    """What FFmpeg believes of the processor, for all that is opened from now on."""

    def get(self) -> int: ...
    def set(self, flags: int) -> None: ...


class LibavCpuFlags:
    """Those of the FFmpeg libraries that come with PyAV. Raises OSError where they are not found."""

    def __init__(self) -> None:
        bundled = sorted((Path(av.__file__).parent.parent / "av.libs").glob("libavutil*.so*"))
        if not bundled:
            raise OSError("no libavutil beside PyAV")
        self._library = ctypes.CDLL(str(bundled[0]))
        self._library.av_get_cpu_flags.restype = ctypes.c_int
        self._library.av_force_cpu_flags.argtypes = [ctypes.c_int]

    def get(self) -> int:
        return int(self._library.av_get_cpu_flags())

    def set(self, flags: int) -> None:
        self._library.av_force_cpu_flags(flags)


def tune_scaling() -> None:
    """Choose for this process; before anything is scaled in it. Where the choice cannot be made, nothing changes."""
    if platform.machine() not in _MACHINES:
        return
    try:
        flags = LibavCpuFlags()
    except (OSError, AttributeError) as error:
        logger.info("scaling stays as it is: %s", error)
        return
    if choose(flags, scaling_cost):
        logger.info("scaling without gather instructions, which are slow on this processor")


def choose(flags: CpuFlags, cost: Callable[[], float]) -> bool:
    """Set SLOW_GATHER when ``cost`` (CPU seconds of some scaling) is clearly lower with it; True when it was set."""
    plain = flags.get()
    if plain & SLOW_GATHER:
        return False
    costs = {plain: float("inf"), plain | SLOW_GATHER: float("inf")}
    for _ in range(ROUNDS):
        for choice in costs:
            flags.set(choice)
            costs[choice] = min(costs[choice], cost())
    better = costs[plain | SLOW_GATHER] < costs[plain] * _WORTHWHILE
    flags.set(plain | SLOW_GATHER if better else plain)
    return better


def scaling_cost(clock: Callable[[], float] = time.thread_time) -> float:
    """CPU seconds for some pictures from 1080p to a tile."""
    frame = av.VideoFrame(1920, 1080, "yuv420p")
    for plane in (Planes.of(frame).y, Planes.of(frame).u, Planes.of(frame).v):
        plane.fill(100)
    scaler = Scaler()
    scaler.scale(frame, _SIZE)  # makes its tables
    began = clock()
    for _ in range(_PICTURES):
        scaler.scale(frame, _SIZE)
    return clock() - began
