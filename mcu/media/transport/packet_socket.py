"""A UDP socket on the event loop that takes and gives datagrams in batches."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from mcu.media.packets import UdpSocket
from mcu.media.transport.sockets import NetworkAddress

logger = logging.getLogger(__name__)

# What the kernel has no room for waits here, a key frame's worth for a dozen receivers; what is beyond is dropped, as a
# router on the way would drop it.
MAX_WAITING = 2000


class Batches(Protocol):
    """What is under it: see ``UdpSocket``."""

    def receive(self) -> list[tuple[bytes, NetworkAddress]]: ...
    def send(self, packets: Sequence[bytes], address: NetworkAddress, /) -> int: ...


class PacketSocket:
    """Owns a bound, non-blocking ``udp``. ``on_datagrams`` gets what came in, in order. Needs a running loop.

    ``dropped`` counts datagrams that were not sent since too many were waiting.
    """

    def __init__(
        self,
        udp: socket.socket,
        on_datagrams: Callable[[Sequence[tuple[bytes, NetworkAddress]]], None],
        batches: Batches | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = udp
        self._packets: Batches = batches or UdpSocket(udp.fileno())
        self._on_datagrams = on_datagrams
        self._waiting: deque[tuple[bytes, NetworkAddress]] = deque()
        self.dropped = 0
        self._loop.add_reader(udp.fileno(), self._readable)

    def send(self, datagrams: Sequence[bytes], address: NetworkAddress) -> None:
        """Send to an IP address, in order; nothing after ``close``."""
        if self._socket is None or not datagrams:
            return
        sent = 0 if self._waiting else self._send_now(datagrams, address)
        if sent < len(datagrams):
            self._wait(datagrams[sent:], address)

    def close(self) -> None:
        """Close at once; the port is free again when this returns. What the kernel would not take so far is dropped."""
        udp, self._socket = self._socket, None
        self._waiting.clear()
        if udp is not None:
            self._loop.remove_reader(udp.fileno())
            self._loop.remove_writer(udp.fileno())
            udp.close()

    def _send_now(self, datagrams: Sequence[bytes], address: NetworkAddress) -> int:
        """How many are dealt with: sent, or given up since the way there is closed."""
        try:
            return self._packets.send(datagrams, address)
        except (OSError, ValueError) as error:
            # No route, or an address of the other family: as good as lost on the way. Silence detection sees to it.
            logger.debug("media socket: %s", error)
            return len(datagrams)

    def _wait(self, datagrams: Sequence[bytes], address: NetworkAddress) -> None:
        assert self._socket is not None
        room = MAX_WAITING - len(self._waiting)
        self.dropped += max(0, len(datagrams) - room)
        if not self._waiting:
            self._loop.add_writer(self._socket.fileno(), self._writable)
        self._waiting += ((datagram, address) for datagram in datagrams[: max(0, room)])

    def _writable(self) -> None:
        while self._waiting:
            address = self._waiting[0][1]
            run = []
            for datagram, target in self._waiting:
                if target != address:
                    break
                run.append(datagram)
            sent = self._send_now(run, address)
            for _ in range(sent):
                self._waiting.popleft()
            if sent < len(run):
                return  # full again
        if self._socket is not None:
            self._loop.remove_writer(self._socket.fileno())

    def _readable(self) -> None:
        try:
            datagrams = self._packets.receive()
        except OSError as error:
            logger.debug("media socket: %s", error)
            return
        if datagrams:
            self._on_datagrams(datagrams)
