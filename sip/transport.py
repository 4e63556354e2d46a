"""UDP sockets and TCP connections behind flows. Another transport is another class like ``_Connection``."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from typing import cast

from sip.flow import Flow
from sip.listeners import Listener, LocalAddresses
from sip.names import Names

logger = logging.getLogger(__name__)

# A conference server talks to hundreds of rooms; each connection costs a descriptor.
MAX_CONNECTIONS = 2000
# A peer that does not read is cut before it costs us memory.
MAX_UNSENT = 1 << 20
# Messages kept while a name is looked up or a connection opened.
MAX_WAITING = 64
CONNECT_TIMEOUT = 8.0
# A peer that connects has something to say; one that is silent from the start only holds a descriptor.
MAX_SILENCE = 30.0

OnData = Callable[[bytes, Flow], None]
OnLost = Callable[[Flow], None]


class Transports:
    """All sockets of a server; implements ``sip.flow.Router``."""

    def __init__(self, listeners: Sequence[Listener], on_data: OnData, on_lost: OnLost) -> None:
        self._listeners = list(listeners)
        self._on_data = on_data
        self._on_lost = on_lost
        self._addresses = LocalAddresses()
        self._datagram: dict[Listener, asyncio.DatagramTransport] = {}
        self._servers: list[asyncio.Server] = []
        self._connections: dict[int, _Connection] = {}
        self._waiting: dict[Flow, list[bytes]] = {}
        self._opening: set[Flow] = set()  # connections promised by flow_to, not open yet
        self._names = Names()
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = count(1)
        self.bound: list[Listener] = []

    async def open(self) -> None:
        """Bind all listeners. Raises OSError; then none stays open."""
        try:
            for listener in self._listeners:
                await self._bind(listener)
        except OSError:
            await self.close()
            raise

    async def close(self) -> None:
        """Close everything; what was not sent yet is lost."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for server in self._servers:
            server.close()
        for connection in list(self._connections.values()):
            connection.close()
        for transport in self._datagram.values():
            transport.close()
        self._datagram.clear()
        self._servers.clear()
        self._connections.clear()
        self.bound = []

    def flow_to(self, transport: str, host: str, port: int) -> Flow | None:
        """See ``Router``."""
        connected = [connection.flow for connection in self._connections.values()]
        for flow in [*connected, *self._opening]:
            if flow.transport == transport and flow.remote == (host, port):
                return flow
        listener = self._listener_for(transport, host)
        if listener is None:
            return None
        local = self._addresses.towards(listener.host, host), listener.port
        if transport == "udp":
            return Flow(transport, (host, port), local)
        flow = Flow(transport, (host, port), local, next(self._numbers))
        self._opening.add(flow)
        return flow

    def send(self, flow: Flow, data: bytes) -> None:
        """Send one message; failures come back through ``on_lost``."""
        if flow.connection is None:
            address = flow.remote[0] if _is_address(flow.remote[0]) else self._names.get(flow.remote[0])
            if address is None:
                self._send_later(flow, data)
            else:
                self._send_datagram(flow, address, data)
        elif flow.connection in self._connections:
            self._connections[flow.connection].send(data)
        elif flow in self._opening:
            self._send_later(flow, data)
        else:
            # The peer closed it; its port was an outgoing one, so there is no way to open it from here.
            asyncio.get_running_loop().call_soon(self._on_lost, flow)

    def close_flow(self, flow: Flow) -> None:
        """Close a connection after what was sent on it."""
        connection = self._connections.get(flow.connection or 0)
        if connection is not None:
            connection.close()

    # -- listening -----------------------------------------------------------------------------------------------

    async def _bind(self, listener: Listener) -> None:
        loop = asyncio.get_running_loop()
        if listener.transport == "udp":
            transport, protocol = await loop.create_datagram_endpoint(
                lambda: _Datagrams(self, listener), local_addr=(listener.host, listener.port)
            )
            bound = replace(listener, port=transport.get_extra_info("sockname")[1])
            protocol.listener = bound
            self._datagram[bound] = transport
        elif listener.transport == "tcp":
            server = await loop.create_server(
                lambda: _Connection(self, listener.transport), listener.host, listener.port
            )
            bound = replace(listener, port=server.sockets[0].getsockname()[1])
            self._servers.append(server)
        else:
            raise ValueError(f"unknown SIP transport {listener.transport!r}")
        self.bound.append(bound)

    def _listener_for(self, transport: str, host: str) -> Listener | None:
        fitting = [listener for listener in self.bound if listener.transport == transport]
        same_family = [listener for listener in fitting if (":" in listener.host) == (":" in host)]
        return next(iter(same_family or fitting), None)

    def received(self, data: bytes, listener: Listener, remote: tuple[str, int]) -> None:
        """A datagram came."""
        local = self._addresses.towards(listener.host, remote[0]), listener.port
        self._on_data(data, Flow("udp", remote, local))

    # -- connections ---------------------------------------------------------------------------------------------

    def connected(self, connection: _Connection) -> bool:
        """A peer connected; False when there are too many already."""
        if len(self._connections) >= MAX_CONNECTIONS:
            return False
        if connection.flow.connection is None:
            connection.flow = replace(connection.flow, connection=next(self._numbers))
        self._opening.discard(connection.flow)
        self._connections[connection.flow.connection or 0] = connection
        return True

    def stream_received(self, data: bytes, flow: Flow) -> None:
        """Bytes came on a connection."""
        self._on_data(data, flow)

    def disconnected(self, flow: Flow) -> None:
        """A connection closed."""
        if self._connections.pop(flow.connection or 0, None) is not None:
            self._on_lost(flow)

    # -- sending -------------------------------------------------------------------------------------------------

    def _send_datagram(self, flow: Flow, address: str, data: bytes) -> None:
        same_port = [item for item in self._datagram if item.port == flow.local[1]]
        exact = [item for item in same_port if item.host == flow.local[0]]
        listener = next(iter(exact or same_port), None) or self._listener_for("udp", address)
        if listener is not None and listener in self._datagram:
            self._datagram[listener].sendto(data, (address, flow.remote[1]))

    def _send_later(self, flow: Flow, data: bytes) -> None:
        """Look the name up or open the connection first."""
        waiting = self._waiting.get(flow)
        if waiting is not None:
            if len(waiting) < MAX_WAITING:
                waiting.append(data)
            return
        self._waiting[flow] = [data]
        task = asyncio.get_running_loop().create_task(self._prepare(flow))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _prepare(self, flow: Flow) -> None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                if flow.connection is None:
                    await self._names.look_up(flow.remote[0], is_ipv6=":" in flow.local[0])
                else:
                    loop = asyncio.get_running_loop()
                    await loop.create_connection(lambda: _Connection(self, flow.transport, flow), *flow.remote)
        except (OSError, TimeoutError) as error:
            logger.info("no way to %s:%d over %s: %s", *flow.remote, flow.transport, error or "timeout")
            del self._waiting[flow]
            self._opening.discard(flow)
            self._on_lost(flow)
            return
        for data in self._waiting.pop(flow):
            self.send(flow, data)


