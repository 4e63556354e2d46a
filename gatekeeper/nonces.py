"""Nonces of digest authentication: made without remembering them, each count accepted once (RFC 7616 section 3.3)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

MAXIMUM_USED = 20_000
"""Nonces in use that are remembered: three for each of 6 000 endpoints. One that is forgotten counts as stale, and so
does every older one, so forgetting never opens the door to a replay."""

WINDOW = 64
"""How far back a count may be that was not seen yet: requests sent at once may arrive in another order over UDP."""

MAXIMUM_LENGTH = 64
"""Ours have 28 characters; a longer one need not be decoded."""

_RANDOM = 8
_TIME = 6
_MAC = 7
# Time is kept in milliseconds: 6 bytes last for 8 900 years.
_TICKS = 1000


class NonceState(Enum):
    """What a nonce is worth: FOREIGN was never ours, STALE was, FRESH is good for one more count."""

    FOREIGN = "foreign"
    STALE = "stale"
    FRESH = "fresh"


@dataclass
class _Used:
    made_at: float
    highest: int
    seen: int
    """Bit n: the count ``highest - n`` was used."""


class Nonces:
    """Makes nonces and judges them. Only those used with the right password are remembered: a flood costs nothing.

    ``secret`` signs them; kept over a restart, requests with a nonce from before it are told to take a new one
    (``stale``) instead of being refused. ``started_at`` and all ``now`` are Unix time, ``life`` is in seconds.
    """

    def __init__(
        self,
        secret: bytes,
        random_bytes: Callable[[int], bytes],
        started_at: float,
        life: float = 300.0,
        remembered: int = MAXIMUM_USED,
    ) -> None:
        self._secret = secret
        self._random_bytes = random_bytes
        self._life = life
        self._remembered = remembered
        self._used: OrderedDict[str, _Used] = OrderedDict()
        # What was used before the start is not known, so nothing from then is good.
        self._floor = started_at

    def make(self, now: float) -> str:
        """A new nonce."""
        content = int(now * _TICKS).to_bytes(_TIME, "big") + self._random_bytes(_RANDOM)
        return base64.urlsafe_b64encode(content + self._mac(content)).decode("ascii")

    def state(self, nonce: str, now: float) -> NonceState:
        """Whether this nonce can be used now."""
        made_at = self._made_at(nonce)
        if made_at is None:
            return NonceState.FOREIGN
        is_old = made_at < self._floor - 1 / _TICKS and nonce not in self._used
        # A nonce from the future was made before the clock was set back.
        return NonceState.STALE if is_old or abs(now - made_at) > self._life else NonceState.FRESH

    def use(self, nonce: str, count: int | None, now: float) -> bool:
        """Note that a fresh nonce was used with the right password; False when that had been so before (a replay).

        ``count`` is the request's nonce count; None for a client that knows none (RFC 2069) and has one use.
        """
        made_at = self._made_at(nonce)
        if made_at is None:
            return False
        self._forget_old(now)
        used = self._used.get(nonce)
        if count is None:
            count = 1
            if used is not None:
                return False
        if used is None:
            self._used[nonce] = _Used(made_at, count, 1)
            self._bound()
            return True
        return _advance(used, count)

    def _made_at(self, nonce: str) -> float | None:
        if len(nonce) > MAXIMUM_LENGTH:
            return None
        try:
            data = base64.b64decode(nonce.encode("ascii"), b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        content, mac = data[:-_MAC], data[-_MAC:]
        if len(data) != _TIME + _RANDOM + _MAC or not hmac.compare_digest(self._mac(content), mac):
            return None
        return int.from_bytes(content[:_TIME], "big") / _TICKS

    def _mac(self, content: bytes) -> bytes:
        return hmac.new(self._secret, b"nonce" + content, hashlib.sha256).digest()[:_MAC]

    def _forget_old(self, now: float) -> None:
        while self._used and abs(now - next(iter(self._used.values())).made_at) > self._life:
            self._used.popitem(last=False)

    def _bound(self) -> None:
        while len(self._used) > self._remembered:
            _, oldest = self._used.popitem(last=False)
            self._floor = max(self._floor, math.nextafter(oldest.made_at, math.inf) + 1 / _TICKS)


def _advance(used: _Used, count: int) -> bool:
    """Take a count that was not used yet and is not too far back."""
    ahead = count - used.highest
    if ahead > 0:
        used.seen = (used.seen << min(ahead, WINDOW) | 1) & ((1 << WINDOW) - 1)
        used.highest = count
        return True
    if -ahead >= WINDOW or used.seen >> -ahead & 1:
        return False
    used.seen |= 1 << -ahead
    return True
