"""RTP and RTCP sockets of a room: where packets come from, where they go, and who is not heard."""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from mcu.media.transport.pacer import LEAST_PART
from mcu.media.transport.plain_port import PlainPort
from tests.media.transport.sockets import Box, Peer, peer
from tests.peers.ports import port_block

RTP = b"\x80\x08" + bytes(10)
OTHER_TYPE = b"\x80\x60" + bytes(10)
RTCP = b"\x80\xc9\x00\x01" + bytes(4)


@dataclass
class Line:
    """One m-line of ours."""

    number: int
    rtp: Box = field(default_factory=Box)
    rtcp: Box = field(default_factory=Box)

    def __post_init__(self) -> None:
        self.port = PlainPort(self.rtp.put, self.rtcp.put, lambda data: data[0] == 0x80 and data[1] == 8)

    async def hears(self, sender: Peer, data: bytes) -> None:
        sender.send(data, self.number)
        await self.rtp.until(data)


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    line = Line(port_block(2)[0])
    await line.port.open("127.0.0.1", line.number)
    yield line
    await line.port.close()


def packet(number: int) -> bytes:
    return RTP + bytes([number])


async def test_media_go_where_the_description_says_until_packets_tell_better(line: Line) -> None:
    async with peer() as announced, peer() as real:
        line.port.send_rtp([packet(0)])  # nowhere yet
        line.port.set_remote(announced.address, symmetric=True, rtcp_mux=False)
        line.port.send_rtp([packet(1), packet(2)])
        assert (await announced.next(), await announced.next()) == (packet(1), packet(2))

        await line.hears(real, packet(3))
        line.port.send_rtp([packet(4)])
        assert await real.next() == packet(4)
    assert line.port.strangers == 0


