"""Free ports for servers and peers that tests start."""

from __future__ import annotations

import itertools
import os
import socket

# Below the kernel's range for outgoing connections, and spread by process so that parallel runs do not meet.
_FIRST, _LAST, _STEP = 12_000, 31_000, 400
_next = itertools.count(os.getpid() % 40)


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def port_block(count: int = 100) -> range:
    """A run of ports that nobody uses now; every call gives another one."""
    blocks = (_LAST - _FIRST) // _STEP
    for _ in range(blocks):
        first = _FIRST + (next(_next) % blocks) * _STEP
        ports = range(first, first + count)
        if all(_is_free(port) for port in ports):
            return ports
    raise RuntimeError("no free run of ports")
