"""Connections as the core sees them: bytes cut anywhere in, messages out, and when to give one up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sip.core import AgentCore
from sip.errors import SipParseError
from sip.flow import Flow
from sip.framing import MessageStream
from sip.timers import Timer


@dataclass
class _Connection:
    stream: MessageStream = field(default_factory=MessageStream)
    patience: Timer | None = None


class Streams:
    """All connections that sent something."""

    def __init__(
        self,
        core: AgentCore,
        on_message: Callable[[bytes, Flow], None],
        on_error: Callable[[Flow, SipParseError], None],
    ) -> None:
        self._core = core
        self._on_message = on_message
        self._on_error = on_error
        self._connections: dict[Flow, _Connection] = {}
        self._to_close: list[Flow] = []

    def receive(self, data: bytes, flow: Flow) -> None:
        """Bytes of a connection."""
        connection = self._connections.setdefault(flow, _Connection())
        stream = connection.stream
        try:
            messages = stream.receive(data)
        except SipParseError as error:
            self._on_error(flow, error)
            self._close(flow)
            return
        for message in messages:
            self._on_message(message, flow)
        if stream.pings:
            stream.pings = 0
            self._core.send(flow, b"\r\n")  # RFC 5626 §3.5.1
        self._wait(connection, flow, is_new=bool(messages))

    def forget(self, flow: Flow) -> None:
        """The connection is closed."""
        connection = self._connections.pop(flow, None)
        if connection is not None and connection.patience is not None:
            connection.patience.cancel()

    def take_closing(self) -> list[Flow]:
        """Connections to close; forgets them."""
        flows, self._to_close = self._to_close, []
        return flows

    def _wait(self, connection: _Connection, flow: Flow, is_new: bool) -> None:
        """A message that has begun must be complete within 64·T1, or the connection only holds our memory."""
        if connection.patience is not None and (is_new or not connection.stream.is_partial):
            connection.patience.cancel()
            connection.patience = None
        if connection.patience is None and connection.stream.is_partial:
            connection.patience = self._core.timers.start(self._core.settings.timers.timeout, lambda: self._close(flow))

    def _close(self, flow: Flow) -> None:
        self.forget(flow)
        self._to_close.append(flow)
        self._core.on_work()
