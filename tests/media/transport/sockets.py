"""A peer on the loopback interface."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

Address = tuple[str, int]

PATIENCE = 5.0


class Peer(asyncio.DatagramProtocol):
    """Sends, and waits for what comes."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[tuple[bytes, Address]] = asyncio.Queue()
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.received.put_nowait((data, addr))

    @property
    def address(self) -> Address:
        address: Address = self.transport.get_extra_info("sockname")
        return address

    def send(self, data: bytes, port: int) -> None:
        self.transport.sendto(data, (self.address[0], port))

    async def next(self) -> bytes:
        """The next datagram."""
        async with asyncio.timeout(PATIENCE):
            return (await self.received.get())[0]


@asynccontextmanager
async def peer(port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[Peer]:
    """A peer on a port of its own."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(Peer, local_addr=(host, port))
    yield protocol
    transport.close()


class Box:
    """Takes datagrams, and waits for them."""

    def __init__(self) -> None:
        self.items: list[bytes] = []
        self._changed = asyncio.Event()

    def put(self, data: bytes) -> None:
        self.items.append(data)
        self._changed.set()

    async def until(self, data: bytes) -> None:
        """Wait for this datagram."""
        async with asyncio.timeout(PATIENCE):
            while data not in self.items:
                self._changed.clear()
                await self._changed.wait()
