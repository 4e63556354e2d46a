"""Connections to the web server from those who never say what they want: bounded in time and in number.

A connection has a while for its TLS handshake, and as long to bring the head of its first request. What comes later on
it is aiohttp's: it closes one that sends no further request, whole, for ``KEEP_ALIVE`` seconds.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import cast

from aiohttp import web

from mcu.conference.door.throttle import source_group
from sip.handshakes import TlsListener
from sip.strangers import Stranger, Strangers

# A phone on a bad network needs some seconds for handshake and request.
HEAD_SECONDS = 15.0
# Browsers keep idle connections about as long.
KEEP_ALIVE = 75.0
# Connections at their handshake, and as many that have not brought a request yet.
MAX_WAITING = 256

# What ends the head of a request; some write the shorter one.
_ENDS = (b"\n\r\n", b"\n\n")


class PatientSite(web.BaseSite):
    """Listens on a bound socket for ``runner``, whose handlers get connections when their first request has come."""

    def __init__(
        self,
        runner: web.AppRunner,
        bound: socket.socket,
        ssl_context: ssl.SSLContext | None = None,
        *,
        head_seconds: float = HEAD_SECONDS,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        super().__init__(runner, ssl_context=ssl_context)
        self._bound = bound
        self._listener: TlsListener | None = None
        self._handshakes = Strangers("web, before TLS", head_seconds, max_waiting, source_group)
        self.beginnings = Strangers("web", head_seconds, max_waiting, source_group)

    @property
    def name(self) -> str:
        """Where it listens."""
        host, port = self._bound.getsockname()[:2]
        return f"{'https' if self._ssl_context else 'http'}://{host}:{port}"

    @property
    def waiting(self) -> int:
        """Connections without a request."""
        return self._handshakes.count + self.beginnings.count

    @property
    def refused(self) -> int:
        """Connections that were closed before they brought one."""
        return self._handshakes.refused + self.beginnings.refused

    async def start(self) -> None:
        """Listen."""
        await super().start()
        if self._ssl_context is not None:
            self._listener = TlsListener(self._bound, self._ssl_context, lambda: _Beginning(self), self._handshakes)
            return
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Beginning(self), sock=self._bound, backlog=self._backlog
        )

    async def stop(self) -> None:
        """Listen no more."""
        if self._listener is not None:
            self._listener.close()
        await super().stop()

    def handler(self) -> asyncio.Protocol:
        """Who takes a connection from its first octet on."""
        server = self._runner.server
        assert server is not None
        return server()


class _Beginning(asyncio.Protocol):
    """A connection until the head of its first request has come; then it is the handler's alone."""

    def __init__(self, site: PatientSite) -> None:
        self._site = site
        self._handler = site.handler()
        self._transport: asyncio.Transport | None = None
        self._stranger: Stranger | None = None
        self._end = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self._handler.connection_made(transport)
        self._stranger = self._site.beginnings.add(peer[0] if peer else "", self._transport.abort)

    def data_received(self, data: bytes) -> None:
        seen = self._end + data
        if any(end in seen for end in _ENDS):
            self._done()
            if self._transport is not None:
                self._transport.set_protocol(self._handler)
        self._end = seen[-2:]
        self._handler.data_received(data)

    def eof_received(self) -> bool | None:
        return self._handler.eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        self._done()
        self._handler.connection_lost(error)

    def pause_writing(self) -> None:
        self._handler.pause_writing()

    def resume_writing(self) -> None:
        self._handler.resume_writing()

    def _done(self) -> None:
        if self._stranger is not None:
            self._stranger.leave()
