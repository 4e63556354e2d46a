"""Flows and what is behind them: listeners, connections as they are wanted, names looked up, pings."""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, replace

from sip.connections import PING, Connections, StreamLink
from sip.datagrams import Datagrams
from sip.flow import Flow, Target
from sip.handshakes import BACKLOG, TlsListener
from sip.keep_alive import Pauses
from sip.listeners import Listener, LocalAddresses, bound_socket
from sip.locating import Locating, Location, Resolver, is_address
from sip.names import Names
from sip.strangers import Strangers
from sip.websocket import WebServer, WebSocketListener, plain_server

logger = logging.getLogger(__name__)

# Messages kept while a name is looked up or a connection opened.
MAX_WAITING = 64
# Connections promised and not opened yet; more are promises that nobody keeps.
MAX_OPENING = 1024
# A firewall that swallows connections must not keep a caller from the next server for long.
CONNECT_TIMEOUT = 4.0
# Handshakes of those who connect to us, at once.
MAX_HANDSHAKES = 256
# All questions to DNS for one target.
LOCATE_TIMEOUT = 6.0
# DNS itself remembers for as long as its records live; this spares asking it for each of many calls to one place.
MAX_LOCATED = 1024
LOCATED_SECONDS = 30.0
# Seconds between looks at connections that want to be pinged.
CHECK_PERIOD = 5.0

OUTGOING = ("udp", "tcp", "tls")

OnData = Callable[[bytes, Flow], None]
OnLost = Callable[[Flow], None]
OnLocated = Callable[[Flow, Sequence[Flow]], None]


@dataclass(frozen=True)
class TransportSettings:
    """``server_tls`` is needed to listen for TLS and WSS; ``client_tls`` says whom we believe (default: the system's).

    ``resolver`` defaults to the system's. ``keep_alive``: seconds of silence after which a connection that we opened is
    pinged. ``proxy``: a flow to it is kept open, so that it can reach us through a NAT. ``origins``: of pages elsewhere
    that may connect to WebSocket listeners, in lower case. ``group``: what of an address one peer cannot change at
    will, for limits. ``web_server`` listens for WebSocket.
    """

    server_tls: ssl.SSLContext | None = None
    client_tls: ssl.SSLContext | None = None
    resolver: Resolver | None = None
    keep_alive: float = 25.0
    proxy: Target | None = None
    origins: tuple[str, ...] = ()
    group: Callable[[str], str] = str
    web_server: WebServer = plain_server


