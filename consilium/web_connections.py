"""Connections to the web server from those who never say what they want: bounded in time and in number.

A connection has a while to bring the head of its first request, the TLS handshake included. What comes later on it is
aiohttp's: it closes one that sends no further request, whole, for ``KEEP_ALIVE`` seconds.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from typing import cast

from aiohttp import web

from mcu.conference.door.throttle import source_group

logger = logging.getLogger(__name__)

# A phone on a bad network needs some seconds for handshake and request.
HEAD_SECONDS = 15.0
# Browsers keep idle connections about as long.
KEEP_ALIVE = 75.0
# Connections that have not brought a request yet. With more, room is made by the one that has waited longest of the
# address that has most of them.
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
        self._head_seconds = head_seconds
        self._max_waiting = max_waiting
        self._waiting: dict[str, dict[_Beginning, None]] = {}  # of each address, the longest waiting first
        self.refused = 0

    @property
    def name(self) -> str:
        """Where it listens."""
        host, port = self._bound.getsockname()[:2]
        return f"{'https' if self._ssl_context else 'http'}://{host}:{port}"

    @property
    def waiting(self) -> int:
        """Connections without a request."""
        return sum(map(len, self._waiting.values()))

    async def start(self) -> None:
        """Listen."""
        await super().start()
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Beginning(self),
            sock=self._bound,
            ssl=self._ssl_context,
            backlog=self._backlog,
            ssl_handshake_timeout=self._head_seconds if self._ssl_context else None,
        )

    # For connections

    def handler(self) -> asyncio.Protocol:
        """Who takes a connection from its first octet on."""
        server = self._runner.server
        assert server is not None
        return server()

    def begin(self, beginning: _Beginning) -> None:
        """A connection is there that has brought nothing yet."""
        self._waiting.setdefault(beginning.source, {})[beginning] = None
        beginning.expires(asyncio.get_running_loop().call_later(self._head_seconds, self.refuse, beginning))
        if self.waiting > self._max_waiting:
            most = max(self._waiting.values(), key=len)
            self.refuse(next(iter(most)))

    def end(self, beginning: _Beginning) -> None:
        """It has brought a request, or is closed."""
        waiting = self._waiting.get(beginning.source, {})
        waiting.pop(beginning, None)
        if not waiting:
            self._waiting.pop(beginning.source, None)

    def refuse(self, beginning: _Beginning) -> None:
        """Close one that has waited too long; logged once, then counted."""
        if not self.refused:
            logger.info("web: a connection from %s without a request is closed; counted from now on", beginning.peer)
        self.refused += 1
        beginning.abort()


class _Beginning(asyncio.Protocol):
    """A connection until the head of its first request has come; then it is the handler's alone."""

    def __init__(self, site: PatientSite) -> None:
        self._site = site
        self._handler = site.handler()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._end = b""
        self.peer = self.source = ""

    def expires(self, timer: asyncio.TimerHandle) -> None:
        """What is cancelled when the request has come."""
        self._timer = timer

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()
        self._done()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.peer = peer[0] if peer else ""
        self.source = source_group(self.peer)
        self._handler.connection_made(transport)
        self._site.begin(self)

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
        self._site.end(self)
        if self._timer is not None:
            self._timer.cancel()
