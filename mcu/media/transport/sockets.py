"""UDP sockets with buffers fit for video, and what browsers without UDP need besides."""

from __future__ import annotations

import contextlib
import socket

NetworkAddress = tuple[str, int]
"""An IP address and a port."""

# A key frame is a burst of some 150 datagrams to each of some ten receivers.
SOCKET_BUFFER = 4 * 1024 * 1024


def bound_udp_socket(host: str, port: int) -> socket.socket:
    """A non-blocking UDP socket bound to an IP address; raises OSError when that is taken or not ours."""
    udp = socket.socket(_family(host), socket.SOCK_DGRAM)
    try:
        udp.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            # The kernel caps what it grants (net.core.rmem_max); whatever it grants is good enough to go on.
            with contextlib.suppress(OSError):
                udp.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER)
        _take_both_families(udp, host)
        udp.bind((host, port))
    except OSError:
        udp.close()
        raise
    return udp


def bound_tcp_socket(host: str, port: int) -> socket.socket:
    """A non-blocking TCP socket bound to an IP address, to listen on; raises OSError when that is taken or not ours."""
    tcp = socket.socket(_family(host), socket.SOCK_STREAM)
    try:
        tcp.setblocking(False)
        # Connections of a process that is gone linger on in the kernel, and must not keep its successor out.
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _take_both_families(tcp, host)
        tcp.bind((host, port))
    except OSError:
        tcp.close()
        raise
    return tcp


def relay_socket(target: NetworkAddress) -> socket.socket:
    """A UDP socket on this machine alone that talks with another of ours, bound at ``target``. Raises OSError."""
    host, port = target
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    udp = bound_udp_socket(host, 0)
    try:
        udp.connect((host, port))
    except OSError:
        udp.close()
        raise
    return udp


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _take_both_families(unbound: socket.socket, host: str) -> None:
    """ "::" takes IPv4 as well, whatever is usual on this machine."""
    if host == "::":
        unbound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
