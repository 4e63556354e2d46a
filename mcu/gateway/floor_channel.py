"""How floor control messages of one call travel: a UDP port, or a TCP connection (RFC 8855 section 6, RFC 8856)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import Protocol, cast

from sip.bfcp.codec import parse_header
from sip.bfcp.errors import BfcpError
from sip.sdp.floor import NegotiatedFloor

logger = logging.getLogger(__name__)

# A room that listens answers at once; one that does not will not.
CONNECT_TIMEOUT = 5.0

# Bytes that may wait for a peer that does not read; messages are below 300 each.
MAX_BACKLOG = 65_536


class FloorChannel(Protocol):
    """The path of one association. ``on_data`` and ``on_lost`` (streams only) are called on the event loop."""

    async def open(self) -> None:
        """Bind or begin to connect. Raises OSError."""

    def send(self, messages: Iterable[bytes]) -> None:
        """Send; what cannot be sent is lost, as datagrams are."""

    def set_remote(self, floor: NegotiatedFloor) -> None:
        """The peer's address as it was negotiated anew."""

    async def close(self) -> None:
        """Release the port; it is free when this returns."""


def make_channel(
    floor: NegotiatedFloor, host: str, port: int, on_data: Callable[[bytes], None], on_lost: Callable[[], None]
) -> FloorChannel:
    """The channel that was negotiated; ``host`` and ``port`` are ours."""
    if floor.reliable:
        return _TcpChannel(floor, host, port, on_data, on_lost)
    return _UdpChannel(floor, host, port, on_data)


class _UdpChannel(asyncio.DatagramProtocol):
    """Answers to where messages come from: rooms sit behind NAT. The first real message settles that."""

    def __init__(self, floor: NegotiatedFloor, host: str, port: int, on_data: Callable[[bytes], None]) -> None:
        self._host, self._port = host, port
        self._on_data = on_data
        self._transport: asyncio.DatagramTransport | None = None
        self._announced = _address(floor)
        self._remote = self._announced
        self._settled = False
        self._closed = asyncio.Event()

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(self._host, self._port))

    def set_remote(self, floor: NegotiatedFloor) -> None:
        address = _address(floor)
        if address != self._announced:
            self._announced = self._remote = address
            self._settled = False

    def send(self, messages: Iterable[bytes]) -> None:
        if self._transport is not None and self._remote is not None:
            for message in messages:
                self._transport.sendto(message, self._remote)

    async def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()
            await self._closed.wait()

    # asyncio.DatagramProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # uvloop's is no subclass

    def connection_lost(self, error: Exception | None) -> None:
        self._closed.set()

    def error_received(self, error: Exception) -> None:
        logger.debug("floor control: %s", error)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        source = (addr[0], addr[1])
        if source != self._remote or not self._settled:
            if source != self._announced and (self._settled or not _is_message(data)):
                return  # a stranger
            self._settled = True
            self._remote = source
        self._on_data(data)


class _TcpChannel:
    """One connection at a time; a peer that connects anew takes the place of its old connection."""

    def __init__(
        self,
        floor: NegotiatedFloor,
        host: str,
        port: int,
        on_data: Callable[[bytes], None],
        on_lost: Callable[[], None],
    ) -> None:
        self._host, self._port = host, port
        self._active = floor.active
        self._remote = _address(floor)
        self._on_data = on_data
        self._on_lost = on_lost
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._connecting = False
        self._early: list[bytes] = []

    async def open(self) -> None:
        if self._active:
            self._connecting = True
            self._start(self._connect())
        else:
            self._server = await asyncio.start_server(self._accept, self._host, self._port)

    def set_remote(self, floor: NegotiatedFloor) -> None:
        """A connection that stands goes on (``a=connection:existing``)."""
        self._remote = _address(floor)

    def send(self, messages: Iterable[bytes]) -> None:
        writer = self._writer
        if writer is None and self._connecting:
            self._early += messages
            return
        if writer is None or writer.is_closing():
            return
        if writer.transport.get_write_buffer_size() > MAX_BACKLOG:
            writer.transport.abort()
            return
        writer.writelines(messages)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self._drop()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _drop(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None

    async def _connect(self) -> None:
        if self._remote is None:
            return
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                reader, writer = await asyncio.open_connection(*self._remote)
        except (OSError, TimeoutError) as error:
            logger.info("floor control: %s does not take the connection: %s", self._remote[0], error or "no answer")
            return
        finally:
            self._connecting = False
        await self._read(reader, writer)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        if self._remote is not None and peer is not None and peer[0] != self._remote[0] and self._writer is not None:
            writer.transport.abort()  # a stranger, while the room is there
            return
        self._start(self._read(reader, writer))

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._writer is not None:
            self._drop()
            self._on_lost()
        self._writer = writer
        writer.writelines(self._early)
        self._early.clear()
        try:
            with contextlib.suppress(OSError):
                while data := await reader.read(4096):
                    if self._writer is not writer:
                        return
                    self._on_data(data)
        finally:
            writer.transport.abort()
        if self._writer is writer:
            self._writer = None
            self._on_lost()


def _address(floor: NegotiatedFloor) -> tuple[str, int] | None:
    # Port 9 stands for "I shall connect" (RFC 8856 section 7).
    return None if floor.remote_host is None else (floor.remote_host, floor.remote_port)


def _is_message(data: bytes) -> bool:
    try:
        parse_header(data)
    except BfcpError:
        return False
    return True
