"""One m-line of a SIP room on plain UDP: an RTP socket and an RTCP socket, answering to where packets come from.

Symmetric RTP (RFC 4961): the address in SDP is only a first guess, since rooms sit behind NAT. The first packet that
parses as RTP of a negotiated payload type settles the peer's address; after that a stranger's packets are counted and
dropped.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterable
from typing import cast

from mcu.media.transport.sockets import bound_udp_socket

logger = logging.getLogger(__name__)

NetworkAddress = tuple[str, int]
# Gives a UDP socket bound to a host and port.
Bind = Callable[[str, int], socket.socket]


class _Socket(asyncio.DatagramProtocol):
    def __init__(self, on_datagram: Callable[[bytes, NetworkAddress], None]) -> None:
        self._on_datagram = on_datagram
        self.transport: asyncio.DatagramTransport | None = None
        self._closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)  # uvloop's is no subclass

    def connection_lost(self, error: Exception | None) -> None:
        self._closed.set()

    async def close(self) -> None:
        """Close; the port is free again when this returns. What the kernel would not take so far is dropped."""
        if self.transport is not None:
            self.transport.abort()
            await self._closed.wait()

    def datagram_received(self, data: bytes, addr: NetworkAddress) -> None:
        self._on_datagram(data, (addr[0], addr[1]))

    def error_received(self, error: Exception) -> None:
        # ICMP "port unreachable" while the peer is not listening yet, or no longer: silence detection sees to it.
        logger.debug("media socket: %s", error)


class PlainPort:
    """RTP on ``port``, RTCP on ``port + 1`` or, where both sides mux (RFC 5761), on the same.

    ``accepts`` says whether a datagram is RTP that the peer could have sent; only such a packet may settle the address.
    """

    def __init__(
        self,
        on_rtp: Callable[[bytes], None],
        on_rtcp: Callable[[bytes], None],
        accepts: Callable[[bytes], bool],
    ) -> None:
        self._on_rtp = on_rtp
        self._on_rtcp = on_rtcp
        self._accepts = accepts
        self._rtp: _Socket | None = None
        self._rtcp: _Socket | None = None
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
        loop = asyncio.get_running_loop()
        _, self._rtp = await loop.create_datagram_endpoint(lambda: _Socket(self._receive), sock=bind(host, port))
        try:
            _, self._rtcp = await loop.create_datagram_endpoint(
                lambda: _Socket(self._receive_rtcp), sock=bind(host, port + 1)
            )
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
        self._settled = self._rtcp_heard = False
        self._remote = address
        self._remote_rtcp = self._rtcp_address(address)

    def send_rtp(self, datagrams: Iterable[bytes]) -> None:
        """Send RTP packets; dropped while no address is known."""
        if self._remote is None or self._rtp is None or self._rtp.transport is None:
            return
        sendto = self._rtp.transport.sendto
        for datagram in datagrams:
            sendto(datagram, self._remote)

    def send_rtcp(self, datagrams: Iterable[bytes]) -> None:
        """Send RTCP packets; dropped while no address is known."""
        way = self._rtp if self._mux else self._rtcp
        if self._remote_rtcp is None or way is None or way.transport is None:
            return
        for datagram in datagrams:
            way.transport.sendto(datagram, self._remote_rtcp)

    async def close(self) -> None:
        """Close the sockets and wait for it: a leg that is negotiated anew binds the same ports at once."""
        for way in (self._rtp, self._rtcp):
            if way is not None:
                await way.close()

    def _rtcp_address(self, address: NetworkAddress | None) -> NetworkAddress | None:
        if address is None or self._mux:
            return address
        return (address[0], address[1] + 1)

    def _receive(self, data: bytes, source: NetworkAddress) -> None:
        if len(data) > 1 and 192 <= data[1] <= 223:  # RFC 5761: RTCP on the RTP port
            self._receive_rtcp(data, source)
            return
        if source != self._remote or not self._settled:
            if not self._may_settle(data, source):
                self._count_stranger(source)
                return
            self._settled = True
            self._remote = source
            if not self._rtcp_heard:
                self._remote_rtcp = self._rtcp_address(source)
        self._on_rtp(data)

    def _may_settle(self, data: bytes, source: NetworkAddress) -> bool:
        if not self._accepts(data):
            return False
        if source == self._announced:
            return True
        return self._symmetric and not self._settled

    def _receive_rtcp(self, data: bytes, source: NetworkAddress) -> None:
        if self._remote is None or source[0] != self._remote[0]:
            # Behind NAT, RTCP may well come before RTP has told the address: it can wait.
            self._count_stranger(source)
            return
        if self._symmetric and not self._mux:
            self._remote_rtcp = source
            self._rtcp_heard = True
        self._on_rtcp(data)

    def _count_stranger(self, source: NetworkAddress) -> None:
        if self.strangers == 0:
            logger.info("media port: datagram from a stranger (%s); counted from now on", source[0])
        self.strangers += 1
