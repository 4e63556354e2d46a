"""Pictures made smaller."""

from __future__ import annotations

from tests.fuzz.exhausted.inside import load
from tests.fuzz.exhausted.scene import Attempt, Scene, makes


def scenes(file: str) -> list[Scene]:
    """All, with the compiled module of this file."""
    native = load("_shrink", file)
    luma, chroma = bytes([100]) * (128 * 64), bytes([50]) * (64 * 32)

    def shrunk() -> Attempt:
        sizes = [(64, 32), (32, 16)]
        results = [bytearray(width * height * 3 // 2) for width, height in sizes]
        pairs = tuple((native.Shrinker(128, 64, *size), result) for size, result in zip(sizes, results, strict=True))

        def after(failed: bool) -> None:
            assert all(set(result) == ({0} if failed else {100, 50}) for result in results)
            for result in results:
                result.append(0)  # nobody holds it any more

        return Attempt(native.shrink, (luma, 128, chroma, 64, chroma, 64, pairs), after)

    return [
        Scene("import", lambda: Attempt(load, ("_shrink", file)), interpreted=True, keeps=True),
        makes("Shrinker", native.Shrinker, 128, 64, 64, 32),
        Scene("shrink", shrunk),
    ]
