"""Slows down guessing of PINs and passwords without punishing anybody but the guesser. Pure; time comes in."""

from __future__ import annotations

import ipaddress
import math
from collections import OrderedDict
from dataclasses import dataclass

MAXIMUM_KEYS = 10_000
"""Guessers remembered. With more at once the longest idle one is forgotten, so memory stays bounded."""


@dataclass
class _Guesser:
    attempts: int = 0
    locked_until: float = -math.inf
    last: float = -math.inf


class Throttle:
    """Counts attempts by a key that names the guesser *and* what is guessed, so nobody is locked out by another.

    The first ``free`` attempts cost nothing. Each later one locks the key for a while that doubles from ``first`` to
    ``longest`` seconds. A key idle for ``forget`` seconds starts anew. An attempt is counted before it is checked:
    a thousand guesses sent at once are a thousand guesses.
    """

    def __init__(
        self,
        free: int = 5,
        first: float = 15.0,
        longest: float = 900.0,
        forget: float = 3600.0,
        keys: int = MAXIMUM_KEYS,
    ) -> None:
        self._free = free
        self._first = first
        self._longest = longest
        self._forget = forget
        self._keys = keys
        self._guessers: OrderedDict[tuple[str, ...], _Guesser] = OrderedDict()

    def attempt(self, key: tuple[str, ...], now: float) -> float:
        """Count an attempt and return 0.0 when it may go on, else the seconds until the next one may."""
        guesser = self._guessers.get(key)
        if guesser is None or (now >= guesser.locked_until and now - guesser.last > self._forget):
            guesser = self._guessers[key] = _Guesser()
        self._guessers.move_to_end(key)
        if now < guesser.locked_until:
            return guesser.locked_until - now
        guesser.last = now
        guesser.attempts += 1
        if guesser.attempts >= self._free:
            doublings = min(guesser.attempts - self._free, 30)
            guesser.locked_until = now + min(self._first * 2**doublings, self._longest)
        if len(self._guessers) > self._keys:
            self._guessers.popitem(last=False)
        return 0.0

    def succeeded(self, key: tuple[str, ...]) -> None:
        """The attempt was right: the key starts anew."""
        self._guessers.pop(key, None)


def source_group(source: str) -> str:
    """The part of an address that one guesser cannot change at will: IPv4 as it is, IPv6 by its /64 (RFC 6177)."""
    try:
        address = ipaddress.ip_address(source.partition("%")[0])
    except ValueError:
        return source[:64]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
