"""Tags, branches and Call-IDs. Randomness is injected; in service it comes from the operating system."""

from __future__ import annotations

import hmac
import random

from sip.via import MAGIC_COOKIE


class Identifiers:
    """Makes identifiers that cannot be guessed: who knows the tags of a dialog can end it (RFC 3261 §19.3)."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._secret = rng.randbytes(16)

    def tag(self) -> str:
        """64 random bits."""
        return f"{self._rng.getrandbits(64):016x}"

    def stable_tag(self, *parts: str) -> str:
        """A tag that is the same for the same request and cannot be foretold: for answers nobody remembers."""
        digest = hmac.digest(self._secret, "\0".join(parts).encode("utf-8", "surrogateescape"), "sha256")
        return digest[:8].hex()

    def branch(self) -> str:
        """A branch that is unique across space and time (RFC 3261 §8.1.1.7)."""
        return f"{MAGIC_COOKIE}{self._rng.getrandbits(96):024x}"

    def call_id(self) -> str:
        """A Call-ID without a host part, which would tell more than is needed."""
        return f"{self._rng.getrandbits(128):032x}"

    def handle(self, kind: str = "call") -> str:
        """Our own name for a call or the like, not seen on the wire."""
        return f"{kind}-{self._rng.getrandbits(48):012x}"

    def number(self, maximum: int) -> int:
        """A random number from 1 to ``maximum``."""
        return self._rng.randint(1, maximum)

    def delay(self, shortest: float, longest: float) -> float:
        """A random time between two bounds, in steps of 10 ms (RFC 3261 §14.1)."""
        return shortest + 0.01 * self._rng.randint(0, round((longest - shortest) * 100))
