"""A socket on the event loop: what goes out is paced, and waits in order and not without end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence

import pytest

from mcu.media.transport.packet_socket import BURST, MAX_WAITING, PacketSocket
from mcu.media.transport.sockets import bound_udp_socket
from tests.media.transport.sockets import PATIENCE, Address, peer

HERE, THERE = ("127.0.0.1", 1), ("127.0.0.1", 2)


class Kernel:
    """Has room for so many datagrams."""

    def __init__(self, room: int = 0) -> None:
        self.room = room
        self.sent: list[tuple[bytes, Address]] = []
        self.error: Exception | None = None

    def receive(self) -> list[tuple[bytes, Address]]:
        return []

    def send(self, packets: Sequence[bytes], address: Address, /) -> int:
        if self.error is not None:
            raise self.error
        taken = packets[: self.room]
        self.room -= len(taken)
        self.sent += ((packet, address) for packet in taken)
        return len(taken)


@pytest.fixture
async def udp() -> AsyncIterator[socket.socket]:
    with bound_udp_socket("127.0.0.1", 0) as udp:
        yield udp


async def until(kernel: Kernel, count: int) -> None:
    """So many datagrams are out. The pauses between parts are real, and short."""
    async with asyncio.timeout(PATIENCE):
        while len(kernel.sent) < count:
            await asyncio.sleep(0)


async def test_a_large_picture_goes_out_in_parts_and_what_follows_it_keeps_its_place(udp: socket.socket) -> None:
    kernel = Kernel(room=1000)
    way = PacketSocket(udp, lambda datagrams: None, kernel)
    picture = [bytes([index]) for index in range(2 * BURST + 1)]
    way.send(picture, HERE)
    way.send([b"next"], HERE)
    assert [data for data, _ in kernel.sent] == picture[:BURST]
    way.send([b"other"], THERE)  # another receiver has its own pace
    assert kernel.sent[-1] == (b"other", THERE)
    await until(kernel, len(picture) + 2)
    assert [data for data, to in kernel.sent if to == HERE] == [*picture, b"next"]
    way.send([b"later"], HERE)
    assert kernel.sent[-1] == (b"later", HERE)
    way.close()


async def test_what_the_kernel_has_no_room_for_goes_out_later_in_order(udp: socket.socket) -> None:
    kernel = Kernel(room=1)
    way = PacketSocket(udp, lambda datagrams: None, kernel)
    way.send([b"1", b"2", b"3"], HERE)
    way.send([b"4"], HERE)
    assert kernel.sent == [(b"1", HERE)]
    kernel.room = 2
    await until(kernel, 3)
    kernel.room = 100
    await until(kernel, 4)
    assert kernel.sent == [(b"1", HERE), (b"2", HERE), (b"3", HERE), (b"4", HERE)]
    way.close()


async def test_no_more_waits_for_one_receiver_than_so_much(udp: socket.socket) -> None:
    kernel = Kernel()
    way = PacketSocket(udp, lambda datagrams: None, kernel)
    way.send([b"x"] * (MAX_WAITING + 7), HERE)
    way.send([b"y"] * 3, HERE)
    way.send([b"z"], THERE)
    assert way.dropped == 10
    kernel.room = 10 * MAX_WAITING
    await until(kernel, MAX_WAITING + 1)
    assert kernel.sent.count((b"x", HERE)) == MAX_WAITING and (b"z", THERE) in kernel.sent
    way.close()


@pytest.mark.parametrize("error", [OSError("no route"), ValueError("other family")])
async def test_a_way_that_is_closed_loses_packets_and_nothing_else(udp: socket.socket, error: Exception) -> None:
    kernel = Kernel()
    way = PacketSocket(udp, lambda datagrams: None, kernel)
    kernel.error = error
    way.send([b"1"], HERE)
    kernel.error, kernel.room = None, 5
    way.send([b"2"], HERE)
    assert kernel.sent == [(b"2", HERE)] and way.dropped == 0
    way.close()


async def test_closing_frees_the_port_at_once_and_is_final(udp: socket.socket) -> None:
    port = udp.getsockname()[1]
    way = PacketSocket(udp, lambda datagrams: None, kernel := Kernel())
    way.send([b"waits"], HERE)
    way.close()
    way.close()
    way.send([b"late"], HERE)
    kernel.room = 5
    with bound_udp_socket("127.0.0.1", port):
        await asyncio.sleep(0)
    assert kernel.sent == []


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
