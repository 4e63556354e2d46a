"""UDP sockets for SIP, IPv4 and IPv6; STUN on them is answered here."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from dataclasses import replace

from sip import stun
from sip.flow import Flow
from sip.listeners import Listener, LocalAddresses

logger = logging.getLogger(__name__)

# A burst of calls waits here while the loop is busy, rather than being lost; the kernel may give less.
RECEIVE_BUFFER = 4 << 20


class Datagrams:
    """All UDP sockets. ``on_data`` gets every datagram that is no STUN."""

    def __init__(self, addresses: LocalAddresses, on_data: Callable[[bytes, Flow], None]) -> None:
        self._addresses = addresses
        self._on_data = on_data
        self._sockets: dict[Listener, asyncio.DatagramTransport] = {}

    async def bind(self, listener: Listener) -> int:
        """Listen; returns the port. Raises OSError."""
        sock = _bound_socket(listener.host, listener.port)
        bound = replace(listener, port=sock.getsockname()[1])
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Protocol(self._receive, bound), sock=sock)
        self._sockets[bound] = transport
        return bound.port

    def close(self) -> None:
        """Close all."""
        for transport in self._sockets.values():
            transport.close()
        self._sockets.clear()

    def send(self, flow: Flow, data: bytes) -> None:
        """From the socket that the flow belongs to, else from any of its address family."""
        family = [item for item in self._sockets if (":" in item.host) == (":" in flow.remote[0])]
        same_port = [item for item in family if item.port == flow.local[1]]
        exact = [item for item in same_port if item.host == flow.local[0]]
        for listener in (exact or same_port or family)[:1]:
            self._sockets[listener].sendto(data, flow.remote)

    def _receive(self, data: bytes, listener: Listener, remote: tuple[str, int]) -> None:
        if stun.is_stun(data):
            response = stun.answer(data, *remote)
            if response is not None:
                self._sockets[listener].sendto(response, remote)
            return
        local = self._addresses.towards(listener.host, remote[0]), listener.port
        self._on_data(data, Flow("udp", remote, local))


class _Protocol(asyncio.DatagramProtocol):
    """One UDP socket."""

    def __init__(self, on_received: Callable[[bytes, Listener, tuple[str, int]], None], listener: Listener) -> None:
        self._on_received = on_received
        self._listener = listener

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._on_received(data, self._listener, (addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        # An ICMP "port unreachable" does not say which peer; the transaction's timeout will.
        logger.debug("UDP: %s", exc)


def _bound_socket(host: str, port: int) -> socket.socket:
    """One for IPv6 leaves IPv4 to another on the same port. Raises OSError."""
    is_ipv6 = ":" in host
    sock = socket.socket(socket.AF_INET6 if is_ipv6 else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        if is_ipv6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        sock.setblocking(False)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock
