"""The server on real sockets of this machine: what the in-memory tests cannot show."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from sip import connections
from sip.agent import UserAgent
from sip.events import CallAnswered, CallRefused, Event, IncomingCall
from sip.listeners import Listener, LocalAddresses
from sip.server import SipServer
from tests.sip.network import ANSWER, SDP
from tests.sip.test_message import raw

HOST = "127.0.0.1"


class Site:
    """A server that answers every call, with what happened."""

    def __init__(self, *listeners: Listener) -> None:
        self.agent = UserAgent()
        self.server = SipServer(self.agent, listeners or [Listener("udp", HOST, 0), Listener("tcp", HOST, 0)], self.on)
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.react: Callable[[Event], None] = self.answer

    def on(self, event: Event) -> None:
        self.events.put_nowait(event)
        self.react(event)

    def answer(self, event: Event) -> None:
        if isinstance(event, IncomingCall):
            self.agent.accept(event.call, ANSWER)

    def port(self, name: str) -> int:
        return next(item.port for item in self.server.listeners if item.transport == name)

    async def next(self) -> Event:
        return await asyncio.wait_for(self.events.get(), 10)


@pytest.fixture
async def sites() -> AsyncIterator[tuple[Site, Site]]:
    one, two = Site(), Site()
    await one.server.start()
    await two.server.start()
    yield one, two
    await one.server.stop()
    await two.server.stop()


@pytest.mark.parametrize("name", ["udp", "tcp"])
@pytest.mark.parametrize("host", [HOST, "localhost"])
async def test_two_servers_call_each_other_by_address_and_by_name(
    sites: tuple[Site, Site], name: str, host: str
) -> None:
    one, two = sites
    call = one.agent.invite(f"sip:1000@{host}:{two.port(name)}", SDP, f"sip:a@{HOST}", via_transport=name)
    incoming = await two.next()
    assert isinstance(incoming, IncomingCall) and incoming.source.transport == name
    assert incoming.source.local == (HOST, two.port(name))
    assert await one.next() == CallAnswered(call, ANSWER)


async def test_the_same_connection_serves_several_calls(sites: tuple[Site, Site]) -> None:
    one, two = sites
    for _ in range(3):
        one.agent.invite(f"sip:1000@{HOST}:{two.port('tcp')};transport=tcp", SDP, f"sip:a@{HOST}")
    sources = set()
    for _ in range(3):
        event = await two.next()
        while not isinstance(event, IncomingCall):
            event = await two.next()
        sources.add(event.source)
    assert len(sources) == 1


async def test_a_name_without_address_is_a_refusal(sites: tuple[Site, Site]) -> None:
    call = sites[0].agent.invite("sip:1000@does-not-exist.invalid", SDP, f"sip:a@{HOST}")
    assert await sites[0].next() == CallRefused(call, 503, "cannot be reached")


async def test_an_application_that_fails_does_not_stop_the_server(sites: tuple[Site, Site]) -> None:
    one, two = sites

    def fail(event: Event) -> None:
        two.react = two.answer
        raise RuntimeError("the application broke")

    two.react = fail
    for _ in range(2):
        one.agent.invite(f"sip:1000@{HOST}:{two.port('udp')}", SDP, f"sip:a@{HOST}")
    assert isinstance(await one.next(), CallAnswered)


async def test_a_taken_port_raises_and_leaves_nothing_open(sites: tuple[Site, Site]) -> None:
    taken = sites[0].port("tcp")
    site = Site(Listener("udp", HOST, 0), Listener("tcp", HOST, taken))
    with pytest.raises(OSError, match="in use"):
        await site.server.start()
    assert site.server.listeners == []
    with pytest.raises(ValueError, match="carrier"):
        await Site(Listener("carrier-pigeon", HOST, 0)).server.start()


async def test_a_connection_that_talks_nonsense_is_closed(sites: tuple[Site, Site]) -> None:
    reader, writer = await asyncio.open_connection(HOST, sites[0].port("tcp"))
    writer.write(b"\r\n\r\n")
    assert await asyncio.wait_for(reader.read(2), 5) == b"\r\n"
    writer.write(raw("OPTIONS sip:x SIP/2.0", CSeq="1 OPTIONS", Content_Length="0"))
    assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"SIP/2.0 200")
    writer.write(b"x" * 50_000)
    while await asyncio.wait_for(reader.read(4096), 5):
        pass
    writer.close()


async def test_more_connections_than_allowed_are_cut(sites: tuple[Site, Site], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 1)
    _, first = await asyncio.open_connection(HOST, sites[0].port("tcp"))
    reader, second = await asyncio.open_connection(HOST, sites[0].port("tcp"))
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(1), 5)
    first.close()
    second.close()


async def test_a_listener_on_all_addresses_tells_each_peer_the_right_one() -> None:
    site = Site(Listener("udp", "0.0.0.0", 0))
    await site.server.start()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind((HOST, 0))
            peer.setblocking(False)
            loop = asyncio.get_running_loop()
            request = raw("OPTIONS sip:x SIP/2.0", CSeq="1 OPTIONS", Via="SIP/2.0/UDP h;rport;branch=z9hG4bK1")
            await loop.sock_sendto(peer, request, (HOST, site.port("udp")))
            response = await asyncio.wait_for(loop.sock_recv(peer, 4096), 5)
        assert f"Contact: <sip:consilium@{HOST}:{site.port('udp')}>".encode() in response
    finally:
        await site.server.stop()


def test_local_addresses() -> None:
    addresses = LocalAddresses()
    assert addresses.towards("192.0.2.7", "203.0.113.1") == "192.0.2.7"
    assert addresses.towards("0.0.0.0", "127.0.0.1") == "127.0.0.1"
    assert addresses.towards("0.0.0.0", "localhost") == "127.0.0.1"
    assert addresses.towards("0.0.0.0", "some.name.invalid")
    assert addresses.towards("::", "::1") == "::1"