class _Datagrams(asyncio.DatagramProtocol):
    """A UDP socket."""

    def __init__(self, owner: Transports, listener: Listener) -> None:
        self._owner = owner
        self.listener = listener

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._owner.received(data, self.listener, (addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        # An ICMP "port unreachable" does not say which peer; the transaction's timeout will.
        logger.debug("UDP: %s", exc)


class _Connection(asyncio.Protocol):
    """A connection, opened by either side. ``flow`` is complete once connected."""

    def __init__(self, owner: Transports, transport: str, flow: Flow | None = None) -> None:
        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self._silence: asyncio.TimerHandle | None = None
        self.flow = flow or Flow(transport, ("", 0), ("", 0))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self._transport = transport
        if self.flow.connection is None:
            remote, local = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
            self.flow = replace(self.flow, remote=(remote[0], remote[1]), local=(local[0], local[1]))
            self._silence = asyncio.get_running_loop().call_later(MAX_SILENCE, transport.abort)
        if not self._owner.connected(self):
            transport.abort()

    def data_received(self, data: bytes) -> None:
        self._not_silent()
        self._owner.stream_received(data, self.flow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._not_silent()
        self._owner.disconnected(self.flow)

    def _not_silent(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None

    def send(self, data: bytes) -> None:
        if self._transport is None:
            return
        if self._transport.get_write_buffer_size() > MAX_UNSENT:
            self._transport.abort()
            return
        self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
