"""A UDP socket on the event loop that takes and gives datagrams in batches."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence

from mcu.media.packets import UdpSocket
from mcu.media.transport.pacer import Pacer
from mcu.media.transport.sockets import NetworkAddress

logger = logging.getLogger(__name__)


class PacketSocket:
    """Owns a bound, non-blocking ``udp``. ``on_datagrams`` gets what came in, in order. Needs a running loop."""

    def __init__(
        self, udp: socket.socket, on_datagrams: Callable[[Sequence[tuple[bytes, NetworkAddress]]], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = udp
        self._packets = UdpSocket(udp.fileno())
        self._pacer = Pacer(self._packets.send)
        self._on_datagrams = on_datagrams
        self._loop.add_reader(udp.fileno(), self._readable)

    def follow(self, rate: float | None) -> None:
        """The network carries so many bit/s; None: nothing is known to bind."""
        self._pacer.follow(rate)

    def wait(self, address: NetworkAddress) -> float:
        """Seconds that a paced datagram waits before it leaves."""
        return self._pacer.wait(address)

    def send(self, datagrams: Sequence[bytes], address: NetworkAddress) -> None:
        """Send to an IP address, in order and paced; nothing after ``close``."""
        if self._socket is not None:
            self._pacer.send(datagrams, address)

    def send_ahead(self, datagrams: Sequence[bytes], address: NetworkAddress) -> None:
        """The same before all that waits."""
        if self._socket is not None:
            self._pacer.send_ahead(datagrams, address)

    def send_at_once(self, datagrams: Sequence[bytes], address: NetworkAddress) -> None:
        """Send without regard to pace and to what waits; nothing after ``close``."""
        if self._socket is not None:
            self._pacer.send_at_once(datagrams, address)

    def close(self) -> None:
        """Close at once; the port is free again when this returns. What still waits is dropped."""
        udp, self._socket = self._socket, None
        self._pacer.close()
        if udp is not None:
            self._loop.remove_reader(udp.fileno())
            udp.close()

    def _readable(self) -> None:
        try:
            datagrams = self._packets.receive()
        except OSError as error:
            logger.debug("media socket: %s", error)
            return
        if datagrams:
            self._on_datagrams(datagrams)
