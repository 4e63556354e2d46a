"""What goes out is paced for each receiver, and waits in order and not without end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from mcu.media.transport.pacer import BURST, MAX_WAITING, PAUSE, Pacer
from tests.media.transport.sockets import PATIENCE, Address

HERE, THERE = ("127.0.0.1", 1), ("127.0.0.1", 2)


class Kernel:
    """Has room for so many datagrams."""

    def __init__(self, room: int = 0) -> None:
        self.room = room
        self.sent: list[tuple[bytes, Address]] = []
        self.error: Exception | None = None

    def send(self, packets: Sequence[bytes], address: Address, /) -> int:
        if self.error is not None:
            raise self.error
        taken = packets[: self.room]
        self.room -= len(taken)
        self.sent += ((packet, address) for packet in taken)
        return len(taken)


async def until(kernel: Kernel, count: int) -> None:
    """So many datagrams are out. The pauses between parts are real, and short."""
    async with asyncio.timeout(PATIENCE):
        while len(kernel.sent) < count:
            await asyncio.sleep(0)


async def test_a_large_picture_goes_out_in_parts_and_what_follows_it_keeps_its_place() -> None:
    kernel = Kernel(room=1000)
    way = Pacer(kernel.send)
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


@pytest.mark.parametrize(
    ("rate", "part", "pause"), [(None, BURST, PAUSE), (1e6, 3, 0.02), (4e6, 12, 0.02), (1e9, BURST, PAUSE)]
)
async def test_what_the_network_carries_sets_the_pace(rate: float | None, part: int, pause: float) -> None:
    kernel = Kernel(room=1000)
    way = Pacer(kernel.send)
    way.follow(rate)
    loop = asyncio.get_running_loop()
    way.send([b"?"] * (part + 1), HERE)
    sent, began = len(kernel.sent), loop.time()
    assert sent == part
    await until(kernel, part + 1)
    assert loop.time() - began >= 0.9 * pause - 0.002
    way.follow(None)
    way.send([b"?"] * 10, HERE)
    assert len(kernel.sent) == part + 11
    way.close()


async def test_at_the_slowest_pace_nothing_waits_for_long() -> None:
    kernel = Kernel(room=5000)
    way = Pacer(kernel.send)
    way.follow(64_000)
    loop = asyncio.get_running_loop()
    began = loop.time()
    way.send([b"?"] * MAX_WAITING, HERE)
    async with asyncio.timeout(PATIENCE):
        while len(kernel.sent) < MAX_WAITING:
            await asyncio.sleep(0.01)
    assert loop.time() - began < 5.0
    way.close()


async def test_what_the_kernel_has_no_room_for_goes_out_later_in_order() -> None:
    kernel = Kernel(room=1)
    way = Pacer(kernel.send)
    way.send([b"1", b"2", b"3"], HERE)
    way.send([b"4"], HERE)
    assert kernel.sent == [(b"1", HERE)]
    kernel.room = 2
    await until(kernel, 3)
    kernel.room = 100
    await until(kernel, 4)
    assert kernel.sent == [(b"1", HERE), (b"2", HERE), (b"3", HERE), (b"4", HERE)]
    way.close()


async def test_no_more_waits_for_one_receiver_than_so_much() -> None:
    kernel = Kernel()
    way = Pacer(kernel.send)
    way.send([b"x"] * (MAX_WAITING + 7), HERE)
    way.send([b"y"] * 3, HERE)
    way.send([b"z"], THERE)
    assert way.dropped == 10
    kernel.room = 10 * MAX_WAITING
    await until(kernel, MAX_WAITING + 1)
    assert kernel.sent.count((b"x", HERE)) == MAX_WAITING and (b"z", THERE) in kernel.sent
    way.close()


@pytest.mark.parametrize("error", [OSError("no route"), ValueError("other family")])
async def test_a_way_that_is_closed_loses_packets_and_nothing_else(error: Exception) -> None:
    kernel = Kernel()
    way = Pacer(kernel.send)
    kernel.error = error
    way.send([b"1"], HERE)
    kernel.error, kernel.room = None, 5
    way.send([b"2"], HERE)
    assert kernel.sent == [(b"2", HERE)] and way.dropped == 0
    way.close()


async def test_what_waits_when_it_closes_is_dropped() -> None:
    kernel = Kernel()
    way = Pacer(kernel.send)
    way.send([b"waits"], HERE)
    way.close()
    kernel.room = 5
    await asyncio.sleep(2 * PAUSE)
    assert kernel.sent == []


async def test_reports_do_not_wait_behind_a_picture_nor_lose_their_order() -> None:
    kernel = Kernel(room=1000)
    way = Pacer(kernel.send)
    way.follow(100_000)
    picture = [bytes([index]) for index in range(20)]
    way.send(picture, HERE)
    waiting = len(kernel.sent)
    way.send_at_once([b"report", b"request"], HERE)
    assert 0 < waiting < 20
    assert [data for data, _ in kernel.sent[waiting:]] == [b"report", b"request"]
    await until(kernel, 22)
    assert [data for data, _ in kernel.sent if data in picture] == picture
    way.close()


async def test_what_is_sent_again_waits_for_nothing_and_what_is_too_much_goes_next() -> None:
    kernel = Kernel(room=1000)
    way = Pacer(kernel.send)
    way.follow(100_000)
    way.send([bytes([index]) for index in range(20)], HERE)
    before = len(kernel.sent)
    way.send_ahead([b"again"], HERE)
    assert kernel.sent[before:] == [(b"again", HERE)]
    way.send_ahead([b"%d" % index for index in range(BURST + 2)], HERE)
    assert len(kernel.sent) == before + 1 + BURST
    await until(kernel, before + 1 + BURST + 2)
    assert [data for data, _ in kernel.sent[before + 1 + BURST :][:2]] == [b"24", b"25"]
    way.close()


async def test_reports_that_the_kernel_has_no_room_for_are_the_next_to_go() -> None:
    kernel = Kernel()
    way = Pacer(kernel.send)
    way.send([b"picture"], HERE)
    way.send_at_once([b"report"], HERE)
    way.send_at_once([b"other"], THERE)
    kernel.room = 10
    await until(kernel, 3)
    assert [data for data, to in kernel.sent if to == HERE] == [b"report", b"picture"]
    assert (b"other", THERE) in kernel.sent and way.dropped == 0
    way.close()


async def test_what_goes_ahead_counts_among_what_may_wait() -> None:
    kernel = Kernel()
    way = Pacer(kernel.send)
    way.send([b"x"] * (MAX_WAITING - 1), HERE)
    way.send_ahead([b"first", b"second"], HERE)
    assert way.dropped == 1
    way.close()
