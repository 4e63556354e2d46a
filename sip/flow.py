"""Where messages come from and go to; the only thing the core knows of transports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

Address = tuple[str, int]


@dataclass(frozen=True)
class Target:
    """Where a URI points before DNS was asked (RFC 3263 §4).

    ``transport`` and ``port`` are None when the URI does not say; ``fallback`` is the transport to take when DNS does
    not either. ``is_secure``: a ``sips`` URI, which only TLS may serve.
    """

    host: str
    port: int | None = None
    transport: str | None = None
    is_secure: bool = False
    fallback: str = "udp"


@dataclass(frozen=True)
class Flow:
    """A way to one peer. Equal flows reach the same peer over the same socket.

    ``transport``: "udp", "tcp", "tls", "ws" or "wss". ``remote``: host and port. ``local``: the address the peer can
    reach us at, as seen from this flow. ``connection`` tells connections apart; None for datagrams. ``target``: only
    while DNS has not told yet where the flow leads; it becomes other flows then, see ``Locator``.
    """

    transport: str
    remote: Address
    local: Address
    connection: int | None = None
    target: Target | None = None

    @property
    def is_reliable(self) -> bool:
        """Whether the transport retransmits by itself, so that transactions need not (RFC 3261 §17)."""
        return self.transport != "udp"

    @property
    def is_stream(self) -> bool:
        """Whether messages must be cut out of a stream of bytes; a WebSocket carries them whole (RFC 7118 §5.2)."""
        return self.transport in ("tcp", "tls")


class Router(Protocol):
    """Chooses the way to a host; given to the core by the adapter that owns the sockets."""

    def flow_to(self, transport: str, host: str, port: int) -> Flow | None:
        """A flow to this host, on an open connection where there is one; None when no listener has the transport."""


class Locator(Protocol):
    """Finds the servers of a domain (RFC 3263)."""

    def flow_for(self, target: Target) -> Flow | None:
        """A flow to the target, with ``target`` set when DNS must be asked first; None when nothing can lead there."""

    def locate(self, flow: Flow) -> None:
        """Ask DNS where a flow leads; the user agent's ``flow_located`` is told, once and later."""
