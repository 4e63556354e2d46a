"""The one UDP port of a worker that all its browser legs share.

The compiled port tells datagrams apart (RFC 7983), decrypts those of known peers, and sends on what is forwarded. Here
is what happens once in a while: keys, and connectivity checks, which say what address belongs to which leg. A STUN
check names the leg by its ufrag; once it has proved itself, everything else from that address belongs to that leg.
Browsers that come by TCP have an address here too, that of their relay (``browser_streams``).
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence

from aioice import stun

from mcu.media.packets import MediaPort, PacketKind
from mcu.media.transport.browser_endpoint import BrowserEndpoint as BrowserEndpoint
from mcu.media.transport.browser_endpoint import BrowserListener as BrowserListener
from mcu.media.transport.ice_lite import IceLiteAgent, StunError, is_stun, local_ufrag_of, parse_check
from mcu.media.transport.pacer import Pacer
from mcu.media.transport.sockets import NetworkAddress, bound_udp_socket

logger = logging.getLogger(__name__)

# From asm-generic/socket.h; Python has no name for it.
SO_TIMESTAMPNS = 35

# Chromium sends the packets of a picture within half a millisecond. Together they go on for a fraction of the cost, and
# who receives cannot show a part of a picture anyway.
PICTURE_PATIENCE = 0.001

# Addresses remembered per leg: a phone that roams between networks and back has a few.
MAX_ADDRESSES = 8

# A browser checks its path every few seconds. After so long without, its consent to be sent media is over (RFC 7675
# section 5.1): somebody else may have its address by now.
CONSENT_SECONDS = 30.0
# Consent is looked at this often.
REVIEW_INTERVAL = 2.5


class BrowserPort:
    """The socket and its legs."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._socket: socket.socket | None = None
        self._by_ufrag: dict[str, BrowserEndpoint] = {}
        self._by_address: dict[NetworkAddress, BrowserEndpoint] = {}
        self._by_peer: dict[int, BrowserEndpoint] = {}
        self._relays: set[NetworkAddress] = set()
        self._refused_checks = 0
        self._review: asyncio.TimerHandle | None = None

    async def open(self, host: str, port: int) -> None:
        """Bind; raises OSError when the port is taken."""
        self._socket = bound_udp_socket(host, port)
        # What waits while the event loop is at work is told to have come when it came (congestion control).
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.media = MediaPort(self._socket.fileno(), PICTURE_PATIENCE)
        self._pacer = Pacer(self.media.send)
        loop = asyncio.get_running_loop()
        loop.add_reader(self._socket.fileno(), self._readable)
        self._review = loop.call_later(REVIEW_INTERVAL, self._review_consent)

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            if self.strangers:
                logger.info("browser port: %d datagrams of strangers in all", self.strangers)
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._pacer.close()
            self._socket.close()
            self._socket = None
        if self._review is not None:
            self._review.cancel()

    @property
    def local_address(self) -> NetworkAddress:
        """Where the socket is bound; once it is open."""
        assert self._socket is not None
        host, port = self._socket.getsockname()[:2]
        return host, port

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
        self._forget_previous(endpoint)
        for address in endpoint.addresses:
            self._by_address.pop(address, None)
        del self._by_peer[endpoint.peer]
        if refused := self.media.refused(endpoint.peer):
            logger.info("browser port: %d datagrams of a browser that did not authenticate", refused)
        self.media.close_peer(endpoint.peer)

    def restart(self, endpoint: BrowserEndpoint, agent: IceLiteAgent) -> None:
        """See ``BrowserEndpoint.restart``."""
        if self._by_ufrag.get(agent.local_ufrag, endpoint) is not endpoint:
            raise ValueError("ufrag is in use on this port")
        before = endpoint.agent
        self._forget_previous(endpoint)
        agent.selected, agent.last_check = before.selected, before.last_check
        endpoint.agent = agent
        self._answer_below(endpoint)
        if agent.local_ufrag != before.local_ufrag:
            endpoint.previous = before
        self._by_ufrag[agent.local_ufrag] = endpoint

    def restore(
        self, endpoint: BrowserEndpoint, addresses: Sequence[NetworkAddress], selected: NetworkAddress | None
    ) -> None:
        """See ``BrowserEndpoint.restore``; an address that is another leg's by now stays that one's."""
        endpoint.agent.last_check = self._clock()
        if selected in addresses:
            endpoint.agent.selected = selected
        for address in addresses[-MAX_ADDRESSES:]:
            if address not in self._by_address:
                self._remember(endpoint, address)

    def send(self, datagrams: Sequence[bytes], address: NetworkAddress | None) -> None:
        """Send a run of datagrams; nothing without an address."""
        if self._socket is not None and address is not None:
            self._pacer.send(datagrams, address)

    def receive_check(self, data: bytes, source: NetworkAddress, seen: NetworkAddress | None = None) -> bool:
        """Take a datagram that looks like STUN; whether it has proved itself.

        ``seen`` is the address that the browser is told that it comes from, if that is not ``source``.
        """
        try:
            endpoint, agent, check = self._asked(data)
            response = agent.receive_check(check, source, self._clock(), seen)
        except StunError as error:
            self.count_stranger(source, error)
            return False
        now_at = agent.selected
        if agent is not endpoint.agent:
            endpoint.agent.selected, endpoint.agent.last_check = now_at, agent.last_check
        elif agent.nominated:
            self._forget_previous(endpoint)
        self._remember(endpoint, source)
        self._answer_below(endpoint)
        self.send([response], source)
        return True

    def proven_by(self, data: bytes) -> BrowserEndpoint:
        """Whose check this is, without taking it. Raises StunError for one that does not prove itself."""
        endpoint, agent, check = self._asked(data)
        agent.verify(check)
        return endpoint

    def count_stranger(self, source: NetworkAddress, why: object) -> None:
        """Something came that is nobody's; logged once."""
        if not self._refused_checks:
            logger.info("browser port: a check from %s is refused (%s); counted from now on", source[0], why)
        self._refused_checks += 1

    def add_relay(self, address: NetworkAddress) -> None:
        """From this address of our own a browser's packets come that has no UDP."""
        self._relays.add(address)

    def remove_relay(self, address: NetworkAddress) -> None:
        """That browser's connection is closed; nothing is sent there any more."""
        self._relays.discard(address)
        endpoint = self._by_address.pop(address, None)
        if endpoint is None:
            return
        endpoint.addresses.remove(address)
        if endpoint.agent.selected == address:
            endpoint.agent.selected = None
        self._tell(endpoint)

    def own_addresses(self, endpoint: BrowserEndpoint) -> list[NetworkAddress]:
        """The addresses of a leg that are its browser's own."""
        return [address for address in endpoint.addresses if address not in self._relays]

    def end_consent(self, now: float) -> None:
        """Send nothing to those who have not checked their path for too long, and tell their legs."""
        for endpoint in tuple(self._by_peer.values()):
            agent = endpoint.agent
            if agent.last_check is None or not endpoint.addresses or now - agent.last_check < CONSENT_SECONDS:
                continue
            last = agent.last_check = max(agent.last_check, self.media.last_check(endpoint.peer))
            if now - last < CONSENT_SECONDS:
                continue
            for address in endpoint.addresses:
                self._by_address.pop(address, None)
            endpoint.addresses.clear()
            endpoint.agent.selected = None
            self._tell(endpoint)
            endpoint.on_lost(now - last)

    def _review_consent(self) -> None:
        self._review = asyncio.get_running_loop().call_later(REVIEW_INTERVAL, self._review_consent)
        self.end_consent(self._clock())

    def _asked(self, data: bytes) -> tuple[BrowserEndpoint, IceLiteAgent, stun.Message]:
        """Whom a check is addressed to, and the check; nothing is proved yet. Raises StunError."""
        if not is_stun(data):
            raise StunError("not STUN")
        check = parse_check(data)
        ufrag = local_ufrag_of(check)
        endpoint = self._by_ufrag.get(ufrag)
        if endpoint is None:
            raise StunError("no such leg")
        previous = endpoint.previous
        if previous is not None and previous.local_ufrag == ufrag:
            return endpoint, previous, check
        return endpoint, endpoint.agent, check

    def _forget_previous(self, endpoint: BrowserEndpoint) -> None:
        if endpoint.previous is not None:
            self._by_ufrag.pop(endpoint.previous.local_ufrag, None)
            endpoint.previous = None

    def _answer_below(self, endpoint: BrowserEndpoint) -> None:
        """Once a browser has nominated its path, its checks only go on: the compiled port answers them."""
        agent = endpoint.agent
        settled = agent.nominated and endpoint.previous is None
        if settled != endpoint.settled:
            endpoint.settled = settled
            name = f"{agent.local_ufrag}:{agent.remote_ufrag}" if settled else ""
            self.media.answer_checks(endpoint.peer, name.encode(), agent.local_password.encode())

    def _readable(self) -> None:
        try:
            received = self.media.receive(self._clock())
        except OSError as error:
            logger.debug("browser port: %s", error)
            return
        at = 0
        while at < len(received):
            kind, peer, data, source = received[at]
            at += 1
            if source is not None:
                self.receive_check(data, source)
                continue
            run = [data]
            while kind == PacketKind.RTP and at < len(received) and received[at][:2] == (kind, peer):
                run.append(received[at][2])
                at += 1
            # A leg may have been closed by what the packet before it led to.
            endpoint = self._by_peer.get(peer)
            if endpoint is None:
                continue
            if kind == PacketKind.RTP:
                endpoint.listener.rtp_received(run)
            elif kind == PacketKind.RTCP:
                endpoint.listener.rtcp_received(data)
            elif kind == PacketKind.GAP:
                endpoint.listener.packets_missing()
            else:
                endpoint.listener.dtls_received(data)

    def _remember(self, endpoint: BrowserEndpoint, source: NetworkAddress) -> None:
        """This address is this leg's; the compiled port is told what is new."""
        previous = self._by_address.get(source)
        if previous is not None and previous is not endpoint:
            previous.addresses.remove(source)
            self._tell(previous)
        if previous is not endpoint:
            self._by_address[source] = endpoint
            endpoint.addresses.append(source)
        elif endpoint.told == endpoint.agent.selected:
            return
        if len(endpoint.addresses) > MAX_ADDRESSES:
            # The oldest, but never the one that media go to.
            oldest = next(address for address in endpoint.addresses if address != endpoint.agent.selected)
            endpoint.addresses.remove(oldest)
            self._by_address.pop(oldest, None)
        self._tell(endpoint)

    def _tell(self, endpoint: BrowserEndpoint) -> None:
        endpoint.told = endpoint.agent.selected
        endpoint.moves += 1
        self.media.set_addresses(endpoint.peer, endpoint.addresses, endpoint.agent.selected)
