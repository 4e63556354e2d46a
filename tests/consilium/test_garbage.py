"""What is there when a server has started is not collected any more; what comes later still is."""

from __future__ import annotations

import gc
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_what_was_loaded_is_left_alone_and_new_circles_are_freed() -> None:
    """In a process of its own: what is frozen here would stay so for all tests."""
    script = """
        import gc, weakref
        from consilium.garbage import settle

        class Circle: pass

        settle()
        assert gc.get_freeze_count() > 1000 and gc.get_threshold()[0] > 700
        circle = Circle()
        circle.itself = circle
        watch = weakref.ref(circle)
        del circle
        kept = [[] for _ in range(3 * gc.get_threshold()[0])]
        assert watch() is None
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT, check=True, timeout=60)
    assert gc.isenabled()
