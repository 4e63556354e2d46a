"""SIP over WebSocket (RFC 7118), served through aiohttp: on ports of its own, or at a path of a web server."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections import deque
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from sip.connections import MAX_SILENCE, MAX_UNSENT, PING, Connections
from sip.flow import Flow
from sip.listeners import Listener, bound_socket
from sip.message import MAX_MESSAGE_SIZE

logger = logging.getLogger(__name__)

SUBPROTOCOL = "sip"
# Seconds between pings of RFC 6455; a browser that went without a word is noticed within twice that.
HEARTBEAT = 30.0
# A browser that does not close its side is not waited for longer.
CLOSE_TIME = 2.0
_PONG = b"\r\n"


class WebSocketLink:
    """One WebSocket: each of its messages is one SIP message (RFC 7118 §5)."""

    name = ""

    def __init__(self, flow: Flow, opened: web.WebSocketResponse) -> None:
        self.flow = flow
        self._socket = opened
        self._unsent: deque[bytes] = deque()
        self._size = 0
        self._work = asyncio.Event()
        self._closing = False

    def send(self, data: bytes) -> None:
        """See ``Link``."""
        if self._closing:
            return
        self._unsent.append(data)
        self._size += len(data)
        if self._size > MAX_UNSENT:
            self._unsent.clear()
            self.close()
        self._work.set()

    def close(self) -> None:
        """See ``Link``."""
        self._closing = True
        self._work.set()

    async def write(self) -> None:
        """Send what is to be sent, until the link is closed."""
        while True:
            while self._unsent:
                data = self._unsent.popleft()
                self._size -= len(data)
                await _write(self._socket, data)
            if self._closing:
                await self._socket.close()
                return
            self._work.clear()
            await self._work.wait()

    async def read(self, owner: Connections) -> None:
        """Hand up what comes, until the peer closes."""
        silence: float | None = MAX_SILENCE
        while True:
            try:
                message = await self._socket.receive(silence)
            except TimeoutError:
                return
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            silence = None
            data = message.data.encode() if message.type is WSMsgType.TEXT else message.data
            if data == PING:
                self.send(_PONG)  # RFC 5626 §3.5.1; browsers cannot send pings of WebSocket's own
            elif data.strip(b"\r\n"):
                owner.received(data, self)


async def serve(request: web.Request, owner: Connections) -> web.StreamResponse:
    """Handle one WebSocket of a peer until it closes."""
    offered = request.headers.get("Sec-WebSocket-Protocol", "")
    if SUBPROTOCOL not in (item.strip().lower() for item in offered.split(",")):
        # RFC 7118 §4.1: without it, the peer means to speak something else.
        raise web.HTTPBadRequest(text="This is a WebSocket for the subprotocol 'sip' (RFC 7118).")
    transport = request.transport
    if transport is None:
        raise web.HTTPBadRequest(text="The connection is gone.")
    opened = web.WebSocketResponse(
        protocols=(SUBPROTOCOL,), heartbeat=HEARTBEAT, max_msg_size=MAX_MESSAGE_SIZE, compress=False, timeout=CLOSE_TIME
    )
    await opened.prepare(request)
    remote, local = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
    flow = Flow("wss" if request.secure else "ws", (remote[0], remote[1]), (local[0], local[1]))
    link = WebSocketLink(flow, opened)
    if not owner.opened(link, is_ours=False):
        await opened.close(code=1013)  # try again later
        return opened
    reading = asyncio.ensure_future(link.read(owner))
    writing = asyncio.ensure_future(link.write())
    try:
        await asyncio.wait((reading, writing), return_when=asyncio.FIRST_COMPLETED)
    finally:
        owner.closed(link)
        for task in (reading, writing):
            task.cancel()
        results = await asyncio.gather(reading, writing, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                logger.debug("WebSocket of %s: %r", remote[0], result)
    await opened.close()
    return opened


def is_welcome(origin: str | None, host: str, allowed: Collection[str]) -> bool:
    """Whether a page may connect (RFC 7118 §8, RFC 6455 §10.2): from the host that it asks, or from an allowed origin.

    ``origin`` and ``host`` are the headers. Programs send no Origin; a browser always does, so that a page from
    anywhere cannot make calls from the network that its visitor is in.
    """
    if origin is None or origin.lower() in allowed:
        return True
    try:
        name = urlsplit(origin).hostname
        return name is not None and name == urlsplit(f"//{host}").hostname
    except ValueError:
        return False


WebServer = Callable[[web.AppRunner, socket.socket, ssl.SSLContext | None], web.BaseSite]
"""What takes connections on a bound socket, and lets requests on them be handled."""


def plain_server(runner: web.AppRunner, bound: socket.socket, tls: ssl.SSLContext | None) -> web.BaseSite:
    """aiohttp's own, which waits long for requests."""
    return web.SockSite(runner, bound, ssl_context=tls)


class WebSocketListener:
    """A port for nothing but SIP over WebSocket, at any path; ``tls`` makes it WSS. ``origins``: see ``is_welcome``.

    ``server`` says who may hold connections without a request, and for how long.
    """

    def __init__(
        self,
        owner: Connections,
        tls: ssl.SSLContext | None,
        origins: Collection[str] = (),
        server: WebServer = plain_server,
    ) -> None:
        self._server = server
        self._owner = owner
        self._tls = tls
        self._origins = origins
        self._runner: web.AppRunner | None = None

    async def open(self, host: str, port: int) -> int:
        """Listen; returns the port. Raises OSError."""
        application = web.Application()
        application.router.add_get("/{path:.*}", self._serve)
        # Whoever is refused has nothing more to ask for; aiohttp would keep the connection for an hour.
        self._runner = web.AppRunner(
            application, access_log=None, shutdown_timeout=CLOSE_TIME, keepalive_timeout=CLOSE_TIME
        )
        await self._runner.setup()
        try:
            bound_to = bound_socket(Listener("wss" if self._tls else "ws", host, port))
            await self._server(self._runner, bound_to, self._tls).start()
        except OSError:
            await self.close()
            raise
        opened: int = bound_to.getsockname()[1]
        return opened

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if not is_welcome(request.headers.get("Origin"), request.host, self._origins):
            raise web.HTTPForbidden(text="Pages of this origin may not connect here (setting sip.allowed_origins).")
        return await serve(request, self._owner)

    async def close(self) -> None:
        """Stop listening; the WebSockets are closed by their owner."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None


async def _write(opened: web.WebSocketResponse, data: bytes) -> None:
    """RFC 7118 §5.2: as text if it is UTF-8, which SIP nearly always is."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        await opened.send_bytes(data)
    else:
        await opened.send_str(text)
