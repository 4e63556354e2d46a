"""What must be found: another error for missing memory, work half done, and blocks that nobody gives back."""

from __future__ import annotations

from typing import Any

from tests.fuzz.exhausted.inside import load
from tests.fuzz.exhausted.scene import Attempt, Scene


def scenes(file: str) -> list[Scene]:
    """All; the module of this file is one that asks for memory."""
    shrinker = load("_shrink", file).Shrinker
    kept: list[Any] = []

    def misnamed() -> None:
        try:
            shrinker(128, 64, 64, 32)
        except MemoryError:
            raise ValueError("said to be wrong") from None

    def half_done() -> Attempt:
        done: list[int] = []

        def work() -> None:
            done.append(1)
            shrinker(128, 64, 64, 32)
            done.append(2)

        def after(failed: bool) -> None:
            assert not failed or not done, "half done"

        return Attempt(work, (), after)

    def leaking() -> None:
        kept.append(bytearray(100))
        shrinker(128, 64, 64, 32)

    return [
        Scene("misnamed", lambda: Attempt(misnamed), interpreted=True),
        Scene("half done", half_done, interpreted=True),
        Scene("leaking", lambda: Attempt(leaking), interpreted=True),
    ]
