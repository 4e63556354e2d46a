"""Where a server listens, and which address of ours a peer can reach."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass

# Peers seen lately; routing does not change often and the answer costs a few system calls.
_MAX_REMEMBERED = 4096


@dataclass(frozen=True)
class Listener:
    """``transport``: "udp", "tcp", "tls", "ws" or "wss". ``host``: an address of this machine; "0.0.0.0" or "::" means
    all of its family. ``port`` 0 lets the system choose.
    """

    transport: str
    host: str
    port: int

    @property
    def is_secure(self) -> bool:
        """Whether it needs a certificate."""
        return self.transport in ("tls", "wss")


def bound_socket(listener: Listener) -> socket.socket:
    """To listen for connections on; non-blocking. Raises OSError."""
    is_ipv6 = ":" in listener.host
    made = socket.socket(socket.AF_INET6 if is_ipv6 else socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_ipv6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((listener.host, listener.port))
        made.setblocking(False)
    except BaseException:
        made.close()
        raise
    return made


class LocalAddresses:
    """Finds the local address that packets to a host leave from."""

    def __init__(self) -> None:
        self._remembered: dict[tuple[str, str], str] = {}

    def towards(self, listening_on: str, host: str) -> str:
        """The address to tell ``host`` when listening on ``listening_on``, which is returned unless it means all."""
        if not ipaddress.ip_address(listening_on).is_unspecified:
            return listening_on
        key = listening_on, host
        found = self._remembered.get(key)
        if found is None:
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.clear()
            found = self._remembered[key] = _route(host, is_ipv6=":" in listening_on)
        return found


def _route(host: str, is_ipv6: bool) -> str:
    family = socket.AF_INET6 if is_ipv6 else socket.AF_INET
    if host == "localhost":
        host = "::1" if is_ipv6 else "127.0.0.1"
    try:
        ipaddress.ip_address(host)
    except ValueError:
        # A name is not looked up here; the way to the outside (a documentation address) is the best guess.
        host = "2001:db8::1" if is_ipv6 else "192.0.2.1"
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host, 9))  # sends nothing, only asks the routing table
            address: str = probe.getsockname()[0]
        except OSError:
            return "::1" if is_ipv6 else "127.0.0.1"
    return address
