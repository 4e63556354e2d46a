"""What a worker has loaded is not looked at again by the garbage collector."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import gc

import mcu.media.worker
from mcu.media.garbage import settle

before = len(gc.get_objects())
settle()
left = len(gc.get_objects())
assert gc.get_freeze_count() > 0.9 * before > 10_000, (gc.get_freeze_count(), before)
assert left < 0.02 * before, (left, before)
"""


def test_of_what_is_loaded_nothing_is_left_to_look_at() -> None:
    subprocess.run([sys.executable, "-c", _PROGRAM], check=True, timeout=60)
