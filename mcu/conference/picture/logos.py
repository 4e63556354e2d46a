"""Logos: small pictures that are drawn over conferences, kept behind a seam and named by ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

MAXIMUM_LOGOS = 50
"""Kept on one server."""


@dataclass(frozen=True)
class Logo:
    """A picture that was uploaded. Sizes in pixels."""

    id: str
    width: int
    height: int


class LogoRefused(ValueError):
    """What was uploaded is no picture that we draw; the message says why."""


class LogoStore(Protocol):
    """Keeps logos as files, which media workers read."""

    async def keep(self, data: bytes) -> Logo:
        """Check and keep a PNG; the same picture twice is one. Raises LogoRefused, and OSError without a place."""

    async def all(self) -> list[Logo]:
        """All logos, by id."""

    async def read(self, logo_id: str) -> bytes | None:
        """The file, or None."""

    async def remove(self, logo_id: str) -> bool:
        """Forget the logo; False when there was none."""
