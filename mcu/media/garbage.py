"""Garbage collection of a worker that must not pause: 40 ms are two ticks of sound, and a picture."""

from __future__ import annotations

import gc


def settle() -> None:
    """Call once everything is loaded: what exists now stays for good and is never looked at again.

    What comes with conferences is little beside it, and a look at that takes no time worth mentioning.
    """
    gc.collect()
    gc.freeze()
