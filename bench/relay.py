"""A relay in user space between clients and a server on loopback: what both send passes a simulated bad network.

Kernels of build machines mostly cannot delay and drop by themselves (``netem`` is a module that is not there), and
their random numbers have no seed. All ports of a relay share its two paths, as the calls of one house share its line.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import socket
import time
from collections.abc import Callable

from bench.network_path import Conditions, NetworkPath

Address = tuple[str, int]

HOST = "127.0.0.1"
_RECEIVE_SIZE = 2048
# Datagrams taken from one socket before others have their turn.
_BATCH = 256
_BUFFER = 1 << 20
# Clients of one port that are remembered; browsers use a few addresses each.
_MAX_CLIENTS = 64


class Relay:
    """``up`` leads from the clients to the server, ``down`` back. Needs a running loop; ``close`` frees all ports."""

    def __init__(self, seed: int, up: Conditions | None = None, down: Conditions | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self.up: NetworkPath[tuple[socket.socket, Address]] = NetworkPath(up or Conditions(), seed)
        self.down: NetworkPath[tuple[socket.socket, Address]] = NetworkPath(down or Conditions(), seed + 1)
        self.tap: Callable[[bytes, socket.socket, Address], None] = lambda data, way, server: None
        """Sees what clients send, the socket that it goes on from, and where to."""
        self.tap_down: Callable[[bytes], None] = lambda data: None
        """Sees what the server sends."""
        self._sockets: list[socket.socket] = []
        self._backs: list[dict[Address, socket.socket]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._due = float("inf")

    def add_port(self, server: Address, host: str = HOST) -> int:
        """A port that leads to the server's; returns its number. Clients find it at ``host``, "" being any address."""
        return self._add(server, _bound(0, host))

    def add_pair(self, server: Address) -> int:
        """An even port and the next, for RTP and RTCP, that lead to the server's port and the next after that."""
        for _ in range(1000):
            first = _bound(0)
            number = int(first.getsockname()[1])
            if number % 2 == 0:
                try:
                    second = _bound(number + 1)
                except OSError:
                    first.close()
                    continue
                self._add(server, first)
                self._add((server[0], server[1] + 1), second)
                return number
            first.close()
        raise OSError("no two neighbouring ports are free")

    def change(self, conditions: Conditions) -> None:
        """Both directions are so from now on."""
        now = time.monotonic()
        self.up.change(conditions, now)
        self.down.change(conditions, now)

    def rebind(self) -> None:
        """All clients come from other addresses from now on, as when a NAT has forgotten them."""
        for backs in self._backs:
            for one in backs.values():
                self._loop.remove_reader(one.fileno())
                self._sockets.remove(one)
                one.close()
            backs.clear()

    def close(self) -> None:
        """Nothing passes any more."""
        if self._timer is not None:
            self._timer.cancel()
        for one in self._sockets:
            self._loop.remove_reader(one.fileno())
            one.close()
        self._sockets.clear()

    def _add(self, server: Address, front: socket.socket) -> int:
        backs: dict[Address, socket.socket] = {}
        self._backs.append(backs)

        def from_client() -> None:
            for data, client in _received(front):
                back = backs.get(client)
                if back is None:
                    if len(backs) >= _MAX_CLIENTS:
                        continue
                    back = backs[client] = _bound(0)
                    self._listen(back, functools.partial(from_server, client, back))
                self.tap(data, back, server)
                self.up.push(data, (back, server), time.monotonic())
            self._deliver()

        def from_server(client: Address, back: socket.socket) -> None:
            for data, source in _received(back):
                if source == server:
                    self.tap_down(data)
                    self.down.push(data, (front, client), time.monotonic())
            self._deliver()

        self._listen(front, from_client)
        return int(front.getsockname()[1])

    def _listen(self, one: socket.socket, readable: Callable[[], None]) -> None:
        self._sockets.append(one)
        self._loop.add_reader(one.fileno(), readable)

    def _deliver(self) -> None:
        """Send on what has arrived, and set the timer to what comes next."""
        now = time.monotonic()
        for data, (way, address) in itertools.chain(self.up.pop_due(now), self.down.pop_due(now)):
            try:
                way.sendto(data, address)
            except OSError:
                continue  # a full buffer, or a port that has just been closed: a network would lose it as well
        deadlines = [due for due in (self.up.next_deadline(), self.down.next_deadline()) if due is not None]
        due = min(deadlines, default=float("inf"))
        if self._timer is not None and due < self._due:
            self._timer.cancel()
            self._timer = None
        if self._timer is None and deadlines:
            self._due = due
            self._timer = self._loop.call_later(max(0.0, due - now), self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._deliver()


def _received(one: socket.socket) -> list[tuple[bytes, Address]]:
    found: list[tuple[bytes, Address]] = []
    while len(found) < _BATCH:
        try:
            found.append(one.recvfrom(_RECEIVE_SIZE))
        except BlockingIOError:
            break
        except ConnectionError:
            continue  # the answer to a datagram for a port that was closed
    return found


def _bound(port: int, host: str = HOST) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        made.setblocking(False)
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    return made
