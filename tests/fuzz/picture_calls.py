"""Arbitrary calls of the compiled painting and scaling, in an interpreter that sanitizers watch; see ``pictures.py``.

``python picture_calls.py FOLDER SECONDS SEED``; the compiled modules are in FOLDER. All buffers are as large as they
say and no larger, each from the allocator alone, so that whatever is read or written beside them is found.
"""

from __future__ import annotations

import ctypes
import importlib.util
import random
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

REFUSED = (ValueError, TypeError, OverflowError, BufferError)
KINDS = 4


def load(folder: Path, name: str) -> ModuleType:
    """A compiled module, without the package around it."""
    (file,) = folder.glob(f"{name}.*.so")
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Calls:
    """Makes them up."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._paint = load(folder, "_paint")
        self._shrink = load(folder, "_shrink")
        self._random = random.Random(seed)
        self.done = self.refused = 0

    def one(self) -> None:
        """Call one of them; whatever it refuses as documented is well."""
        try:
            self._random.choice((self.paint, self.shrink))()
            self.done += 1
        except REFUSED:
            self.refused += 1

    def paint(self) -> None:
        width, height = self._even(2, 90), self._even(2, 60)
        picture = self._planes(width, height, np.uint8)
        self._paint.paint(*picture, [self._stroke(width, height) for _ in range(self._random.randrange(6))])

    def shrink(self) -> None:
        width, height = self._even(4, 200), self._even(4, 120)
        wanted = []
        for _ in range(self._random.randrange(1, 5)):
            to = self._size(width), self._size(height)
            before = (width, height) if self._usually() else (self._even(4, 200), self._even(4, 120))
            octets = to[0] * to[1] * 3 // 2 + (0 if self._usually() else self._random.randrange(-9, 9))
            wanted.append((self._shrink.Shrinker(*before, *to), np.zeros(max(0, octets), np.uint8)))
        strides = [width + self._random.randrange(8), width // 2, width // 2 + self._random.randrange(8)]
        rows = [height, height // 2, height // 2]
        planes = [
            np.zeros(max(0, stride * count + (0 if self._usually() else self._random.randrange(-stride, 9))), np.uint8)
            for stride, count in zip(strides, rows, strict=True)
        ]
        if not self._usually():
            strides[self._random.randrange(3)] += self._random.choice((-1, 1, -(2**40), 2**40))
        arguments: list[Any] = []
        for plane, stride in zip(planes, strides, strict=True):
            arguments += [plane, stride]
        self._shrink.shrink(*arguments, tuple(wanted))

    def _stroke(self, width: int, height: int) -> tuple[Any, ...]:
        kind = self._random.randrange(KINDS)
        x, y = self._even(0, width), self._even(0, height)
        place = [x, y, self._even(0, width - x), self._even(0, height - y)]
        source = place[2] + self._even(0, 8), place[3] + self._even(0, 8)
        start = [self._even(0, source[0] - place[2]), self._even(0, source[1] - place[3])]
        if not self._usually():
            target = self._random.choice((place, start))
            target[self._random.randrange(len(target))] += self._random.choice((-2, -1, 1, 2, 2**30, -(2**31)))
        if kind == self._paint.FILL:
            return (kind, *place, *(self._random.randrange(256) for _ in range(3)))
        if not self._usually():
            source = max(0, source[0] - 2), max(0, source[1] - 2)
        if kind == self._paint.RELIEF:
            return (kind, *place, *start, self._planes(*source, np.uint8)[0])
        if kind == self._paint.PASTE:
            return (kind, *place, *start, *self._planes(*source, np.uint8))
        wide = [self._planes(*source, np.uint16) for _ in range(2)]
        return (kind, *place, *start, *(plane for both in zip(*wide, strict=True) for plane in both))

    def _planes(self, width: int, height: int, samples: type[np.generic]) -> list[Any]:
        sizes = [(height, width), (height // 2, width // 2), (height // 2, width // 2)]
        if not self._usually():
            index = self._random.randrange(3)
            sizes[index] = max(0, sizes[index][0] - 1), sizes[index][1]
        return [np.zeros(size, samples) for size in sizes]

    def _size(self, before: int) -> int:
        return self._even(max(2, before // 7), before) if self._usually() else self._random.randrange(-4, 2 * before)

    def _even(self, least: int, most: int) -> int:
        return 2 * self._random.randint(least // 2, max(least, most) // 2)

    def _usually(self) -> bool:
        return self._random.random() < 0.9


def read_behind_the_end() -> None:
    """What the sanitizers must find."""
    buffer = np.zeros(100_000, np.uint8)
    ctypes.memmove(ctypes.create_string_buffer(100_001), buffer.ctypes.data, 100_001)


def main() -> None:
    if sys.argv[1] == "--break":
        read_behind_the_end()
        return
    calls = Calls(Path(sys.argv[1]), int(sys.argv[3]))
    until = time.monotonic() + float(sys.argv[2])
    while time.monotonic() < until:
        calls.one()
    sys.stdout.write(f"{calls.done} calls painted or scaled, {calls.refused} were refused\n")


if __name__ == "__main__":
    main()
