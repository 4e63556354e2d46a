"""UDP sockets with buffers fit for video."""

from __future__ import annotations

import contextlib
import socket

NetworkAddress = tuple[str, int]
"""An IP address and a port."""

# A key frame is a burst of some 150 datagrams to each of some ten receivers.
SOCKET_BUFFER = 4 * 1024 * 1024


def bound_udp_socket(host: str, port: int) -> socket.socket:
    """A non-blocking UDP socket bound to an IP address; raises OSError when that is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    udp = socket.socket(family, socket.SOCK_DGRAM)
    try:
        udp.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            # The kernel caps what it grants (net.core.rmem_max); whatever it grants is good enough to go on.
            with contextlib.suppress(OSError):
                udp.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER)
        udp.bind((host, port))
    except OSError:
        udp.close()
        raise
    return udp