class Transports:
    """All sockets of a server; implements ``sip.flow.Router`` and ``sip.flow.Locator``."""

    def __init__(
        self,
        listeners: Sequence[Listener],
        on_data: OnData,
        on_lost: OnLost,
        on_located: OnLocated = lambda flow, flows: None,
        settings: TransportSettings | None = None,
    ) -> None:
        self.settings = settings or TransportSettings()
        self.connections = Connections(on_data, on_lost, self.settings.keep_alive, self.settings.group)
        self.handshakes = Strangers("SIP over TLS", CONNECT_TIMEOUT, MAX_HANDSHAKES, self.settings.group)
        self.bound: list[Listener] = []
        self._listeners = list(listeners)
        self._on_lost = on_lost
        self._on_located = on_located
        self._addresses = LocalAddresses()
        self._datagrams = Datagrams(self._addresses, on_data)
        self._close_listeners: list[Callable[[], Awaitable[None]]] = []
        self._opening: dict[Flow, Location] = {}  # connections promised by flow_to, not open yet
        self._waiting: dict[Flow, list[bytes]] = {}
        self._located: dict[Target, tuple[list[Location], float]] = {}
        self._locating: Locating | None = None
        self._pauses = Pauses()
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Bind all listeners. Raises OSError; then none stays open."""
        try:
            for listener in self._listeners:
                await self._bind(listener)
        except BaseException:
            await self.close()
            raise
        resolver = self.settings.resolver or Names()
        usable = [(listener.transport, ":" in listener.host) for listener in self.bound]
        outgoing = [(transport, is_ipv6) for transport, is_ipv6 in usable if transport in OUTGOING]
        self._locating = Locating(resolver, outgoing, random.SystemRandom())
        self._spawn(self._check_connections())

    async def close(self) -> None:
        """Close everything; what was not sent yet is lost."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.connections.close()
        for close in self._close_listeners:
            await close()
        self._datagrams.close()
        self._close_listeners.clear()
        self.bound = []

    # -- ways out ------------------------------------------------------------------------------------------------

    def flow_to(self, transport: str, host: str, port: int) -> Flow | None:
        """See ``Router``."""
        if not is_address(host):
            return self.flow_for(Target(host, port, transport))
        return self._flow_at(Location(transport, host, port, host))

    def flow_for(self, target: Target) -> Flow | None:
        """See ``Locator``."""
        known = self._known(target)
        if known:
            return self._flow_at(known[0])
        for transport in (target.transport,) if target.transport else (target.fallback, *OUTGOING):
            listener = self._listener_for(transport, target.host) if transport in OUTGOING else None
            if listener is not None:
                local = self._addresses.towards(listener.host, target.host), listener.port
                return Flow(transport, (target.host, target.port or 0), local, target=target)
        return None

    def locate(self, flow: Flow) -> None:
        """See ``Locator``."""
        self._spawn(self._locate(flow))

    def send(self, flow: Flow, data: bytes) -> None:
        """Send one message; failures come back through ``on_lost``."""
        if flow.target is not None:
            self._send_unlocated(flow, flow.target, data)
        elif flow.connection is None:
            self._datagrams.send(flow, data)
        elif flow in self._opening:
            self._send_when_open(flow, data)
        elif not self.connections.send(flow, data):
            # The peer closed it; its port was an outgoing one, so there is no way to open it from here.
            asyncio.get_running_loop().call_soon(self._on_lost, flow)

    def close_flow(self, flow: Flow) -> None:
        """Close a connection after what was sent on it."""
        self.connections.close_flow(flow)

    # -- listening -----------------------------------------------------------------------------------------------

    async def _bind(self, listener: Listener) -> None:
        if listener.is_secure and self.settings.server_tls is None:
            raise ValueError(f"a listener for {listener.transport} needs a certificate")
        match listener.transport:
            case "udp":
                port = await self._datagrams.bind(listener)
            case "tcp" | "tls":
                port = await self._bind_stream(listener)
            case "ws" | "wss":
                tls = self.settings.server_tls if listener.is_secure else None
                server = WebSocketListener(self.connections, tls, self.settings.origins, self.settings.web_server)
                port = await server.open(listener.host, listener.port)
                self._close_listeners.append(server.close)
            case _:
                raise ValueError(f"unknown SIP transport {listener.transport!r}")
        self.bound.append(replace(listener, port=port))

    async def _bind_stream(self, listener: Listener) -> int:
        bound = bound_socket(listener)
        port: int = bound.getsockname()[1]
        context = self.settings.server_tls if listener.is_secure else None

        def make() -> StreamLink:
            return StreamLink(self.connections, listener.transport)

        server: TlsListener | asyncio.Server
        if context is not None:
            server = TlsListener(bound, context, make, self.handshakes)
        else:
            server = await asyncio.get_running_loop().create_server(make, sock=bound, backlog=BACKLOG)

        async def close() -> None:
            server.close()

        self._close_listeners.append(close)
        return port

    def _listener_for(self, transport: str, host: str) -> Listener | None:
        """The one to send from; to an address, one of its family only."""
        fitting = [listener for listener in self.bound if listener.transport == transport]
        if is_address(host):
            fitting = [listener for listener in fitting if (":" in listener.host) == (":" in host)]
        return next(iter(fitting), None)

    # -- sending -------------------------------------------------------------------------------------------------

    def _flow_at(self, location: Location) -> Flow | None:
        remote = location.address, location.port
        if location.transport != "udp":
            found = self.connections.to_peer(location.transport, remote, location.name)
            found = found or next((flow for flow, place in self._opening.items() if place == location), None)
            if found is not None:
                return found
        listener = self._listener_for(location.transport, location.address)
        if listener is None or location.transport not in OUTGOING:
            return None
        local = self._addresses.towards(listener.host, location.address), listener.port
        if location.transport == "udp":
            return Flow("udp", remote, local)
        flow = Flow(location.transport, remote, local, self.connections.number())
        if len(self._opening) >= MAX_OPENING:
            stale = next((flow for flow in self._opening if flow not in self._waiting), None)
            if stale is None:
                return None
            del self._opening[stale]
        self._opening[flow] = location
        return flow

    def _send_when_open(self, flow: Flow, data: bytes) -> None:
        waiting = self._waiting.setdefault(flow, [])
        if len(waiting) < MAX_WAITING:
            waiting.append(data)
        if len(waiting) == 1:
            self._spawn(self._connect(flow, self._opening[flow]))

    async def _connect(self, flow: Flow, location: Location) -> None:
        loop = asyncio.get_running_loop()
        is_secure = flow.transport == "tls"
        try:
            if not self._pauses.may_try(location, loop.time()):
                raise OSError("it could not be reached a moment ago")
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await loop.create_connection(
                    lambda: StreamLink(self.connections, flow.transport, flow, location.name),
                    *flow.remote,
                    ssl=self._client_tls() if is_secure else None,
                    server_hostname=location.name if is_secure else None,
                )
        except (OSError, TimeoutError) as error:
            if self._pauses.may_try(location, loop.time()):
                logger.info("no way to %s:%d over %s: %s", *flow.remote, flow.transport, error or "timeout")
                self._pauses.failed(location, loop.time())
            self._opening.pop(flow, None)
            self._waiting.pop(flow, None)
            self._on_lost(flow)
            return
        self._pauses.reached(location)
        self._opening.pop(flow, None)
        for data in self._waiting.pop(flow, []):
            self.send(flow, data)

    def _client_tls(self) -> ssl.SSLContext:
        return self.settings.client_tls or ssl.create_default_context()

    # -- names ---------------------------------------------------------------------------------------------------

    def _known(self, target: Target) -> list[Location]:
        found, expires = self._located.get(target, ([], 0.0))
        return found if expires > asyncio.get_running_loop().time() else []

    async def _find(self, target: Target) -> list[Location]:
        known = self._known(target)
        if known or self._locating is None:
            return known
        try:
            async with asyncio.timeout(LOCATE_TIMEOUT):
                found = await self._locating.locate(target)
        except TimeoutError:
            found = []
        if not found:
            logger.info("%s leads to no SIP server that can be reached", target.host)
        if len(self._located) >= MAX_LOCATED:
            self._located.clear()
        self._located[target] = found, asyncio.get_running_loop().time() + LOCATED_SECONDS
        return found

    async def _locate(self, flow: Flow) -> None:
        found = await self._find(flow.target) if flow.target is not None else []
        flows = [way for location in found if (way := self._flow_at(location)) is not None]
        self._on_located(flow, flows)

    def _send_unlocated(self, flow: Flow, target: Target, data: bytes) -> None:
        """A message that is in no transaction, as an ACK, to where the name leads."""
        waiting = self._waiting.setdefault(flow, [])
        if len(waiting) < MAX_WAITING:
            waiting.append(data)
        if len(waiting) == 1:
            self._spawn(self._find_and_send(flow, target))

    async def _find_and_send(self, flow: Flow, target: Target) -> None:
        found = await self._find(target)
        way = self._flow_at(found[0]) if found else None
        for data in self._waiting.pop(flow, []):
            if way is not None:
                self.send(way, data)

    # -- keeping alive -------------------------------------------------------------------------------------------

    async def _check_connections(self) -> None:
        """Ping what is silent; keep a flow to the proxy."""
        loop = asyncio.get_running_loop()
        proxy_at = 0.0
        while True:
            now = loop.time()
            self.connections.check(now)
            if self.settings.proxy is not None and now >= proxy_at:
                proxy_at = now + self.settings.keep_alive
                await self._ping_proxy(self.settings.proxy)
            await asyncio.sleep(CHECK_PERIOD)

    async def _ping_proxy(self, target: Target) -> None:
        """Over a connection, ``Connections`` does it once it is open; a datagram opens the NAT by itself."""
        found = await self._find(target)
        way = self._flow_at(found[0]) if found else None
        if way is not None and not self.connections.is_open(way):
            self.send(way, PING)

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
