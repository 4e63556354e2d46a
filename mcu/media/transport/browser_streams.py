"""The TCP port beside the browsers' UDP port: for networks that let no UDP through (RFC 6544, passive candidates).

A connection is nobody's until its first packet is a check that knows the password of a leg. Then it gets a relay: a UDP
socket of our own next to the browsers' port, so that for everything behind it (addresses, DTLS, SRTP, forwarding) this
browser is one like any other. What strangers can hold is bounded: connections of one address, of all, and time.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
from collections import Counter
from collections.abc import Callable
from typing import cast

from mcu.media.packets import UdpSocket
from mcu.media.transport.browser_port import BrowserPort
from mcu.media.transport.framing import FrameReader, FramingError
from mcu.media.transport.ice_lite import StunError, is_stun
from mcu.media.transport.sockets import NetworkAddress, bound_tcp_socket, relay_socket
from mcu.media.transport.stream_queue import StreamQueue

logger = logging.getLogger(__name__)

# More than legs can be on the port; of one address, which may be the NAT of a whole hospital; and of those that have
# not proved themselves, of all and of one address.
MAX_CONNECTIONS = 1024
MAX_OF_ADDRESS = 256
MAX_UNPROVEN = 256
MAX_UNPROVEN_OF_ADDRESS = 32

# From the connection to the first check that proves itself; a browser sends it within a round trip.
PROOF_SECONDS = 5.0
# Checks come every few seconds; after this long without any a connection is over (RFC 7675 has the same for consent).
IDLE_SECONDS = 30.0
# Checks that are no good; the page may have restarted ICE while the first was under way.
MAX_REFUSED = 4
# Other packets before the first good check: a browser that connects again, since a worker was replaced, may go on with
# its media at once. They are dropped.
MAX_EARLY = 1000

# Written ahead of what the kernel has sent: enough to keep a fast network busy until the loop comes by again, little
# enough that sound does not wait behind pictures.
WRITTEN_AHEAD = 32 * 1024


class BrowserStreams:
    """The listening socket and its connections. ``refused`` counts those that were one too many, or no browser's."""

    def __init__(self, port: BrowserPort, clock: Callable[[], float]) -> None:
        self._port = port
        self._clock = clock
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._of_group: Counter[str] = Counter()
        self._unproven: Counter[str] = Counter()
        self._review: asyncio.TimerHandle | None = None
        self.refused = 0

    async def open(self, host: str, port: int) -> None:
        """Listen, once the UDP port is open; raises OSError when the port is taken."""
        loop = asyncio.get_running_loop()
        listening = bound_tcp_socket(host, port)
        try:
            self._server = await loop.create_server(lambda: _Connection(self, self._port, self._clock), sock=listening)
        except OSError:
            listening.close()
            raise
        self._review = loop.call_later(1.0, self._review_connections)

    def close(self) -> None:
        """Stop listening, and close all connections."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._review is not None:
            self._review.cancel()
        for connection in tuple(self._connections):
            connection.close()

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._connections)

    def end_idle(self, now: float) -> None:
        """Close those that have not proved themselves in time, or not for long."""
        for connection in tuple(self._connections):
            if now - connection.last_proof >= (IDLE_SECONDS if connection.proven else PROOF_SECONDS):
                if not connection.proven:
                    self.refuse(connection.peer, "no check came")
                connection.close()

    def refuse(self, peer: NetworkAddress, why: object) -> None:
        """A connection is closed for what it is; logged once, then counted."""
        if not self.refused:
            logger.info("browser streams: a connection from %s is refused (%s); counted from now on", peer[0], why)
        self.refused += 1

    # For connections

    def add(self, connection: _Connection) -> bool:
        """Whether there is room for one more stranger."""
        group = connection.group
        full = (
            len(self._connections) >= MAX_CONNECTIONS
            or self._of_group[group] >= MAX_OF_ADDRESS
            or self._unproven.total() >= MAX_UNPROVEN
            or self._unproven[group] >= MAX_UNPROVEN_OF_ADDRESS
        )
        if full:
            self.refuse(connection.peer, "too many")
            return False
        self._connections.add(connection)
        self._of_group[group] += 1
        self._unproven[group] += 1
        return True

    def prove(self, connection: _Connection) -> None:
        """It is no stranger any more."""
        self._less(self._unproven, connection.group)

    def remove(self, connection: _Connection) -> None:
        """It is closed."""
        if connection not in self._connections:
            return
        self._connections.remove(connection)
        self._less(self._of_group, connection.group)
        if not connection.proven:
            self._less(self._unproven, connection.group)

    def _less(self, counter: Counter[str], group: str) -> None:
        counter[group] -= 1
        if counter[group] <= 0:
            del counter[group]

    def _review_connections(self) -> None:
        self._review = asyncio.get_running_loop().call_later(1.0, self._review_connections)
        self.end_idle(self._clock())


class _Connection(asyncio.Protocol):
    """One TCP connection, and its relay once it has proved itself."""

    def __init__(self, streams: BrowserStreams, port: BrowserPort, clock: Callable[[], float]) -> None:
        self._streams = streams
        self._port = port
        self._clock = clock
        self._reader = FrameReader()
        self._queue = StreamQueue(())
        self._transport: asyncio.Transport | None = None
        self._relay: socket.socket | None = None
        self._refused = self._early = 0
        self._full = False
        self.proven = False
        self.last_proof = clock()
        self.peer: NetworkAddress = ("", 0)
        self.group = ""

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        host, number = transport.get_extra_info("peername")[:2]
        self.peer = host.removeprefix("::ffff:"), number
        self.group = _group_of(self.peer[0])
        if not self._streams.add(self):
            self._transport.abort()
            return
        self._transport.set_write_buffer_limits(high=WRITTEN_AHEAD)
        with contextlib.suppress(OSError):
            # What the kernel has not sent is ours to choose: otherwise seconds of pictures stand before every sound.
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, WRITTEN_AHEAD)

    def data_received(self, data: bytes) -> None:
        try:
            packets = self._reader.feed(data)
        except FramingError as error:
            self._streams.refuse(self.peer, error)
            self.close()
            return
        media = []
        for packet in packets:
            if self._transport is None:
                return  # closed by what came before
            if self._relay is None or is_stun(packet):
                self._receive_check(packet)
            else:
                media.append(packet)
        if media and self._relay is not None:
            with contextlib.suppress(OSError):  # as full as a socket may be: lost like any datagram
                self._relay_packets.send(media, self._target)

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._write()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._close_relay()
        self._streams.remove(self)

    # Inside

    def close(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
        self._streams.remove(self)
        self._close_relay()

    def _receive_check(self, packet: bytes) -> None:
        if self._relay is None and not self._open_relay(packet):
            return
        if self._port.receive_check(packet, self._address, self.peer):
            self.last_proof = self._clock()

    def _open_relay(self, packet: bytes) -> bool:
        """Whether this packet proves that a browser of ours is there."""
        try:
            endpoint = self._port.proven_by(packet)
        except StunError as error:
            self._port.count_stranger(self.peer, error)
            if is_stun(packet):
                self._refused += 1
            else:
                self._early += 1
            if self._refused >= MAX_REFUSED or self._early >= MAX_EARLY:
                self._streams.refuse(self.peer, error)
                self.close()
            return False
        try:
            relay = relay_socket(self._port.local_address)
        except OSError as error:
            self._streams.refuse(self.peer, error)
            self.close()
            return False
        self._streams.prove(self)
        self.proven = True
        self._queue = StreamQueue(endpoint.sound)
        self._relay = relay
        self._relay_packets = UdpSocket(relay.fileno())
        self._address: NetworkAddress = relay.getsockname()[:2]
        self._target: NetworkAddress = relay.getpeername()[:2]
        self._port.add_relay(self._address)
        asyncio.get_running_loop().add_reader(relay.fileno(), self._relay_readable)
        return True

    def _close_relay(self) -> None:
        relay, self._relay = self._relay, None
        if relay is not None:
            asyncio.get_running_loop().remove_reader(relay.fileno())
            self._port.remove_relay(self._address)
            relay.close()

    def _relay_readable(self) -> None:
        with contextlib.suppress(OSError):
            for packet, _ in self._relay_packets.receive():
                self._queue.put(packet)
        self._write()

    def _write(self) -> None:
        while self._transport is not None and not self._full and (data := self._queue.take(WRITTEN_AHEAD // 2)):
            self._transport.write(data)


def _group_of(host: str) -> str:
    """What one stranger cannot change at will: an IPv4 address, or the /64 of one of IPv6."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if address.version == 4:
        return host
    return str(ipaddress.ip_network((address, 64), strict=False))
