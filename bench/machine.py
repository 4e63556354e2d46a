"""The machine that the figures are of."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import av
import psutil


def machine() -> dict[str, str | int | float]:
    """Facts that figures depend on; ``load_1m`` tells whether something else was running."""
    model = ""
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "cores": os.cpu_count() or 0,
        "cpu": model,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "pyav": av.__version__,
        "load_1m": round(os.getloadavg()[0], 2),
    }
