"""Garbage collection of a server that must not pause."""

from __future__ import annotations

import gc

# The collector looks at young objects after so many new ones, and at older ones after so many of these looks. With
# thousands of SIP transactions alive, Python's own numbers (700, 10, 10) mean a look at all of them several times a
# minute, half a second long each; a caller sends its request again after half a second.
_YOUNG, _MIDDLE, _OLD = 20_000, 20, 50


def settle() -> None:
    """Call once everything is loaded: what exists now stays for good and is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