async def test_a_settled_address_is_not_taken_over_by_a_stranger(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with peer() as announced, peer() as stranger:
        line.port.set_remote(announced.address, symmetric=True, rtcp_mux=False)
        await line.hears(announced, packet(1))
        stranger.send(packet(2), line.number)
        stranger.send(packet(3), line.number)
        await line.hears(announced, packet(4))
        assert line.rtp.items == [packet(1), packet(4)]
        line.port.send_rtp([packet(5)])
        assert await announced.next() == packet(5)
    assert line.port.strangers == 2
    assert len([record for record in caplog.records if "stranger" in record.message]) == 1


async def test_the_announced_address_may_take_over_from_who_was_quicker(line: Line) -> None:
    async with peer() as announced, peer() as quicker:
        line.port.set_remote(announced.address, symmetric=True, rtcp_mux=False)
        await line.hears(quicker, packet(1))
        await line.hears(announced, packet(2))
        line.port.send_rtp([packet(3)])
        assert await announced.next() == packet(3)


async def test_only_what_the_room_could_have_sent_settles_an_address(line: Line) -> None:
    async with peer() as announced, peer() as stranger:
        line.port.set_remote(announced.address, symmetric=True, rtcp_mux=False)
        line.port._receive(OTHER_TYPE, stranger.address)
        line.port._receive(b"x" * 30, stranger.address)
        assert line.port.strangers == 2
        await line.hears(announced, packet(1))


async def test_without_symmetric_rtp_only_the_announced_address_counts(line: Line) -> None:
    async with peer() as announced, peer() as other:
        line.port.set_remote(announced.address, symmetric=False, rtcp_mux=False)
        other.send(packet(1), line.number)
        await line.hears(announced, packet(2))
        assert line.rtp.items == [packet(2)] and line.port.strangers == 1


async def test_a_new_address_in_a_description_starts_anew(line: Line) -> None:
    async with peer() as first, peer() as second, peer() as third:
        line.port.set_remote(first.address, symmetric=True, rtcp_mux=False)
        await line.hears(second, packet(1))
        line.port.set_remote(first.address, symmetric=True, rtcp_mux=False)  # a refresh un-settles nothing
        line.port.send_rtp([packet(2)])
        assert await second.next() == packet(2)

        line.port.set_remote(third.address, symmetric=True, rtcp_mux=False)
        line.port.send_rtp([packet(3)])
        assert await third.next() == packet(3)

        line.port.set_remote(None, symmetric=True, rtcp_mux=False)  # hold
        line.port.send_rtp([packet(4)])
        line.port.send_rtcp([RTCP])
        line.port.set_remote(third.address, symmetric=True, rtcp_mux=False)
        line.port.send_rtp([packet(5)])
        assert await third.next() == packet(5)


async def test_rtcp_has_the_port_above(line: Line) -> None:
    block = port_block(2)
    async with peer(block[0]) as rtp, peer(block[1]) as rtcp:
        line.port.set_remote(rtp.address, symmetric=True, rtcp_mux=False)
        line.port.send_rtcp([RTCP])
        assert await rtcp.next() == RTCP
        rtcp.send(RTCP, line.number + 1)
        await line.rtcp.until(RTCP)
    assert line.rtp.items == []


async def test_rtcp_is_answered_where_it_came_from(line: Line) -> None:
    async with peer() as rtp, peer() as rtcp:
        line.port.set_remote(rtp.address, symmetric=True, rtcp_mux=False)
        rtcp.send(RTCP, line.number + 1)
        await line.rtcp.until(RTCP)
        await line.hears(rtp, packet(1))  # settles RTP, and leaves what is known of RTCP
        line.port.send_rtcp([RTCP])
        assert await rtcp.next() == RTCP


async def test_rtcp_of_an_unknown_host_is_not_heard(line: Line) -> None:
    line.port._receive_rtcp(RTCP, ("192.0.2.66", 4001))
    line.port.set_remote(("192.0.2.9", 4000), symmetric=True, rtcp_mux=False)
    line.port._receive_rtcp(RTCP, ("192.0.2.66", 4001))
    assert line.rtcp.items == [] and line.port.strangers == 2


@pytest.mark.parametrize("mux", [False, True])
async def test_who_shares_the_rooms_host_does_not_report_for_it(line: Line, mux: bool) -> None:
    async with peer() as room, peer() as reports, peer() as other:
        # Behind NAT: of the room's address only the host is as announced.
        line.port.set_remote((room.address[0], 9), symmetric=True, rtcp_mux=mux)
        sender, number = (room, line.number) if mux else (reports, line.number + 1)
        await line.hears(room, packet(1))
        sender.send(RTCP, number)
        await line.rtcp.until(RTCP)
        for _ in range(3):
            other.send(RTCP + RTCP, number)
        sender.send(RTCP * 3, number)
        await line.rtcp.until(RTCP * 3)
        assert line.rtcp.items == [RTCP, RTCP * 3] and line.port.strangers == 3
        line.port.send_rtcp([RTCP])
        assert await sender.next() == RTCP


async def test_the_announced_address_may_report_after_somebody_was_quicker(line: Line) -> None:
    block = port_block(2)
    async with peer(block[0]) as rtp, peer(block[1]) as rtcp, peer() as quicker:
        line.port.set_remote(rtp.address, symmetric=True, rtcp_mux=False)
        quicker.send(RTCP, line.number + 1)
        await line.rtcp.until(RTCP)
        rtcp.send(RTCP * 2, line.number + 1)
        await line.rtcp.until(RTCP * 2)
        line.port.send_rtcp([RTCP])
        assert await rtcp.next() == RTCP


async def test_muxed_rtcp_shares_the_rtp_port(line: Line) -> None:
    async with peer() as room:
        line.port.set_remote(room.address, symmetric=True, rtcp_mux=True)
        line.port.send_rtcp([RTCP])
        assert await room.next() == RTCP
        room.send(RTCP, line.number)
        await line.rtcp.until(RTCP)
        await line.hears(room, packet(1))
    assert line.rtp.items == [packet(1)]


@pytest.mark.parametrize("offset", [0, 1])
async def test_a_taken_port_is_told_and_nothing_stays_bound(offset: int) -> None:
    first = port_block(2)[0]
    line = Line(first)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", first + offset))
        with pytest.raises(OSError) as caught:
            await line.port.open("127.0.0.1", first)
        assert caught.value.errno == errno.EADDRINUSE
    again = Line(first)
    await again.port.open("127.0.0.1", first)
    await again.port.close()
    await line.port.close()


async def test_packets_of_a_settled_peer_come_as_runs_and_all_others_alone() -> None:
    told: list[object] = []
    port = PlainPort(
        lambda data: told.append(data), lambda data: told.append(("rtcp", data)), lambda data: data[1] == 8,
        on_other=lambda component, data, source: told.append(("other", data)), on_rtp_run=told.append,
    )  # fmt: skip
    mine, stranger = ("192.0.2.1", 5000), ("192.0.2.2", 5000)
    port.set_remote(mine, symmetric=True, rtcp_mux=True)
    port._receive_batch([(packet(1), mine), (packet(2), mine), (packet(3), mine)])
    assert told == [packet(1), [packet(2), packet(3)]]
    told.clear()
    stun = bytes(20)
    mixed = [(packet(4), mine), (stun, mine), (packet(5), mine), (packet(6), stranger), (RTCP, mine), (packet(7), mine)]
    port._receive_batch([*mixed, (b"", mine), (packet(8), mine)])
    assert told == [
        [packet(4)], ("other", stun), [packet(5)], ("rtcp", RTCP), [packet(7)], b"", [packet(8)],
    ]  # fmt: skip
    assert port.strangers == 1
    port.set_remote(stranger, symmetric=True, rtcp_mux=True)
    told.clear()
    port._receive_batch([(packet(9), mine), (packet(10), mine)])
    assert told == [packet(9), [packet(10)]]


async def test_reports_beside_rtp_wait_for_no_picture_that_is_paced(line: Line) -> None:
    async with peer() as room:
        line.port.set_remote(room.address, symmetric=True, rtcp_mux=True)
        line.port.follow(100_000)
        line.port.send_rtp([packet(number) for number in range(9)])
        line.port.send_rtp([packet(100)], ahead=True)
        line.port.send_rtcp([RTCP])
        got = [await room.next() for _ in range(11)]
    # Behind what has left before, and before all that waits.
    assert got[LEAST_PART : LEAST_PART + 2] == [packet(100), RTCP]
