"""The relay between real sockets: both directions pass, each client has a way back of its own, and loss is loss."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from bench.network_path import Conditions
from bench.relay import HOST, Relay


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind((HOST, 0))
        made.setblocking(False)
        yield made


def client() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((HOST, 0))
    made.setblocking(False)
    return made


async def receive(one: socket.socket) -> tuple[bytes, tuple[str, int]]:
    async with asyncio.timeout(5):
        return await asyncio.get_running_loop().sock_recvfrom(one, 2048)


def test_datagrams_pass_both_ways_and_each_client_gets_its_own(server: socket.socket) -> None:
    async def scenario() -> None:
        relay = Relay(1, up=Conditions(delay=0.001))
        front = (HOST, relay.add_port(server.getsockname()))
        with client() as one, client() as other:
            for sender, text in ((one, b"one"), (other, b"other")):
                sender.sendto(text, front)
            for _ in range(2):
                text, way = await receive(server)
                server.sendto(b"to " + text, way)
            assert await receive(one) == (b"to one", front)
            assert await receive(other) == (b"to other", front)
        relay.close()

    asyncio.run(scenario())


def test_a_pair_leads_to_two_neighbouring_ports(server: socket.socket) -> None:
    async def scenario() -> None:
        relay = Relay(1)
        host, number = server.getsockname()
        first = relay.add_pair((host, number - 1))
        with client() as one:
            one.sendto(b"report", (HOST, first + 1))
            assert (await receive(server))[0] == b"report"
        relay.close()

    asyncio.run(scenario())


def test_a_client_comes_from_another_address_and_the_one_before_leads_nowhere(server: socket.socket) -> None:
    async def scenario() -> None:
        relay = Relay(1)
        passed: list[tuple[bytes, tuple[str, int]]] = []
        relay.tap = lambda data, way, target: passed.append((data, way.getsockname()))
        front = (HOST, relay.add_port(server.getsockname()))
        with client() as one:
            one.sendto(b"first", front)
            _, before = await receive(server)
            relay.rebind()
            one.sendto(b"second", front)
            _, after = await receive(server)
            assert after != before and passed == [(b"first", before), (b"second", after)]
            back: list[bytes] = []
            relay.tap_down = back.append
            server.sendto(b"lost", before)
            server.sendto(b"found", after)
            assert await receive(one) == (b"found", front) and back == [b"found"]
        relay.close()

    asyncio.run(scenario())


def test_what_is_lost_does_not_come(server: socket.socket) -> None:
    async def scenario() -> None:
        relay = Relay(1, up=Conditions(loss=1.0))
        front = (HOST, relay.add_port(server.getsockname()))
        with client() as one:
            for _ in range(10):
                one.sendto(b"lost", front)
            while relay.up.lost < 10:
                await asyncio.sleep(0)
            relay.change(Conditions())
            one.sendto(b"found", front)
            assert (await receive(server))[0] == b"found"
        relay.close()

    asyncio.run(scenario())
