"""A socket on the event loop: batches in, and out."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence

import pytest

from mcu.media.transport.packet_socket import PacketSocket
from mcu.media.transport.sockets import bound_udp_socket
from tests.media.transport.sockets import PATIENCE, Address, peer


@pytest.fixture
async def udp() -> AsyncIterator[socket.socket]:
    with bound_udp_socket("127.0.0.1", 0) as udp:
        yield udp


async def test_closing_frees_the_port_at_once_and_is_final(udp: socket.socket) -> None:
    port = udp.getsockname()[1]
    way = PacketSocket(udp, lambda datagrams: None)
    way.close()
    way.close()
    async with peer() as other:
        way.send([b"late"], other.address)
        with bound_udp_socket("127.0.0.1", port) as successor:
            successor.sendto(b"next", other.address)
        assert await other.next() == b"next"


async def test_real_datagrams_come_in_as_batches_with_their_sources(udp: socket.socket) -> None:
    got: list[tuple[bytes, Address]] = []
    come = asyncio.Event()

    def take(datagrams: Sequence[tuple[bytes, Address]]) -> None:
        got.extend(datagrams)
        come.set()

    way = PacketSocket(udp, take)
    async with peer() as other, asyncio.timeout(PATIENCE):
        for index in range(5):
            other.send(bytes([index]), udp.getsockname()[1])
        while len(got) < 5:
            come.clear()
            await come.wait()
        assert got == [(bytes([index]), other.address) for index in range(5)]
        way.send([b"a", b"b"], other.address)
        assert (await other.next(), await other.next()) == (b"a", b"b")
    way.close()
