"""Open connections, whatever they are made of: found by flow and by peer, limited in number, pinged."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Protocol, cast

from sip.flow import Address, Flow
from sip.keep_alive import KeepAlive, Pulse
from sip.strangers import Stranger, Strangers

logger = logging.getLogger(__name__)

# Each costs a descriptor and, with TLS, some 50 kB.
MAX_CONNECTIONS = 8000
# Rooms behind one NAT share an address; a flood comes from one, too.
MAX_PER_SOURCE = 1000
# A peer that does not read is cut before it costs us memory.
MAX_UNSENT = 1 << 20
# A peer that connects has something to say; one that is silent from the start only holds a descriptor. So many may.
MAX_SILENCE = 30.0
MAX_SILENT = 512
# Seconds until the kernel asks a silent peer whether it is still there, between questions, and how many.
KERNEL_KEEP_ALIVE = (("TCP_KEEPIDLE", 120), ("TCP_KEEPINTVL", 30), ("TCP_KEEPCNT", 4))

PING = b"\r\n\r\n"


class Link(Protocol):
    """One open connection. ``flow`` is complete once it is open."""

    flow: Flow
    name: str
    """The domain that the peer's certificate was checked for; "" when it connected to us."""

    def send(self, data: bytes) -> None:
        """Send one message; never waits."""

    def close(self) -> None:
        """Close after what was sent."""


class Connections:
    """All of them. ``on_data`` gets what arrives, ``on_lost`` a flow that closed."""

    def __init__(
        self,
        on_data: Callable[[bytes, Flow], None],
        on_lost: Callable[[Flow], None],
        keep_alive: float,
        group: Callable[[str], str] = str,
    ) -> None:
        """``group``: what of an address one peer cannot change at will."""
        self.on_data = on_data
        self._on_lost = on_lost
        self._keep_alive = keep_alive
        self._links: dict[int, Link] = {}
        self._by_peer: dict[tuple[str, Address], Link] = {}
        self._per_source: Counter[str] = Counter()
        self._group = group
        self.silent = Strangers("SIP", MAX_SILENCE, MAX_SILENT, group)
        self._pulses: dict[int, KeepAlive] = {}
        self._numbers = count(1)

    def number(self) -> int:
        """A number for the next connection."""
        return next(self._numbers)

    def is_open(self, flow: Flow) -> bool:
        """Whether the flow's connection is open."""
        return flow.connection in self._links

    def send(self, flow: Flow, data: bytes) -> bool:
        """Send one message on the flow's connection; False when that is not open."""
        link = self._links.get(flow.connection or 0)
        if link is None:
            return False
        if (pulse := self._pulses.get(flow.connection or 0)) is not None:
            pulse.used(asyncio.get_running_loop().time())
        link.send(data)
        return True

    def close_flow(self, flow: Flow) -> None:
        """Close the flow's connection after what was sent."""
        link = self._links.get(flow.connection or 0)
        if link is not None:
            link.close()

    def to_peer(self, transport: str, remote: Address, name: str) -> Flow | None:
        """The flow of an open connection to this very address and port, TLS only for the same name."""
        link = self._by_peer.get((transport, remote))
        return link.flow if link is not None and link.name in ("", name) else None

    def opened(self, link: Link, is_ours: bool) -> bool:
        """A connection is open, ``is_ours`` when we opened it; False when there are too many already."""
        source = self._group(link.flow.remote[0])
        if len(self._links) >= MAX_CONNECTIONS or self._per_source[source] >= MAX_PER_SOURCE:
            return False
        if link.flow.connection is None:
            link.flow = replace(link.flow, connection=self.number())
        number = link.flow.connection or 0
        self._links[number] = link
        self._by_peer[link.flow.transport, link.flow.remote] = link
        self._per_source[source] += 1
        if is_ours:
            self._pulses[number] = KeepAlive(self._keep_alive, asyncio.get_running_loop().time())
        return True

    def received(self, data: bytes, link: Link) -> None:
        """Bytes came on a connection."""
        pulse = self._pulses.get(link.flow.connection or 0)
        if pulse is not None:
            now = asyncio.get_running_loop().time()
            pulse.heard(now)
            if data.strip(b"\r\n"):
                pulse.used(now)
        self.on_data(data, link.flow)

    def closed(self, link: Link) -> None:
        """A connection closed, whoever closed it."""
        number = link.flow.connection or 0
        if self._links.pop(number, None) is None:
            return
        self._pulses.pop(number, None)
        if self._by_peer.get((link.flow.transport, link.flow.remote)) is link:
            del self._by_peer[link.flow.transport, link.flow.remote]
        source = self._group(link.flow.remote[0])
        self._per_source[source] -= 1
        if not self._per_source[source]:
            del self._per_source[source]
        self._on_lost(link.flow)

    def check(self, now: float) -> None:
        """Ping what has been silent, close what does not answer any more (RFC 5626 §4.4.1)."""
        for number, pulse in list(self._pulses.items()):
            link = self._links[number]
            match pulse.check(now):
                case Pulse.PING:
                    link.send(PING)
                case Pulse.DEAD:
                    logger.info("the connection to %s:%d does not answer any more", *link.flow.remote)
                    link.close()
                case Pulse.IDLE:
                    link.close()
                case Pulse.NOTHING:
                    pass

    def close(self, *transports: str) -> None:
        """Close all, or those of some transports."""
        for link in list(self._links.values()):
            if not transports or link.flow.transport in transports:
                link.close()


class StreamLink(asyncio.Protocol):
    """A TCP or TLS connection, opened by either side; ``flow`` and ``name`` are given when it is ours."""

    def __init__(self, owner: Connections, transport: str, flow: Flow | None = None, name: str = "") -> None:
        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self._silence: Stranger | None = None
        self._is_ours = flow is not None
        self.flow = flow or Flow(transport, ("", 0), ("", 0))
        self.name = name

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self._transport = transport
        keep_alive(transport)
        if not self._is_ours:
            remote, local = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
            self.flow = replace(self.flow, remote=(remote[0], remote[1]), local=(local[0], local[1]))
            self._silence = self._owner.silent.add(remote[0], transport.abort)
        if not self._owner.opened(self, self._is_ours):
            transport.abort()

    def data_received(self, data: bytes) -> None:
        self._not_silent()
        self._owner.received(data, self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._not_silent()
        self._owner.closed(self)

    def _not_silent(self) -> None:
        if self._silence is not None:
            self._silence.leave()
            self._silence = None

    def send(self, data: bytes) -> None:
        """See ``Link``."""
        if self._transport is None:
            return
        if self._transport.get_write_buffer_size() > MAX_UNSENT:
            self._transport.abort()
            return
        self._transport.write(data)

    def close(self) -> None:
        """See ``Link``."""
        if self._transport is not None:
            self._transport.close()


def keep_alive(transport: asyncio.BaseTransport) -> None:
    """Have the kernel notice a peer that went without a word: switched off, or its NAT forgot it."""
    sock = transport.get_extra_info("socket")
    if sock is None:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in KERNEL_KEEP_ALIVE:
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
