"""Free ports for servers and peers that tests start."""

from __future__ import annotations

import itertools
import os
import socket
from collections import deque

# Below the kernel's range for outgoing connections, and spread by process.
_FIRST, _LAST, _STEP = 12_000, 31_000, 500
_MOST = _STEP - 1
_next = itertools.count(os.getpid() % 40)

# Runs that parallel processes leave alone, by a socket on the port behind each; more than a test needs at once.
_taken: deque[socket.socket] = deque(maxlen=8)


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def _take(block: int) -> bool:
    guard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        guard.bind(("127.0.0.1", block + _MOST))
    except OSError:
        guard.close()
        return False
    if len(_taken) == _taken.maxlen:
        _taken.popleft().close()
    _taken.append(guard)
    return True


def port_block(count: int = 100) -> range:
    """A run of ports that nobody uses now, other processes' tests included; every call gives another one."""
    assert count <= _MOST
    blocks = (_LAST - _FIRST) // _STEP
    for _ in range(blocks):
        first = _FIRST + (next(_next) % blocks) * _STEP
        ports = range(first, first + count)
        if _take(first) and all(_is_free(port) for port in ports):
            return ports
    raise RuntimeError("no free run of ports")
