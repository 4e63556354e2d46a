"""Logos as files in a folder of their own, which media workers read."""

from __future__ import annotations

import asyncio
import hashlib
import re
from pathlib import Path

from mcu.conference.picture.logos import Logo, LogoRefused
from mcu.control.png import PngError, read_png

_ID = re.compile(r"[0-9a-f]{32}")


class LogoFiles:
    """``mcu.conference.picture.logos.LogoStore`` in a folder. Ids are made of content, not of what a client says."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def keep(self, data: bytes) -> Logo:
        """Check and keep a PNG; the same picture twice is one. Raises LogoRefused, and OSError without a place."""
        return await asyncio.to_thread(self._keep, data)

    async def all(self) -> list[Logo]:
        """All logos, by id."""
        return await asyncio.to_thread(self._all)

    async def read(self, logo_id: str) -> bytes | None:
        """The file, or None."""
        return await asyncio.to_thread(self._read, logo_id)

    async def remove(self, logo_id: str) -> bool:
        """Forget the logo; False when there was none."""
        return await asyncio.to_thread(self._remove, logo_id)

    def _path(self, logo_id: str) -> Path | None:
        return self._folder / f"{logo_id}.png" if _ID.fullmatch(logo_id) else None

    def _keep(self, data: bytes) -> Logo:
        try:
            picture = read_png(data)
        except PngError as error:
            raise LogoRefused(str(error)) from error
        logo = Logo(hashlib.sha256(picture.data).hexdigest()[:32], picture.width, picture.height)
        self._folder.mkdir(parents=True, exist_ok=True)
        whole = self._folder / f"{logo.id}.png"
        part = whole.with_suffix(".part")
        part.write_bytes(picture.data)
        part.replace(whole)  # a worker reads it whole or not at all
        return logo

    def _all(self) -> list[Logo]:
        found = []
        for path in sorted(self._folder.glob("*.png")):
            data = self._read(path.stem)
            try:
                picture = None if data is None else read_png(data)
            except PngError:
                continue  # not of our making; it is neither shown nor drawn
            if picture is not None:
                found.append(Logo(path.stem, picture.width, picture.height))
        return found

    def _read(self, logo_id: str) -> bytes | None:
        path = self._path(logo_id)
        try:
            return None if path is None else path.read_bytes()
        except FileNotFoundError:
            return None

    def _remove(self, logo_id: str) -> bool:
        path = self._path(logo_id)
        try:
            if path is None:
                return False
            path.unlink()
        except FileNotFoundError:
            return False
        return True
