"""TLS, WebSocket, IPv6, DNS, keep-alives and failing servers on real sockets of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aioice import stun

from sip import connections, transport, websocket
from sip.agent import UserAgent
from sip.core import AgentSettings
from sip.events import CallAnswered, CallConfirmed, CallEnded, CallRefused, Event, IncomingCall
from sip.flow import Target
from sip.listeners import Listener
from sip.message import Request, Response, parse
from sip.names import Names
from sip.server import SipServer
from sip.tls import client_context, server_context
from sip.transport import TransportSettings
from tests.fakes.dns import DnsServer
from tests.sip.certificates import Authority
from tests.sip.network import ANSWER, SDP
from tests.sip.test_message import raw

HOST = "127.0.0.1"
DOMAIN = "hospital.test"


class Site:
    """A server that answers every call; ``async with``."""

    def __init__(
        self, *listeners: Listener, transports: TransportSettings | None = None, agent: AgentSettings | None = None
    ) -> None:
        self.agent = UserAgent(agent)
        self.server = SipServer(self.agent, listeners, self.on, transports)
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.answers = True

    def on(self, event: Event) -> None:
        self.events.put_nowait(event)
        if self.answers and isinstance(event, IncomingCall):
            self.agent.accept(event.call, ANSWER)

    async def __aenter__(self) -> Site:
        await self.server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.stop()

    def port(self, name: str) -> int:
        return next(item.port for item in self.server.listeners if item.transport == name)

    def call(self, target: str, offer: str = SDP) -> str:
        return self.agent.invite(target, offer, f"sip:a@{HOST}")

    async def next(self) -> Event:
        return await asyncio.wait_for(self.events.get(), 10)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


def secure(authority: Authority, *names: str, **changes: object) -> TransportSettings:
    issued = authority.issue(*names)
    given = {
        "server_tls": server_context(issued.certificate, issued.key),
        "client_tls": client_context(ca_file=authority.file),
    }
    return TransportSettings(**(given | changes))  # type: ignore[arg-type]


# TLS


async def test_calls_over_tls_both_ways_on_one_connection(authority: Authority) -> None:
    async with (
        Site(Listener("tls", HOST, 0), transports=secure(authority, HOST)) as one,
        Site(Listener("tls", HOST, 0), transports=secure(authority, HOST)) as two,
    ):
        call = one.call(f"sips:1000@{HOST}:{two.port('tls')}")
        incoming = await two.next()
        assert isinstance(incoming, IncomingCall) and incoming.source.transport == "tls"
        assert await one.next() == CallAnswered(call, ANSWER)
        assert isinstance(await two.next(), CallConfirmed)
        # The BYE comes back on the connection that the call came on.
        two.agent.hang_up(incoming.call)
        assert isinstance(await one.next(), CallEnded)
        one.call(f"sip:1000@{HOST}:{two.port('tls')};transport=tls")
        event = await two.next()
        while not isinstance(event, IncomingCall):
            event = await two.next()
        assert event.source == incoming.source


@pytest.mark.parametrize(
    ("names", "trusted", "verify", "outcome"),
    [
        ((HOST,), True, True, CallAnswered),
        (("other.test",), True, True, CallRefused),  # a certificate for somebody else
        ((HOST,), False, True, CallRefused),  # from an authority that we do not know
        (("other.test",), False, False, CallAnswered),  # the administrator does not care
    ],
)
async def test_whom_we_believe(
    authority: Authority, tmp_path: Path, names: tuple[str, ...], trusted: bool, verify: bool, outcome: type[Event]
) -> None:
    known = authority.file if trusted else Authority(tmp_path).file
    caller = TransportSettings(
        server_tls=secure(authority, HOST).server_tls, client_tls=client_context(ca_file=known, verify=verify)
    )
    async with (
        Site(Listener("tls", HOST, 0), transports=caller) as one,
        Site(Listener("tls", HOST, 0), transports=secure(authority, *names)) as two,
    ):
        one.call(f"sips:1000@{HOST}:{two.port('tls')}")
        assert isinstance(await one.next(), outcome)


async def test_a_peer_that_does_not_finish_its_handshake_is_cut(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "CONNECT_TIMEOUT", 0.3)
    async with Site(Listener("tls", HOST, 0), transports=secure(authority, HOST)) as site:
        reader, writer = await asyncio.open_connection(HOST, site.port("tls"))
        assert await asyncio.wait_for(reader.read(1), 5) == b""
        writer.close()


async def test_tls_without_a_certificate_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="certificate"):
        await Site(Listener("udp", HOST, 0), Listener("tls", HOST, 0)).server.start()


# WebSocket


def invite_from_browser(port: int, name: str = "WS") -> str:
    return (
        f"INVITE sip:1000@{HOST}:{port} SIP/2.0\r\n"
        f"Via: SIP/2.0/{name} df7jal23ls0d.invalid;branch=z9hG4bK56sdasks\r\n"
        "From: <sip:doctor@hospital.test>;tag=asdyka899\r\nTo: <sip:1000@hospital.test>\r\n"
        "Call-ID: asidkj3ss\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n"
        f"Contact: <sip:doctor@df7jal23ls0d.invalid;transport=ws>\r\nContent-Type: application/sdp\r\n\r\n{SDP}"
    )


async def receive(browser: aiohttp.ClientWebSocketResponse) -> Request | Response:
    return parse((await browser.receive_str(timeout=5)).encode())


async def hold_a_call(browser: aiohttp.ClientWebSocketResponse, site: Site, name: str) -> None:
    """A browser calls, without Content-Length as RFC 7118 allows, and is hung up on."""
    await browser.send_str(invite_from_browser(1, name))
    answer = await receive(browser)
    while isinstance(answer, Response) and answer.is_provisional:
        answer = await receive(browser)
    assert isinstance(answer, Response) and answer.status == 200
    assert answer.body.decode() == ANSWER
    incoming = await site.next()
    assert isinstance(incoming, IncomingCall) and incoming.source.transport == name.lower()
    assert f";transport={name.lower()}" in (answer.headers.get("Contact") or "")
    tag = answer.to_address.tag
    ack = invite_from_browser(1, name).replace("INVITE", "ACK").replace("56sdasks", "ack").partition("Contact")[0]
    await browser.send_bytes(ack.replace("1000@hospital.test>", f"1000@hospital.test>;tag={tag}").encode() + b"\r\n")
    assert isinstance(await site.next(), CallConfirmed)
    site.agent.hang_up(incoming.call)
    bye = await receive(browser)
    assert isinstance(bye, Request) and bye.method == "BYE" and bye.via.transport == name


async def test_a_browser_calls_over_websocket() -> None:
    async with Site(Listener("ws", HOST, 0)) as site, aiohttp.ClientSession() as client:
        async with client.ws_connect(f"http://{HOST}:{site.port('ws')}/", protocols=["sip"]) as browser:
            assert browser.protocol == "sip"
            await hold_a_call(browser, site, "WS")
        await site.next()


async def test_a_browser_calls_over_secure_websocket(authority: Authority) -> None:
    tls = secure(authority, HOST)
    async with Site(Listener("wss", HOST, 0), transports=tls) as site, aiohttp.ClientSession() as client:
        address = f"https://{HOST}:{site.port('wss')}/any/path"
        async with client.ws_connect(address, protocols=["sip"], ssl=tls.client_tls or True) as browser:
            await hold_a_call(browser, site, "WSS")
        await site.next()


async def test_a_web_server_lends_its_port() -> None:
    application, site = web.Application(), Site(Listener("udp", HOST, 0))
    application.router.add_get("/sip", site.server.serve_websocket)
    async with site, TestServer(application) as server:
        address = server.make_url("/sip")
        async with (
            aiohttp.ClientSession() as client,
            client.ws_connect(address, protocols=["chat", "sip"]) as browser,
        ):
            await hold_a_call(browser, site, "WS")
            await browser.send_str("\r\n\r\n")
            assert await browser.receive_str(timeout=5) == "\r\n"
            site.server.close_websockets()
            assert (await browser.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE


async def test_a_websocket_for_something_else_is_refused() -> None:
    async with Site(Listener("ws", HOST, 0)) as site, aiohttp.ClientSession() as client:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect(f"http://{HOST}:{site.port('ws')}/", protocols=["chat"])
        assert refused.value.status == 400


@pytest.mark.parametrize(
    ("origin", "host", "welcome"),
    [
        (None, "sip.hospital.test:5066", True),
        ("https://sip.hospital.test:8443", "sip.hospital.test:5066", True),
        ("https://phone.example.org", "sip.hospital.test:5066", True),
        ("https://evil.example", "sip.hospital.test:5066", False),
        ("null", "sip.hospital.test:5066", False),
        ("null", "", False),
        ("https://[::1", "[::1]:5066", False),
        ("https://[::1]", "[::1]:5066", True),
    ],
)
def test_pages_from_anywhere_may_not_connect(origin: str | None, host: str, welcome: bool) -> None:
    assert websocket.is_welcome(origin, host, ("https://phone.example.org",)) is welcome


async def test_a_foreign_page_is_refused() -> None:
    async with Site(Listener("ws", HOST, 0)) as site, aiohttp.ClientSession() as client:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect(
                f"http://{HOST}:{site.port('ws')}/", protocols=["sip"], headers={"Origin": "https://evil.example"}
            )
        assert refused.value.status == 403


async def test_websockets_are_counted_bounded_and_cut_when_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_PER_SOURCE", 1)
    monkeypatch.setattr(websocket, "MAX_SILENCE", 0.3)
    async with Site(Listener("ws", HOST, 0)) as site, aiohttp.ClientSession() as client:
        url = f"http://{HOST}:{site.port('ws')}/"
        first = await client.ws_connect(url, protocols=["sip"])
        second = await client.ws_connect(url, protocols=["sip"])
        assert (await second.receive(timeout=5)).data == 1013
        assert (await first.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE
        await client.ws_connect(url, protocols=["sip"])


async def test_a_request_that_is_refused_keeps_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "CLOSE_TIME", 0.1)
    async with Site(Listener("ws", HOST, 0)) as site:
        reader, writer = await asyncio.open_connection(HOST, site.port("ws"))
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(5):
            assert (await reader.read()).startswith(b"HTTP/1.1 400")
        writer.close()


async def test_a_message_too_large_closes_the_websocket() -> None:
    async with Site(Listener("ws", HOST, 0)) as site, aiohttp.ClientSession() as client:
        browser = await client.ws_connect(f"http://{HOST}:{site.port('ws')}/", protocols=["sip"])
        await browser.send_str("x" * 70_000)
        assert (await browser.receive(timeout=5)).data == 1009


# IPv6


@pytest.mark.parametrize("name", ["udp", "tcp"])
async def test_calls_over_ipv6_beside_ipv4_on_the_same_port(name: str) -> None:
    async with Site(Listener(name, "::1", 0), Listener(name, HOST, 0)) as one, Site(Listener(name, "::", 0)) as two:
        port = two.port(name)
        async with Site(Listener(name, "0.0.0.0", port)) as three:
            six = one.call(f"sip:1000@[::1]:{port};transport={name}")
            assert await one.next() == CallAnswered(six, ANSWER)
            incoming = await two.next()
            assert isinstance(incoming, IncomingCall) and incoming.source.local == ("::1", port)
            four = one.call(f"sip:1000@{HOST}:{port};transport={name}")
            assert await one.next() == CallAnswered(four, ANSWER)
            assert isinstance(await three.next(), IncomingCall)


async def test_an_address_of_a_family_without_listener_is_refused() -> None:
    async with Site(Listener("udp", HOST, 0)) as site:
        site.call("sip:1000@[::1]:5060")
        refused = await site.next()
        assert isinstance(refused, CallRefused) and refused.status == 503


# Names


async def test_a_domain_is_dialled_by_naptr_and_srv(authority: Authority) -> None:
    async with Site(
        Listener("tls", HOST, 0), Listener("udp", HOST, 0), transports=secure(authority, DOMAIN)
    ) as hospital:
        records = {
            DOMAIN: [
                f'NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp.{DOMAIN}.',
                f'NAPTR 20 10 "s" "SIP+D2U" "" _sip._udp.{DOMAIN}.',
            ],
            f"_sips._tcp.{DOMAIN}": [f"SRV 1 1 {hospital.port('tls')} host.{DOMAIN}."],
            f"host.{DOMAIN}": [f"A {HOST}"],
        }
        async with DnsServer(records) as dns:
            settings = secure(authority, HOST, resolver=Names([dns.address]))
            async with Site(Listener("udp", HOST, 0), Listener("tls", HOST, 0), transports=settings) as caller:
                for _ in range(2):
                    call = caller.call(f"sip:1000@{DOMAIN}")
                    assert await caller.next() == CallAnswered(call, ANSWER)
                incoming = await hospital.next()
                assert isinstance(incoming, IncomingCall) and incoming.source.transport == "tls"
                assert incoming.request_uri == f"sip:1000@{DOMAIN}"
            assert dns.asked.count(f"{DOMAIN} NAPTR") == 1


async def test_the_next_server_of_a_domain_is_tried_when_one_is_down() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))  # bound, but nobody listens
        dead = taken.getsockname()[1]
        async with Site(Listener("tcp", HOST, 0)) as hospital:
            records = {
                f"_sip._tcp.{DOMAIN}": [f"SRV 1 0 {dead} {DOMAIN}.", f"SRV 2 0 {hospital.port('tcp')} {DOMAIN}."],
                DOMAIN: [f"A {HOST}"],
            }
            async with DnsServer(records) as dns:
                settings = TransportSettings(resolver=Names([dns.address]))
                async with Site(Listener("udp", HOST, 0), Listener("tcp", HOST, 0), transports=settings) as caller:
                    call = caller.call(f"sip:1000@{DOMAIN}")
                    assert await caller.next() == CallAnswered(call, ANSWER)


async def test_a_silent_name_server_does_not_hold_a_call_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "LOCATE_TIMEOUT", 0.2)
    async with DnsServer({}, is_silent=True) as dns:
        settings = TransportSettings(resolver=Names([dns.address]))
        async with Site(Listener("udp", HOST, 0), transports=settings) as site:
            site.call(f"sip:1000@{DOMAIN}")
            refused = await site.next()
            assert isinstance(refused, CallRefused) and refused.status == 503


async def test_names_are_read_from_dns() -> None:
    records = {DOMAIN: [f"A {HOST}", "AAAA ::1"], f"_sip._udp.{DOMAIN}": ["SRV 1 2 0 ."]}
    async with DnsServer(records) as dns:
        names = Names([dns.address])
        assert await names.addresses(DOMAIN) == [HOST, "::1"]
        assert await names.addresses("localhost") != []
        (record,) = await names.srv(f"_sip._udp.{DOMAIN}")
        assert record.target == "" and record.port == 0
        assert await names.naptr(DOMAIN) == []
        assert await names.naptr("nowhere.test") == []
        assert await names.naptr("a" * 300) == []
        assert await names.addresses("..") == []
    assert await Names().addresses("a" * 300) == []
    with pytest.raises(ValueError, match="nonsense"):
        Names(["nonsense"])


# Large requests


async def test_a_large_request_to_a_peer_without_tcp_arrives_by_udp() -> None:
    async with (
        Site(Listener("udp", HOST, 0), Listener("tcp", HOST, 0)) as one,
        Site(Listener("udp", HOST, 0)) as two,
    ):
        call = one.call(f"sip:1000@{HOST}:{two.port('udp')}", SDP + "a=x:" + "y" * 1400 + "\r\n")
        assert await one.next() == CallAnswered(call, ANSWER)
        incoming = await two.next()
        assert isinstance(incoming, IncomingCall) and incoming.source.transport == "udp"


# Keep-alives and lost connections


async def test_stun_on_the_sip_port_is_answered() -> None:
    async with Site(Listener("udp", HOST, 0)) as site:
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind((HOST, 0))
            peer.setblocking(False)
            query = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
            await loop.sock_sendto(peer, bytes(query), (HOST, site.port("udp")))
            response = stun.parse_message(await asyncio.wait_for(loop.sock_recv(peer, 1024), 5))
            assert response.attributes["XOR-MAPPED-ADDRESS"] == peer.getsockname()


@contextlib.asynccontextmanager
async def recording_server(
    on_connection: Callable[[asyncio.StreamReader, asyncio.StreamWriter], None] | None = None,
) -> AsyncIterator[tuple[int, asyncio.Queue[bytes]]]:
    """A TCP server that keeps what it gets; its port and that."""
    got: asyncio.Queue[bytes] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if on_connection is not None:
            on_connection(reader, writer)
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                got.put_nowait(data)
        writer.close()

    server = await asyncio.start_server(serve, HOST, 0)
    try:
        yield server.sockets[0].getsockname()[1], got
    finally:
        server.close()


async def test_a_connection_that_we_opened_is_pinged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "CHECK_PERIOD", 0.05)
    settings = TransportSettings(keep_alive=0.2)
    async with recording_server() as (port, got), Site(Listener("tcp", HOST, 0), transports=settings) as site:
        call = site.call(f"sip:1000@{HOST}:{port};transport=tcp")
        assert (await asyncio.wait_for(got.get(), 5)).startswith(b"INVITE")
        assert await asyncio.wait_for(got.get(), 5) == b"\r\n\r\n"
        site.agent.cancel(call)


async def test_a_flow_to_the_proxy_is_kept_and_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "CHECK_PERIOD", 0.05)
    connected: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
    async with recording_server(lambda reader, writer: connected.put_nowait(writer)) as (port, _):
        settings = TransportSettings(keep_alive=0.2, proxy=Target(HOST, port, "tcp"))
        async with Site(Listener("tcp", HOST, 0), transports=settings):
            first = await asyncio.wait_for(connected.get(), 5)
            first.close()
            await asyncio.wait_for(connected.get(), 5)


async def test_a_proxy_over_udp_gets_datagrams_that_keep_the_nat_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "CHECK_PERIOD", 0.05)
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as proxy:
        proxy.bind((HOST, 0))
        proxy.setblocking(False)
        settings = TransportSettings(keep_alive=0.1, proxy=Target(HOST, proxy.getsockname()[1]))
        async with Site(Listener("udp", HOST, 0), transports=settings):
            for _ in range(2):
                assert await asyncio.wait_for(loop.sock_recv(proxy, 100), 5) == b"\r\n\r\n"


async def test_a_server_that_is_down_is_left_alone_for_a_moment() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        port = taken.getsockname()[1]
        async with Site(Listener("tcp", HOST, 0)) as site:
            site.call(f"sip:1000@{HOST}:{port};transport=tcp")
            assert isinstance(await site.next(), CallRefused)
            taken.listen()
            taken.setblocking(False)
            site.call(f"sip:1000@{HOST}:{port};transport=tcp")
            assert isinstance(await site.next(), CallRefused)
            with pytest.raises(BlockingIOError):
                taken.accept()


async def test_a_call_whose_connection_broke_goes_on_over_another() -> None:
    async with Site(Listener("tcp", HOST, 0)) as one, Site(Listener("tcp", HOST, 0)) as two:
        call = one.call(f"sip:1000@{HOST}:{two.port('tcp')};transport=tcp")
        incoming = await two.next()
        assert isinstance(incoming, IncomingCall)
        assert await one.next() == CallAnswered(call, ANSWER)
        assert isinstance(await two.next(), CallConfirmed)
        lost = asyncio.Event()
        flow_lost = one.agent.flow_lost
        one.agent.flow_lost = lambda flow, now: (lost.set(), flow_lost(flow, now))[1]  # type: ignore[method-assign, func-returns-value]
        two.server._transports.close_flow(incoming.source)
        await asyncio.wait_for(lost.wait(), 5)
        one.agent.hang_up(call)
        assert isinstance(await two.next(), CallEnded)


async def test_one_source_cannot_take_all_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_PER_SOURCE", 2)
    async with Site(Listener("tcp", HOST, 0)) as site:
        streams = [await asyncio.open_connection(HOST, site.port("tcp")) for _ in range(3)]
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(streams[2][0].readexactly(1), 5)
        streams[0][1].write_eof()
        assert await asyncio.wait_for(streams[0][0].read(), 5) == b""  # it is closed on the other side too
        reader, writer = await asyncio.open_connection(HOST, site.port("tcp"))
        writer.write(raw("OPTIONS sip:x SIP/2.0", CSeq="1 OPTIONS", Content_Length="0"))
        assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"SIP/2.0 200")
        for _, each in [*streams, (reader, writer)]:
            each.close()


def test_the_contexts_refuse_old_tls_and_missing_files(authority: Authority, tmp_path: Path) -> None:
    issued = authority.issue("old.test")
    for context in (server_context(issued.certificate, issued.key), client_context(ca_file=authority.file)):
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    with pytest.raises(OSError, match=os.strerror(2)):
        server_context(tmp_path / "none.pem", tmp_path / "none.key")
    with pytest.raises(OSError, match=os.strerror(2)):
        client_context(ca_file=tmp_path / "none.pem")
