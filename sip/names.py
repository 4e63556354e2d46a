"""Host names to addresses, remembered for a while (NAPTR and SRV of RFC 3263 come later)."""

from __future__ import annotations

import asyncio
import socket

# The resolver does not tell the record's lifetime; a minute is short enough to follow a move.
LIFETIME = 60.0
MAX_NAMES = 1024


class Names:
    """Looks names up without blocking the loop."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[str, float]] = {}

    def get(self, host: str) -> str | None:
        """The address of a name looked up lately."""
        address, expires = self._found.get(host, ("", 0.0))
        return address if expires > asyncio.get_running_loop().time() else None

    async def look_up(self, host: str, *, is_ipv6: bool) -> None:
        """Find the address of a name; ``get`` has it then. Raises OSError when it has none of the family."""
        loop = asyncio.get_running_loop()
        family = socket.AF_INET6 if is_ipv6 else socket.AF_INET
        found = await loop.getaddrinfo(host, None, family=family, type=socket.SOCK_DGRAM)
        if not found:
            raise OSError(f"{host} has no address")
        if len(self._found) >= MAX_NAMES:
            self._found.clear()
        self._found[host] = str(found[0][4][0]), loop.time() + LIFETIME
