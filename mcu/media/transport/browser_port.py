"""The one UDP port of a worker that all its browser legs share.

The compiled port tells datagrams apart (RFC 7983), decrypts those of known peers, and sends on what is forwarded. Here
is what happens once in a while: keys, and connectivity checks, which say what address belongs to which leg. A STUN
check names the leg by its ufrag; once it has proved itself, everything else from that address belongs to that leg.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from typing import Protocol

from mcu.media.packets import MediaPort, PacketKind
from mcu.media.spec import PathNumbers
from mcu.media.transport.ice_lite import IceLiteAgent, StunError, is_stun, local_ufrag_of, parse_check
from mcu.media.transport.pacer import Pacer
from mcu.media.transport.sockets import NetworkAddress, bound_udp_socket
from mcu.media.transport.srtp_numbers import heard_of, sent_of, sources_of

logger = logging.getLogger(__name__)

# Addresses remembered per leg: a phone that roams between networks and back has a few.
MAX_ADDRESSES = 8


class BrowserListener(Protocol):
    """What a leg is told. Packets are decrypted, and come from verified addresses only."""

    def dtls_received(self, data: bytes) -> None: ...
    def rtp_received(self, packet: bytes) -> None: ...
    def rtcp_received(self, packet: bytes) -> None: ...


class BrowserEndpoint:
    """One leg on the shared port. What is sent goes to the nominated address; nothing happens before there is one.

    ``peer`` is its number on the compiled port.
    """

    def __init__(self, port: BrowserPort, agent: IceLiteAgent, listener: BrowserListener, peer: int) -> None:
        self._port = port
        self.agent = agent
        self.listener = listener
        self.peer = peer
        self.addresses: list[NetworkAddress] = []

    @property
    def media(self) -> MediaPort:
        """The compiled port, for sources and outlets of ``peer``."""
        return self._port.media

    def set_keys(self, suite: str, local: bytes, remote: bytes) -> None:
        """From now on media come through: keys as ``DtlsSession.keys`` tells them."""
        self.media.set_keys(self.peer, suite, local, remote)

    def resume(self, numbers: PathNumbers) -> None:
        """Go on with these keys where another port stopped; after ``set_keys``."""
        for source in sources_of(numbers.sent):
            self.media.resume(self.peer, False, *source)
        for ssrc, heard in numbers.heard.items():
            self.media.resume(self.peer, True, ssrc, heard.rollovers, heard.highest, heard.rtcp_index)

    def numbers(self) -> PathNumbers:
        """How far SRTP has come both ways, without ``protection``."""
        sent, heard = (self.media.srtp_numbers(self.peer, inbound) for inbound in (False, True))
        return PathNumbers(sent=sent_of(sent, sent), heard=heard_of(heard, heard))

    def restore(self, addresses: Sequence[NetworkAddress], selected: NetworkAddress | None) -> None:
        """Addresses that have proved themselves already, to another port in this one's place."""
        self._port.restore(self, addresses, selected)

    def send_dtls(self, datagram: bytes) -> None:
        """Send one datagram as it is."""
        self._port.send([datagram], self.agent.selected)

    def send_rtp(self, packets: Sequence[bytes]) -> None:
        """Encrypt and send; dropped before there are keys."""
        self._port.send(_done(self.media.protect_rtp(self.peer, packets)), self.agent.selected)

    def send_rtcp(self, packets: Sequence[bytes]) -> None:
        """Encrypt and send; dropped before there are keys."""
        self._port.send(_done(self.media.protect_rtcp(self.peer, packets)), self.agent.selected)

    def close(self) -> None:
        """Leave the port; datagrams for this leg are a stranger's from now on."""
        self._port.remove(self)


