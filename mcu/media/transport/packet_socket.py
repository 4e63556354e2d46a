"""A UDP socket on the event loop that takes and gives datagrams in batches."""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from mcu.media.packets import UdpSocket
from mcu.media.transport.sockets import NetworkAddress

logger = logging.getLogger(__name__)

# A picture that takes more datagrams than this, mostly a key frame, goes out in parts so large with a pause after each:
# a burst of hundreds overruns a receiver's socket, or a switch on the way. 24 datagrams every 2 ms are some 100 Mbit/s,
# so that even a large key frame is on its way within a frame's time.
BURST = 24
PAUSE = 0.002

# Datagrams that may wait for one receiver, two large key frames; what is beyond is dropped, as a router would drop it.
MAX_WAITING = 1000


class Batches(Protocol):
    """What is under it: see ``UdpSocket``."""

    def receive(self) -> list[tuple[bytes, NetworkAddress]]: ...
    def send(self, packets: Sequence[bytes], address: NetworkAddress, /) -> int: ...


class PacketSocket:
    """Owns a bound, non-blocking ``udp``. ``on_datagrams`` gets what came in, in order. Needs a running loop.

    What goes out is paced for each receiver. ``dropped`` counts datagrams not sent since too many were waiting.
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
        self._waiting: dict[NetworkAddress, deque[bytes]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.dropped = 0
        self._loop.add_reader(udp.fileno(), self._readable)

    def send(self, datagrams: Sequence[bytes], address: NetworkAddress) -> None:
        """Send to an IP address, in order; nothing after ``close``."""
        if self._socket is None or not datagrams:
            return
        waiting = self._waiting.get(address)
        sent = 0 if waiting else self._send_now(datagrams[:BURST], address)
        if sent == len(datagrams):
            return
        if waiting is None:
            waiting = self._waiting[address] = deque()
        room = MAX_WAITING - len(waiting)
        self.dropped += max(0, len(datagrams) - sent - room)
        waiting.extend(datagrams[sent : sent + room])
        if self._timer is None:
            self._timer = self._loop.call_later(PAUSE, self._send_waiting)

    def close(self) -> None:
        """Close at once; the port is free again when this returns. What the kernel would not take so far is dropped."""
        udp, self._socket = self._socket, None
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
        if udp is not None:
            self._loop.remove_reader(udp.fileno())
            udp.close()

    def _send_now(self, datagrams: Sequence[bytes], address: NetworkAddress) -> int:
        """How many are dealt with: sent, or given up since the way there is closed."""
        try:
            return self._packets.send(datagrams, address)
        except (OSError, ValueError) as error:
            # No route, or an address of the other family: as good as lost on the way. Silence detection sees to it.
            logger.debug("media socket: %s", error)
            return len(datagrams)

    def _send_waiting(self) -> None:
        """The next part for each receiver; also when the kernel had no room for all of the last."""
        for address, waiting in list(self._waiting.items()):
            part = list(itertools.islice(waiting, BURST))
            for _ in range(self._send_now(part, address)):
                waiting.popleft()
            if not waiting:
                del self._waiting[address]
        self._timer = self._loop.call_later(PAUSE, self._send_waiting) if self._waiting else None

    def _readable(self) -> None:
        try:
            datagrams = self._packets.receive()
        except OSError as error:
            logger.debug("media socket: %s", error)
            return
        if datagrams:
            self._on_datagrams(datagrams)
