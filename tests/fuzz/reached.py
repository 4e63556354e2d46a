"""Which lines of ours an input runs through: one that reaches a new line is worth keeping and changing further."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = str(Path(__file__).resolve().parent.parent.parent)


class Reached:
    """Lines reached so far. Only the thread that asks is watched, which makes it run several times slower."""

    def __init__(self) -> None:
        self.lines: set[tuple[str, int]] = set()
        self._ours: dict[str, bool] = {}
        self._new = 0

    def new_lines(self, function: Callable[[bytes], None], data: bytes) -> int:
        """Run it; how many lines were reached for the first time. Raises what it raises."""
        self._new = 0
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            function(data)
        finally:
            sys.settrace(before)
        return self._new

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
        name = frame.f_code.co_filename
        if name not in self._ours:
            self._ours[name] = name.startswith(ROOT) and "site-packages" not in name
        return self._line if self._ours[name] else None

    def _line(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any]:
        place = frame.f_code.co_filename, frame.f_lineno
        if place not in self.lines:
            self.lines.add(place)
            self._new += 1
        return self._line
