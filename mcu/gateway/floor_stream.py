"""Floor control over a stream: a TCP connection in the clear, or with TLS on top (RFC 8855 section 6, RFC 8856)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable

from mcu.gateway.tasks import Tasks
from mcu.gateway.tls_stream import TlsError, TlsIdentity, TlsStream
from sip.sdp.floor import NegotiatedFloor
from sip.strangers import Strangers

logger = logging.getLogger(__name__)

# A room that listens answers at once; one that does not will not.
CONNECT_TIMEOUT = 5.0

# Seconds until both certificates must have been shown.
HANDSHAKE_TIMEOUT = 10.0
# Handshakes at once: the room's own, and those of strangers.
MAX_HANDSHAKES = 8

# Who begins with TLS has been read in two ways: whoever made the offer (RFC 4583 section 7), or whoever connects
# (RFC 8122 section 5.1). So we wait for the peer's hello, and begin only where none comes; as the one who answered
# for longer, lest two that wait begin in the same instant.
HELLO_PATIENCE = 1.0

# Bytes that may wait for a peer that does not read; messages are below 300 each.
MAX_BACKLOG = 65_536


class FloorStream:
    """One connection at a time; a peer that connects anew takes the place of its old connection.

    Implements ``FloorChannel``. ``hello_patience`` in seconds, see HELLO_PATIENCE.
    """

    def __init__(
        self,
        floor: NegotiatedFloor,
        host: str,
        port: int,
        on_data: Callable[[bytes], None],
        on_lost: Callable[[], None],
        identity: TlsIdentity | None = None,
        hello_patience: float = HELLO_PATIENCE,
    ) -> None:
        if floor.secure and identity is None:
            raise ValueError("TLS needs a certificate")
        self._host, self._port = host, port
        self._floor = floor
        self._on_data = on_data
        self._on_lost = on_lost
        self._identity = identity
        self._patience = hello_patience * (2 if floor.answering else 1)
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._tls: TlsStream | None = None
        self._tasks = Tasks("floor control")
        self._connecting = False
        self._early: list[bytes] = []
        self._strangers = Strangers("floor control", HANDSHAKE_TIMEOUT, MAX_HANDSHAKES)
        self._failures = 0

    async def open(self) -> None:
        """See ``FloorChannel``."""
        if self._floor.active:
            self._connecting = True
            self._tasks.start(self._connect())
        else:
            self._server = await asyncio.start_server(self._accept, self._host, self._port)

    def set_remote(self, floor: NegotiatedFloor) -> None:
        """A connection that stands goes on (``a=connection:existing``)."""
        self._floor = floor

    def send(self, messages: Iterable[bytes]) -> None:
        """See ``FloorChannel``."""
        writer = self._writer
        if writer is None and self._connecting:
            self._early += messages
            return
        if writer is None or writer.is_closing():
            return
        if writer.transport.get_write_buffer_size() > MAX_BACKLOG:
            writer.transport.abort()
            return
        self._write(writer, self._tls, messages)

    async def close(self) -> None:
        """See ``FloorChannel``."""
        if self._server is not None:
            self._server.close()
        self._drop()
        await self._tasks.give_up()

    def _write(self, writer: asyncio.StreamWriter, tls: TlsStream | None, messages: Iterable[bytes]) -> None:
        if tls is None:
            writer.writelines(messages)
            return
        try:
            for message in messages:
                tls.send(message)
        except TlsError as error:
            logger.info("floor control: %s", error)
            writer.transport.abort()
        else:
            writer.write(tls.to_send())

    def _drop(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None

    async def _connect(self) -> None:
        remote = address_of(self._floor)
        if remote is None:
            return
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                reader, writer = await asyncio.open_connection(*remote)
        except (OSError, TimeoutError) as error:
            logger.info("floor control: %s does not take the connection: %s", remote[0], error or "no answer")
            self._connecting = False
            return
        try:
            await self._serve(reader, writer)
        finally:
            self._connecting = False

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer, remote = writer.get_extra_info("peername"), address_of(self._floor)
        if remote is not None and peer is not None and peer[0] != remote[0] and self._writer is not None:
            writer.transport.abort()  # a stranger, while the room is there
            return
        self._tasks.start(self._serve(reader, writer))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until its end or until another one takes its place."""
        try:
            if not self._floor.secure:
                await self._read(reader, writer, None, b"")
                return
            peer = writer.get_extra_info("peername")
            stranger = self._strangers.add(peer[0] if peer else "", writer.transport.abort)
            try:
                tls, first = await self._shake_hands(reader, writer)
            except (TlsError, OSError) as error:
                self._failures += 1
                if self._failures == 1:
                    logger.info("floor control: no TLS with %s: %s", stranger.host, error)
            else:
                stranger.leave()
                await self._read(reader, writer, tls, first)
            finally:
                stranger.leave()
        finally:
            writer.transport.abort()

    async def _shake_hands(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[TlsStream, bytes]:
        """The stream once both have shown who they are, and what the peer has said already."""
        assert self._identity is not None  # see __init__
        data = b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                data = await reader.read(4096)
                if not data:
                    raise TlsError("it hung up")
        tls = TlsStream(self._identity, self._floor.fingerprints, server=bool(data))
        if not data:
            tls.begin()
        plain = b""
        try:
            while True:
                if data:
                    plain += tls.receive(data)
                writer.write(tls.to_send())
                if tls.established:
                    return tls, plain
                data = await reader.read(4096)
                if not data:
                    raise TlsError("it hung up")
        except TlsError:
            writer.write(tls.to_send())  # the alert that says why
            raise

    async def _read(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tls: TlsStream | None, first: bytes
    ) -> None:
        if self._writer is not None:
            self._drop()
            self._on_lost()
        self._writer, self._tls = writer, tls
        self._write(writer, tls, self._early)
        self._early.clear()
        if first:
            self._on_data(first)
        with contextlib.suppress(OSError, TlsError):
            while data := await reader.read(4096):
                if self._writer is not writer:
                    return
                plain = data if tls is None else tls.receive(data)
                if plain:
                    self._on_data(plain)
        if self._writer is writer:
            self._writer = None
            self._on_lost()


def address_of(floor: NegotiatedFloor) -> tuple[str, int] | None:
    """Where the peer is."""
    # Port 9 stands for "I shall connect" (RFC 8856 section 7).
    return None if floor.remote_host is None else (floor.remote_host, floor.remote_port)
