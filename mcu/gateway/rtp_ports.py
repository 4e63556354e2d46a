"""UDP ports for the media of rooms: pairs of an even RTP port and the RTCP port above it (RFC 3550 section 11)."""

from __future__ import annotations

import socket
from collections.abc import Callable


class NoPortsLeft(Exception):
    """Every port of the range is in use."""


def can_bind(host: str, port: int) -> bool:
    """Whether a UDP port is free on this machine now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


class RtpPorts:
    """Hands out pairs in turn, so that late packets of an ended call do not reach the next one.

    ``is_free(host, port)`` asks the machine: another program, or another server, may sit in the range.
    """

    def __init__(self, host: str, first: int, last: int, is_free: Callable[[str, int], bool] = can_bind) -> None:
        self._host = host
        self._first = first + first % 2
        self._pairs = (last + 1 - self._first) // 2
        if self._pairs < 1:
            raise ValueError("the range holds no pair of ports")
        self._is_free = is_free
        self._taken: set[int] = set()
        self._next = 0

    def take(self) -> int:
        """An even port that is free together with the one above it. Raises NoPortsLeft."""
        for _ in range(self._pairs):
            port = self._first + 2 * self._next
            self._next = (self._next + 1) % self._pairs
            if port not in self._taken and self._is_free(self._host, port) and self._is_free(self._host, port + 1):
                self._taken.add(port)
                return port
        raise NoPortsLeft(f"all {self._pairs} port pairs from {self._first} on are in use")

    def give_back(self, *ports: int) -> None:
        """Return pairs by their RTP port; 0 stands for none."""
        self._taken.difference_update(ports)
