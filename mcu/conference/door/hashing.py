"""Passwords and PINs are kept as scrypt hashes (RFC 7914), made in threads of their own."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import os
import secrets
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

SALT_BYTES = 16
KEY_BYTES = 32
NICE = 10


@dataclass(frozen=True)
class Cost:
    """scrypt's parameters: 2**``log_n`` blocks, block size ``r``, ``p`` times over. Memory is 128 * r * 2**log_n."""

    log_n: int
    r: int = 8
    p: int = 1


PASSWORD_COST = Cost(log_n=15, p=3)
"""32 MiB and about a quarter of a second: the recommendation of the OWASP password storage cheat sheet."""

PIN_COST = Cost(log_n=14)
"""A PIN has few digits; limiting guesses protects it, the hash only keeps it from being read by chance."""

_MAXIMUM_MEMORY = 128 * 1024 * 1024


class Hasher:
    """Hashes and checks secrets away from the event loop, one at a time and after everything else.

    So guessers, however many, cannot take the machine away from running conferences.
    """

    def __init__(self, cost: Cost = PASSWORD_COST) -> None:
        self._cost = cost
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="scrypt", initializer=_step_back)
        # Compared with when there is no such account, so that both answers take equally long.
        self._decoy = f"{_header(cost)}${_encode(secrets.token_bytes(SALT_BYTES))}${_encode(secrets.token_bytes(32))}"

    async def hash(self, secret: str) -> str:
        """The hash to keep, with its parameters and salt."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, _hash, secret, self._cost)

    async def verify(self, secret: str, hashed: str | None) -> bool:
        """Whether the secret belongs to the hash. None (nobody has that name) takes as long and is never right."""
        compared = hashed if hashed is not None else self._decoy
        matches = await asyncio.get_running_loop().run_in_executor(self._executor, _verify, secret, compared)
        return matches and hashed is not None

    def close(self) -> None:
        """Stop the threads."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def _step_back() -> None:
    """Lower the priority of the calling thread (on Linux priorities are a thread's, setpriority(2))."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


def _header(cost: Cost) -> str:
    return f"scrypt${cost.log_n}${cost.r}${cost.p}"


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _derive(secret: str, salt: bytes, cost: Cost) -> bytes:
    return hashlib.scrypt(
        secret.encode("utf-8", "surrogatepass"),
        salt=salt,
        n=1 << cost.log_n,
        r=cost.r,
        p=cost.p,
        maxmem=_MAXIMUM_MEMORY,
        dklen=KEY_BYTES,
    )


def _hash(secret: str, cost: Cost) -> str:
    salt = secrets.token_bytes(SALT_BYTES)
    return f"{_header(cost)}${_encode(salt)}${_encode(_derive(secret, salt, cost))}"


def _verify(secret: str, hashed: str) -> bool:
    try:
        scheme, log_n, r, p, salt, key = hashed.split("$")
        cost = Cost(int(log_n), int(r), int(p))
        wanted = base64.b64decode(key, validate=True)
        derived = _derive(secret, base64.b64decode(salt, validate=True), cost)
    except (ValueError, binascii.Error):
        return False
    return scheme == "scrypt" and hmac.compare_digest(derived, wanted)
