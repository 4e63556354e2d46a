"""Sockets for a user agent: the transports driven by the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from aiohttp import web

from sip.agent import UserAgent
from sip.events import Event
from sip.flow import Flow
from sip.listeners import Listener
from sip.transport import Transports, TransportSettings
from sip.websocket import serve

logger = logging.getLogger(__name__)

# How long ``stop`` waits for the peers to confirm that their calls are over.
STOP_GRACE = 2.0


class SipServer:
    """Drives a user agent. ``on_event`` is called on the loop for each event; it may give commands at once.

    ``agent`` takes commands at any time on the loop; what they cause is sent in the next round of the loop.
    """

    def __init__(
        self,
        agent: UserAgent,
        listeners: Sequence[Listener],
        on_event: Callable[[Event], None],
        transports: TransportSettings | None = None,
    ) -> None:
        self.agent = agent
        self._transports = Transports(listeners, self._on_data, self._on_flow_lost, self._on_located, transports)
        agent.attach(self._transports, self._schedule, self._transports)
        self._on_event = on_event
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._scheduled = False
        self._idle = asyncio.Event()

    @property
    def listeners(self) -> list[Listener]:
        """Where the server listens, with the ports the system gave."""
        return self._transports.bound

    async def start(self) -> None:
        """Open the sockets. Raises OSError when a port is taken."""
        self._loop = asyncio.get_running_loop()
        await self._transports.open()

    async def serve_websocket(self, request: web.Request) -> web.StreamResponse:
        """A handler for a path of an aiohttp application: SIP over WebSocket (RFC 7118) on a web server's port."""
        if self._loop is None:
            raise web.HTTPServiceUnavailable
        return await serve(request, self._transports.connections)

    def close_websockets(self) -> None:
        """Before the web server that ``serve_websocket`` is on stops: it waits for its handlers."""
        self._transports.connections.close("ws", "wss")

    async def stop(self) -> None:
        """End all calls, wait a moment for the peers, close the sockets."""
        self.agent.close()
        self._drive()
        try:
            async with asyncio.timeout(STOP_GRACE):
                while not self.agent.is_idle:
                    self._idle.clear()
                    await self._idle.wait()
        except TimeoutError:
            logger.info("some peers did not confirm the end of their calls")
        if self._timer is not None:
            self._timer.cancel()
        self._loop = None
        await self._transports.close()

    def _on_data(self, data: bytes, flow: Flow) -> None:
        if self._loop is None:
            return
        if flow.is_stream:
            self.agent.receive_stream(data, flow, self._loop.time())
        else:
            self.agent.receive_datagram(data, flow, self._loop.time())
        self._schedule()

    def _on_flow_lost(self, flow: Flow) -> None:
        if self._loop is not None:
            self.agent.flow_lost(flow, self._loop.time())
            self._schedule()

    def _on_located(self, flow: Flow, flows: Sequence[Flow]) -> None:
        if self._loop is not None:
            self.agent.flow_located(flow, flows, self._loop.time())
            self._schedule()

    def _schedule(self) -> None:
        if self._loop is not None and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._drive)

    def _drive(self) -> None:
        """Send, tell, and set the timer."""
        self._scheduled = False
        if self._loop is None:
            return
        now = self._loop.time()
        deadline = self.agent.next_deadline()
        if deadline is not None and deadline <= now:
            self.agent.handle_timer(now)
        for flow, data in self.agent.datagrams_to_send(now):
            self._transports.send(flow, data)
        for flow in self.agent.connections_to_close():
            self._transports.close_flow(flow)
        for event in self.agent.events():
            self._tell(event)
        if self.agent.is_idle:
            self._idle.set()
        self._set_timer()

    def _tell(self, event: Event) -> None:
        try:
            self._on_event(event)
        except Exception:
            # One call's trouble in the application must not stop the signalling of all others.
            logger.exception("the application failed on %s", type(event).__name__)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self.agent.next_deadline()
        if deadline is not None and self._loop is not None:
            self._timer = self._loop.call_at(deadline, self._drive)
