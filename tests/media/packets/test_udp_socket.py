"""Datagrams in batches over the loopback interface."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from mcu.media.packets import UdpSocket

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture(params=["127.0.0.1", "::1"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as one, socket.socket(family, socket.SOCK_DGRAM) as two:
        for each in (one, two):
            each.bind((request.param, 0))
            each.setblocking(False)
        yield one, two


def address(of: socket.socket) -> tuple[str, int]:
    host, port = of.getsockname()[:2]
    return host, port


def everything(receiver: UdpSocket) -> list[tuple[bytes, tuple[str, int]]]:
    found = []
    while batch := receiver.receive():
        found += batch
    return found


def test_runs_of_any_lengths_arrive_whole_and_in_order(pair: Pair) -> None:
    one, two = pair
    lengths = [1200] * 70 + [100, 1200, 1200, 3, 4, 4, 4, 1, 900, 2048]
    packets = [bytes([index]) * length for index, length in enumerate(lengths)]
    assert UdpSocket(one.fileno()).send(packets, address(two)) == len(packets)
    assert everything(UdpSocket(two.fileno())) == [(packet, address(one)) for packet in packets]


def test_sources_are_told_apart(pair: Pair) -> None:
    one, two = pair
    with socket.socket(one.family, socket.SOCK_DGRAM) as third:
        third.bind((one.getsockname()[0], 0))
        for index in range(4):
            (one if index % 2 else third).sendto(bytes([index]), two.getsockname())
        got = everything(UdpSocket(two.fileno()))
        assert got == [(bytes([index]), address(one if index % 2 else third)) for index in range(4)]


def test_nothing_there_is_an_empty_batch_and_what_is_too_long_is_dropped(pair: Pair) -> None:
    one, two = pair
    receiver = UdpSocket(two.fileno())
    assert receiver.receive() == []
    UdpSocket(one.fileno()).send([bytes(2049), b"short"], address(two))
    assert everything(receiver) == [(b"short", address(one))] and receiver.cut == 1


@pytest.mark.parametrize("to", [("localhost", 5), ("127.0.0.1", 0), ("::1", 70_000), ("", 1)])
def test_what_is_no_address_is_told(pair: Pair, to: tuple[str, int]) -> None:
    with pytest.raises((ValueError, OverflowError)):
        UdpSocket(pair[0].fileno()).send([b"x"], to)


def test_a_closed_socket_is_an_error() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        packets = UdpSocket(udp.fileno())
    with pytest.raises(OSError):
        packets.receive()
    with pytest.raises(OSError):
        UdpSocket(-1)
