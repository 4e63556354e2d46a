"""One m-line of a SIP room on UDP: an RTP socket and an RTCP socket, answering to where packets come from.

Symmetric RTP (RFC 4961): the address in SDP is only a first guess, since rooms sit behind NAT. The first packet that
authenticates, where the stream is encrypted, and parses as RTP of a negotiated payload type settles the peer's address;
after that a stranger's packets are counted and dropped. Where ICE is used, its checks settle the address instead.
"""

from __future__ import annotations

import logging
import socket
from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum

from mcu.media.transport.packet_socket import PacketSocket
from mcu.media.transport.sockets import NetworkAddress, bound_udp_socket
from mcu.media.transport.srtp import Cipher, NoCipher

logger = logging.getLogger(__name__)

# Gives a UDP socket bound to a host and port.
Bind = Callable[[str, int], socket.socket]

# Addresses that have proved themselves by ICE and may send: a room with several networks has a few.
MAX_PROVED = 8


class Component(Enum):
    """The two sockets of an m-line, numbered as ICE numbers them (RFC 8445 section 4)."""

    RTP = 1
    RTCP = 2


class PlainPort:
    """RTP on ``port``, RTCP on ``port + 1`` or, where both sides mux (RFC 5761), on the same.

    ``accepts`` says whether a packet, decrypted by ``cipher``, is RTP that the peer could have sent; only such a packet
    may settle the address. Of a peer that is settled, packets that came together go to ``on_rtp_run`` at once, where
    that is given. ``on_other`` gets what is neither RTP nor RTCP: STUN and DTLS (RFC 7983).
    """

    def __init__(
        self,
        on_rtp: Callable[[bytes], None],
        on_rtcp: Callable[[bytes], None],
        accepts: Callable[[bytes], bool],
        cipher: Cipher | None = None,
        on_other: Callable[[Component, bytes, NetworkAddress], None] | None = None,
        on_rtp_run: Callable[[list[bytes]], None] | None = None,
    ) -> None:
        self._on_rtp = on_rtp
        self._on_rtp_run = on_rtp_run
        self._on_rtcp = on_rtcp
        self._accepts = accepts
        self._cipher = cipher or NoCipher()
        self._on_other = on_other
        self._port = 0
        self._proved: deque[NetworkAddress] = deque(maxlen=MAX_PROVED)
        self._rtp: PacketSocket | None = None
        self._rtcp: PacketSocket | None = None
        self._remote: NetworkAddress | None = None
        self._remote_rtcp: NetworkAddress | None = None
        self._announced: NetworkAddress | None = None
        self._symmetric = True
        self._settled = False
        self._mux = False
        self._rtcp_heard = False
        self.strangers = 0

    async def open(self, host: str, port: int, bind: Bind = bound_udp_socket) -> None:
        """Bind ``port`` and ``port + 1``; raises OSError when one is taken."""
        self._port = port
        self._rtp = PacketSocket(bind(host, port), self._receive_batch)
        try:
            self._rtcp = PacketSocket(bind(host, port + 1), self._receive_rtcp_batch)
        except OSError:
            await self.close()
            raise

    def set_remote(self, address: NetworkAddress | None, symmetric: bool, rtcp_mux: bool) -> None:
        """The peer's address as SDP says it. A new address there un-settles what was learnt from packets."""
        self._symmetric = symmetric
        if address == self._announced and rtcp_mux == self._mux:
            return
        self._mux = rtcp_mux
        self._announced = address
        if self._proved:
            return  # ICE knows better, whatever default address a description gives
        self._settled = self._rtcp_heard = False
        self._remote = address
        self._remote_rtcp = self._rtcp_address(address)

    def follow(self, rate: float | None) -> None:
        """The network carries so many bit/s of RTP; None: nothing is known to bind."""
        if self._rtp is not None:
            self._rtp.follow(rate)

    @property
    def wait(self) -> float:
        """Seconds that RTP which is sent now waits before it leaves."""
        return 0.0 if self._rtp is None or self._remote is None else self._rtp.wait(self._remote)

    def send_rtp(self, datagrams: Sequence[bytes], ahead: bool = False) -> None:
        """Send RTP packets, ``ahead`` of those that wait or behind; dropped while no address or key is known."""
        if self._remote is not None and self._rtp is not None:
            send = self._rtp.send_ahead if ahead else self._rtp.send
            send(self._cipher.protect_rtp(datagrams), self._remote)

    def send_rtcp(self, datagrams: Sequence[bytes]) -> None:
        """Send RTCP packets, which wait for no picture; dropped while no address or no key is known."""
        way = self._rtp if self._mux else self._rtcp
        if self._remote_rtcp is not None and way is not None:
            way.send_at_once(self._cipher.protect_rtcp(datagrams), self._remote_rtcp)

    def send_other(self, component: Component, datagram: bytes, address: NetworkAddress | None = None) -> None:
        """Send STUN or DTLS, to where media of this component go unless an address is given."""
        rtp = component is Component.RTP
        way, known = (self._rtp, self._remote) if rtp else (self._rtcp, self._remote_rtcp)
        address = address or known
        if address is not None and way is not None:
            way.send_at_once((datagram,), address)

    def prove(self, component: Component, source: NetworkAddress, selected: NetworkAddress) -> None:
        """ICE: ``source`` knows the password, and media shall go to ``selected``."""
        if source not in self._proved:
            self._proved.append(source)
        if component is Component.RTP:
            self._remote = selected
            self._settled = True
            if not self._rtcp_heard:
                self._remote_rtcp = self._rtcp_address(selected)
        else:
            self._remote_rtcp = selected
            self._rtcp_heard = True

    def remote_of(self, component: Component) -> NetworkAddress | None:
        """Where its datagrams go as far as is known now."""
        return self._remote if component is Component.RTP else self._remote_rtcp

    def is_proved(self, source: NetworkAddress) -> bool:
        """Whether ICE has proved this address."""
        return source in self._proved

    def may_be(self, component: Component, source: NetworkAddress) -> bool:
        """Whether a DTLS record from there may be the peer's."""
        if source in self._proved or source == self.remote_of(component):
            return True
        return not self._settled and not self._proved and self._symmetric

    def may_be_heard(self, component: Component, source: NetworkAddress) -> bool:
        """The same; and until media settle the address, answers go there.

        Nobody else can finish the handshake: the certificate has to be the one that the description announced.
        """
        if source in self._proved or source == self.remote_of(component):
            return True
        if not self.may_be(component, source):
            return False
        if component is Component.RTP:
            self._remote = source
            if not self._rtcp_heard:
                self._remote_rtcp = self._rtcp_address(source)
        else:
            self._remote_rtcp = source
        return True

    async def close(self) -> None:
        """Close the sockets at once: a leg that is negotiated anew binds the same ports."""
        if self._rtp is not None and (self.strangers or self._cipher.refused):
            logger.info(
                "media port %d: %d datagrams of strangers, %d that did not authenticate",
                self._port,
                self.strangers,
                self._cipher.refused,
            )
        for way in (self._rtp, self._rtcp):
            if way is not None:
                way.close()
        self._rtp = self._rtcp = None

    def _rtcp_address(self, address: NetworkAddress | None) -> NetworkAddress | None:
        if address is None or self._mux:
            return address
        return (address[0], address[1] + 1)

    def _receive_batch(self, datagrams: Sequence[tuple[bytes, NetworkAddress]]) -> None:
        run: list[bytes] = []
        for data, source in datagrams:
            if self._on_rtp_run is not None and self._is_plain(data, source):
                run.append(data)
                continue
            self._receive_run(run)
            run = []
            self._receive(data, source)
        self._receive_run(run)

    def _is_plain(self, data: bytes, source: NetworkAddress) -> bool:
        """Whether this is RTP of the peer, for all that its header and its address tell."""
        known = (self._settled and source == self._remote) or source in self._proved
        return known and len(data) > 1 and data[0] >= 64 and not 192 <= data[1] <= 223

    def _receive_run(self, run: list[bytes]) -> None:
        if run and self._on_rtp_run is not None and (packets := self._cipher.unprotect_rtp_run(run)):
            self._on_rtp_run(packets)

    def _receive_rtcp_batch(self, datagrams: Sequence[tuple[bytes, NetworkAddress]]) -> None:
        for data, source in datagrams:
            self._receive_rtcp_port(data, source)

    def _receive(self, data: bytes, source: NetworkAddress) -> None:
        if self._is_other(data):
            self._receive_other(Component.RTP, data, source)
            return
        if len(data) > 1 and 192 <= data[1] <= 223:  # RFC 5761: RTCP on the RTP port
            self._receive_rtcp(data, source)
            return
        settles = (source != self._remote or not self._settled) and source not in self._proved
        if settles and not self._may_settle(source):
            self.count_stranger(source)
            return
        packet = self._cipher.unprotect_rtp(data)
        if packet is None:
            return
        if settles:
            if not self._accepts(packet):
                self.count_stranger(source)
                return
            self._settled = True
            self._remote = source
            if not self._rtcp_heard:
                self._remote_rtcp = self._rtcp_address(source)
        self._on_rtp(packet)

    def _may_settle(self, source: NetworkAddress) -> bool:
        if source == self._announced:
            return True
        return self._symmetric and not self._settled

    def _receive_rtcp_port(self, data: bytes, source: NetworkAddress) -> None:
        if self._is_other(data):
            self._receive_other(Component.RTCP, data, source)
        else:
            self._receive_rtcp(data, source)

    def _receive_rtcp(self, data: bytes, source: NetworkAddress) -> None:
        if not self._may_report(source):
            self.count_stranger(source)
            return
        packet = self._cipher.unprotect_rtcp(data)
        if packet is None:
            return
        if self._symmetric and not self._mux and not self._proved:
            self._remote_rtcp = source
            self._rtcp_heard = True
        self._on_rtcp(packet)

    def _may_report(self, source: NetworkAddress) -> bool:
        """Whether RTCP from there may be the peer's."""
        if source in self._proved:
            return True
        if self._remote is None or source[0] != self._remote[0]:
            return False  # behind NAT, RTCP may well come before RTP has told the address: it can wait
        if self._cipher.authenticates:
            return True
        # In the clear, whoever shares the peer's host, or its NAT, could speak for it.
        settled = self._remote if self._mux and self._settled else self._remote_rtcp if self._rtcp_heard else None
        return settled is None or source in (settled, self._rtcp_address(self._announced))

    def _is_other(self, data: bytes) -> bool:
        return self._on_other is not None and bool(data) and data[0] < 64

    def _receive_other(self, component: Component, data: bytes, source: NetworkAddress) -> None:
        assert self._on_other is not None
        self._on_other(component, data, source)

    def count_stranger(self, source: NetworkAddress) -> None:
        """A datagram that nobody takes; the first one is logged."""
        if self.strangers == 0:
            logger.info("media port: datagram from a stranger (%s); counted from now on", source[0])
        self.strangers += 1
