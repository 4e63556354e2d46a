"""Where messages come from and go to; the only thing the core knows of transports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

Address = tuple[str, int]


@dataclass(frozen=True)
class Flow:
    """A way to one peer. Equal flows reach the same peer over the same socket.

    ``transport``: "udp", "tcp" (later "tls", "ws", "wss"). ``remote``: host and port; the host of an outgoing flow may
    be a name, which the adapter resolves. ``local``: the address the peer can reach us at, as seen from this flow.
    ``connection`` tells connections apart; None for datagrams.
    """

    transport: str
    remote: Address
    local: Address
    connection: int | None = None

    @property
    def is_reliable(self) -> bool:
        """Whether the transport retransmits by itself, so that transactions need not (RFC 3261 §17)."""
        return self.transport != "udp"


class Router(Protocol):
    """Chooses the way to a host; given to the core by the adapter that owns the sockets."""

    def flow_to(self, transport: str, host: str, port: int) -> Flow | None:
        """A flow to this host, on an open connection where there is one; None when no listener has the transport."""
