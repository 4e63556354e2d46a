"""Layouts of one's own: made over the API, kept behind a seam."""

from __future__ import annotations

from typing import Protocol

from mcu.media.spec import LayoutSpec

MAXIMUM_LAYOUTS = 100
"""Kept on one server. Each is shown in every list of layouts."""

MAXIMUM_NAME = 32

NAME_PATTERN = r"^[\w][\w .+×-]{0,31}$"
"""Letters of any script, digits, and few signs: a name stands in addresses and in lists."""


class LayoutStore(Protocol):
    """Keeps layouts by name."""

    async def get(self, name: str) -> LayoutSpec | None:
        """The layout of this name."""

    async def all(self) -> list[LayoutSpec]:
        """All layouts, by name."""

    async def add(self, layout: LayoutSpec) -> bool:
        """Keep a new layout; False (and nothing changed) when the name is taken."""

    async def remove(self, name: str) -> bool:
        """Forget the layout; False when there was none."""


class MemoryLayouts:
    """Layouts that last as long as the process."""

    def __init__(self) -> None:
        self._layouts: dict[str, LayoutSpec] = {}

    async def get(self, name: str) -> LayoutSpec | None:
        return self._layouts.get(name)

    async def all(self) -> list[LayoutSpec]:
        return [self._layouts[name] for name in sorted(self._layouts)]

    async def add(self, layout: LayoutSpec) -> bool:
        return self._layouts.setdefault(layout.name, layout) is layout

    async def remove(self, name: str) -> bool:
        return self._layouts.pop(name, None) is not None
