"""The one UDP port of a worker that all its browser legs share.

Datagrams are told apart by their first byte (RFC 7983). A STUN check names the leg by its ufrag; once a check has
proved itself, everything else from that address belongs to that leg.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from mcu.media.transport.ice_lite import (
    IceLiteAgent,
    StunError,
    is_stun,
    local_ufrag_of,
    parse_check,
)
from mcu.media.transport.packet_socket import PacketSocket
from mcu.media.transport.sockets import NetworkAddress, bound_udp_socket

logger = logging.getLogger(__name__)

# Addresses remembered per leg: a phone that roams between networks and back has a few.
MAX_ADDRESSES = 8


class BrowserEndpoint:
    """One leg on the shared port. ``on_datagram`` gets everything that is no STUN, from verified addresses only."""

    def __init__(self, port: BrowserPort, agent: IceLiteAgent, on_datagram: Callable[[bytes], None]) -> None:
        self._port = port
        self.agent = agent
        self.on_datagram = on_datagram
        self.addresses: list[NetworkAddress] = []

    def send(self, datagrams: Sequence[bytes]) -> None:
        """Send to the nominated address; nothing happens before there is one."""
        if self.agent.selected is not None:
            self._port.send(datagrams, self.agent.selected)

    def close(self) -> None:
        """Leave the port; datagrams for this leg are a stranger's from now on."""
        self._port.remove(self)


class BrowserPort:
    """The socket and its demultiplexer."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._socket: PacketSocket | None = None
        self._by_ufrag: dict[str, BrowserEndpoint] = {}
        self._by_address: dict[NetworkAddress, BrowserEndpoint] = {}
        self.strangers = 0

    async def open(self, host: str, port: int) -> None:
        """Bind; raises OSError when the port is taken."""
        self._socket = PacketSocket(bound_udp_socket(host, port), self._receive_batch)

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()

    def add(self, agent: IceLiteAgent, on_datagram: Callable[[bytes], None]) -> BrowserEndpoint:
        """A new leg; its ufrag must be unique on this port."""
        if agent.local_ufrag in self._by_ufrag:
            raise ValueError("ufrag is in use on this port")
        endpoint = BrowserEndpoint(self, agent, on_datagram)
        self._by_ufrag[agent.local_ufrag] = endpoint
        return endpoint

    def remove(self, endpoint: BrowserEndpoint) -> None:
        """Forget a leg."""
        self._by_ufrag.pop(endpoint.agent.local_ufrag, None)
        for address in endpoint.addresses:
            self._by_address.pop(address, None)

    def send(self, datagrams: Sequence[bytes], address: NetworkAddress) -> None:
        """Send a run of datagrams."""
        if self._socket is not None:
            self._socket.send(datagrams, address)

    def _receive_batch(self, datagrams: Sequence[tuple[bytes, NetworkAddress]]) -> None:
        for data, source in datagrams:
            self.receive(data, source)

    def receive(self, data: bytes, source: NetworkAddress) -> None:
        """Take one datagram."""
        if is_stun(data):
            self._receive_check(data, source)
            return
        endpoint = self._by_address.get(source)
        if endpoint is None:
            self._count_stranger(source)
        elif data:
            endpoint.on_datagram(data)

    def _receive_check(self, data: bytes, source: NetworkAddress) -> None:
        try:
            check = parse_check(data)
            endpoint = self._by_ufrag.get(local_ufrag_of(check))
            if endpoint is None:
                raise StunError("no such leg")
            response = endpoint.agent.receive_check(check, source, self._clock())
        except StunError:
            self._count_stranger(source)
            return
        self._remember(endpoint, source)
        self.send((response,), source)

    def _remember(self, endpoint: BrowserEndpoint, source: NetworkAddress) -> None:
        if self._by_address.get(source) is endpoint:
            return
        previous = self._by_address.get(source)
        if previous is not None:
            previous.addresses.remove(source)
        self._by_address[source] = endpoint
        endpoint.addresses.append(source)
        if len(endpoint.addresses) > MAX_ADDRESSES:
            # The oldest, but never the one that media go to.
            oldest = next(address for address in endpoint.addresses if address != endpoint.agent.selected)
            endpoint.addresses.remove(oldest)
            self._by_address.pop(oldest, None)

    def _count_stranger(self, source: NetworkAddress) -> None:
        if self.strangers == 0:
            logger.info("browser port: datagram from a stranger (%s); counted from now on", source[0])
        self.strangers += 1