class BrowserPort:
    """The socket and its legs."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._socket: socket.socket | None = None
        self._by_ufrag: dict[str, BrowserEndpoint] = {}
        self._by_address: dict[NetworkAddress, BrowserEndpoint] = {}
        self._by_peer: dict[int, BrowserEndpoint] = {}
        self._refused_checks = 0

    async def open(self, host: str, port: int) -> None:
        """Bind; raises OSError when the port is taken."""
        self._socket = bound_udp_socket(host, port)
        self.media = MediaPort(self._socket.fileno())
        self._pacer = Pacer(self.media.send)
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._readable)

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._pacer.close()
            self._socket.close()
            self._socket = None

    @property
    def strangers(self) -> int:
        """Datagrams that belonged to nobody, checks that did not prove themselves among them."""
        _, _, unknown, _ = self.media.counters()
        return unknown + self._refused_checks

    def add(self, agent: IceLiteAgent, listener: BrowserListener) -> BrowserEndpoint:
        """A new leg; raises ValueError when its ufrag is in use on this port, or there are too many legs."""
        if agent.local_ufrag in self._by_ufrag:
            raise ValueError("ufrag is in use on this port")
        endpoint = BrowserEndpoint(self, agent, listener, self.media.open_peer())
        self._by_ufrag[agent.local_ufrag] = endpoint
        self._by_peer[endpoint.peer] = endpoint
        return endpoint

    def remove(self, endpoint: BrowserEndpoint) -> None:
        """Forget a leg."""
        if self._by_ufrag.pop(endpoint.agent.local_ufrag, None) is None:
            return
        for address in endpoint.addresses:
            self._by_address.pop(address, None)
        del self._by_peer[endpoint.peer]
        self.media.close_peer(endpoint.peer)

    def restore(
        self, endpoint: BrowserEndpoint, addresses: Sequence[NetworkAddress], selected: NetworkAddress | None
    ) -> None:
        """See ``BrowserEndpoint.restore``; an address that is another leg's by now stays that one's."""
        if selected in addresses:
            endpoint.agent.selected = selected
        for address in addresses[-MAX_ADDRESSES:]:
            if address not in self._by_address:
                self._remember(endpoint, address)

    def send(self, datagrams: Sequence[bytes], address: NetworkAddress | None) -> None:
        """Send a run of datagrams; nothing without an address."""
        if self._socket is not None and address is not None:
            self._pacer.send(datagrams, address)

    def receive_check(self, data: bytes, source: NetworkAddress) -> None:
        """Take a datagram that looks like STUN."""
        try:
            if not is_stun(data):
                raise StunError("not STUN")
            check = parse_check(data)
            endpoint = self._by_ufrag.get(local_ufrag_of(check))
            if endpoint is None:
                raise StunError("no such leg")
            selected = endpoint.agent.selected
            response = endpoint.agent.receive_check(check, source, self._clock())
        except StunError as error:
            if not self._refused_checks:
                logger.info("browser port: a check from %s is refused (%s); counted from now on", source[0], error)
            self._refused_checks += 1
            return
        if self._by_address.get(source) is not endpoint or selected != endpoint.agent.selected:
            self._remember(endpoint, source)
        self.send([response], source)

    def _readable(self) -> None:
        try:
            received = self.media.receive(self._clock())
        except OSError as error:
            logger.debug("browser port: %s", error)
            return
        for kind, peer, data, source in received:
            if source is not None:
                self.receive_check(data, source)
                continue
            # A leg may have been closed by what the packet before it led to.
            endpoint = self._by_peer.get(peer)
            if endpoint is None:
                continue
            if kind == PacketKind.RTP:
                endpoint.listener.rtp_received(data)
            elif kind == PacketKind.RTCP:
                endpoint.listener.rtcp_received(data)
            else:
                endpoint.listener.dtls_received(data)

    def _remember(self, endpoint: BrowserEndpoint, source: NetworkAddress) -> None:
        previous = self._by_address.get(source)
        if previous is not None and previous is not endpoint:
            previous.addresses.remove(source)
            self._tell(previous)
        if previous is not endpoint:
            self._by_address[source] = endpoint
            endpoint.addresses.append(source)
        if len(endpoint.addresses) > MAX_ADDRESSES:
            # The oldest, but never the one that media go to.
            oldest = next(address for address in endpoint.addresses if address != endpoint.agent.selected)
            endpoint.addresses.remove(oldest)
            self._by_address.pop(oldest, None)
        self._tell(endpoint)

    def _tell(self, endpoint: BrowserEndpoint) -> None:
        self.media.set_addresses(endpoint.peer, endpoint.addresses, endpoint.agent.selected)


def _done(packets: Sequence[bytes | None]) -> list[bytes]:
    return [packet for packet in packets if packet is not None]
