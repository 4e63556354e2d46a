"""How floor control messages of one call travel: a UDP port, or a stream (RFC 8855 section 6, RFC 8856)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Protocol, cast

from mcu.gateway.floor_stream import FloorStream, address_of
from mcu.gateway.tls_stream import TlsIdentity
from sip.bfcp.codec import parse_header
from sip.bfcp.errors import BfcpError
from sip.sdp.floor import NegotiatedFloor

logger = logging.getLogger(__name__)


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
    floor: NegotiatedFloor,
    host: str,
    port: int,
    on_data: Callable[[bytes], None],
    on_lost: Callable[[], None],
    identity: TlsIdentity | None = None,
) -> FloorChannel:
    """The channel that was negotiated; ``host`` and ``port`` are ours. With TLS we show ``identity``."""
    if floor.reliable:
        return FloorStream(floor, host, port, on_data, on_lost, identity)
    return _UdpChannel(floor, host, port, on_data)


class _UdpChannel(asyncio.DatagramProtocol):
    """Answers to where messages come from: rooms sit behind NAT. The first real message settles that."""

    def __init__(self, floor: NegotiatedFloor, host: str, port: int, on_data: Callable[[bytes], None]) -> None:
        self._host, self._port = host, port
        self._on_data = on_data
        self._transport: asyncio.DatagramTransport | None = None
        self._announced = address_of(floor)
        self._remote = self._announced
        self._settled = False
        self._closed = asyncio.Event()

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(self._host, self._port))

    def set_remote(self, floor: NegotiatedFloor) -> None:
        address = address_of(floor)
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


def _is_message(data: bytes) -> bool:
    try:
        parse_header(data)
    except BfcpError:
        return False
    return True
