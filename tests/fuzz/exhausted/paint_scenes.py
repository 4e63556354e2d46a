"""Painting on pictures."""

from __future__ import annotations

import numpy as np

from tests.fuzz.exhausted.inside import load
from tests.fuzz.exhausted.scene import Attempt, Scene


def scenes(file: str) -> list[Scene]:
    """All, with the compiled module of this file."""
    paint = load("_paint", file)

    def plane(width: int, height: int, kind: type = np.uint8) -> np.ndarray:
        return np.zeros((height, width), kind)

    def painted() -> Attempt:
        picture = plane(64, 64), plane(32, 32), plane(32, 32)
        added = [plane(8, 8, np.uint16), plane(8, 8, np.uint16), *(plane(4, 4, np.uint16) for _ in range(4))]
        strokes = [
            (paint.FILL, 0, 0, 64, 64, 200, 100, 50),
            (paint.PASTE, 0, 0, 8, 8, 0, 0, plane(8, 8), plane(4, 4), plane(4, 4)),
            (paint.BLEND, 8, 8, 8, 8, 0, 0, *added),
            (paint.RELIEF, 32, 32, 8, 8, 0, 0, plane(8, 8)),
        ]

        def after(failed: bool) -> None:
            # All strokes or none.
            assert picture[0][63, 63] == (0 if failed else 200)
            for one in (*picture, *added):
                one.resize((1, 1), refcheck=False)  # nobody holds it any more

        return Attempt(paint.paint, (*picture, strokes), after)

    return [
        Scene("import", lambda: Attempt(load, ("_paint", file)), interpreted=True, keeps=True),
        Scene("paint", painted),
    ]
