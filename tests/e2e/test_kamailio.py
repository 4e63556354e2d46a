"""Kamailio between us and the world: our outbound proxy over each transport, and the edge that browsers reach us by."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from sip.agent import UserAgent
from sip.core import AgentSettings
from sip.events import CallAnswered, CallConfirmed, CallEnded, Event, IncomingCall
from sip.listeners import Listener
from sip.server import SipServer
from sip.tls import client_context, server_context
from sip.transport import TransportSettings
from sip.uri import SipUri, parse_uri
from tests.peers.baresip_endpoint import BaresipEndpoint
from tests.peers.kamailio_proxy import HOST, Kamailio
from tests.peers.server import ServerProcess
from tests.sip.certificates import Authority
from tests.sip.network import ANSWER, SDP

DOMAIN = "hospital.test"


class Site:
    """A user agent on sockets that answers every call."""

    def __init__(self, authority: Authority, proxy: str | None = None) -> None:
        uri = None if proxy is None else parse_uri(proxy)
        assert uri is None or isinstance(uri, SipUri)
        issued = authority.issue(HOST)
        listeners = [Listener(name, HOST, 0) for name in ("udp", "tcp", "tls")]
        transports = TransportSettings(
            server_tls=server_context(issued.certificate, issued.key),
            client_tls=client_context(ca_file=authority.file),
        )
        self.agent = UserAgent(AgentSettings(outbound_proxy=uri))
        self.server = SipServer(self.agent, listeners, self._on, transports)
        self._events: asyncio.Queue[Event] = asyncio.Queue()

    def _on(self, event: Event) -> None:
        self._events.put_nowait(event)
        if isinstance(event, IncomingCall):
            self.agent.accept(event.call, ANSWER)

    async def __aenter__(self) -> Site:
        await self.server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.stop()

    def port(self, transport: str) -> int:
        return next(item.port for item in self.server.listeners if item.transport == transport)

    async def next(self) -> Event:
        return await asyncio.wait_for(self._events.get(), 30)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


def kamailio(folder: Path, authority: Authority, server: str) -> Kamailio:
    issued = authority.issue(HOST)
    return Kamailio(
        folder,
        domain=DOMAIN,
        server=server,
        certificate=issued.certificate,
        key=issued.key,
        authority=authority.file,
    )


@pytest.mark.parametrize("ended_by", ["caller", "callee"])
@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_a_call_through_the_outbound_proxy(
    tmp_path: Path, authority: Authority, transport: str, ended_by: str
) -> None:
    async with Site(authority) as far, kamailio(tmp_path, authority, "sip:none.invalid") as proxy:
        port = proxy.tls_port if transport == "tls" else proxy.port
        async with Site(authority, f"sip:{HOST}:{port};transport={transport};lr") as us:
            target = f"sip:1000@{HOST}:{far.port(transport)};transport={transport}"
            call = us.agent.invite(target, SDP, f"sip:us@{DOMAIN}")
            incoming = await far.next()
            assert isinstance(incoming, IncomingCall) and incoming.source.transport == transport
            assert await us.next() == CallAnswered(call, ANSWER)
            assert isinstance(await far.next(), CallConfirmed)
            if ended_by == "caller":
                us.agent.hang_up(call)
                assert isinstance(await far.next(), CallEnded)
            else:
                far.agent.hang_up(incoming.call)
                assert isinstance(await us.next(), CallEnded)


def offer_of_a_room() -> str:
    return SDP.replace("192.0.2.1", HOST)


def browser_request(method: str, cseq: int, to: str, branch: str, uri: str, extra: str = "", body: str = "") -> str:
    return (
        f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/WS nx8dk2.invalid;branch=z9hG4bK{branch}\r\n"
        f"From: <sip:doctor@{DOMAIN}>;tag=b1\r\nTo: {to}\r\nCall-ID: from-a-browser\r\nCSeq: {cseq} {method}\r\n"
        f"Max-Forwards: 70\r\nContact: <sip:doctor@nx8dk2.invalid;transport=ws>\r\n{extra}"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    )


def header(message: str, name: str) -> list[str]:
    lines = (line.partition(":") for line in message.split("\r\n"))
    return [value.strip() for key, _, value in lines if key.strip().lower() == name.lower()]


async def final(browser: aiohttp.ClientWebSocketResponse) -> str:
    """The next message that is no provisional response."""
    while True:
        message = await browser.receive_str(timeout=30)
        if not message.startswith("SIP/2.0 1"):
            return message


async def dial_and_confirm(browser: aiohttp.ClientWebSocketResponse) -> str:
    """INVITE room 1000 of the hospital and ACK its answer; the answer."""
    uri = f"sip:1000@{DOMAIN}"
    content = "Content-Type: application/sdp\r\n"
    await browser.send_str(browser_request("INVITE", 1, f"<{uri}>", "i", uri, content, offer_of_a_room()))
    answer = await final(browser)
    assert answer.startswith("SIP/2.0 200"), answer
    await browser.send_str(in_dialog("ACK", 1, "a", answer))
    return answer


def in_dialog(method: str, cseq: int, branch: str, answer: str) -> str:
    target = header(answer, "Contact")[0].partition("<")[2].partition(">")[0]
    routes = "".join(
        f"Route: {route.strip()}\r\n"
        for value in reversed(header(answer, "Record-Route"))
        for route in reversed(value.split(","))
    )
    return browser_request(method, cseq, header(answer, "To")[0], branch, target, routes)


@pytest.mark.parametrize("behind", ["udp", "tcp", "tls"])
async def test_a_browser_dials_a_room_through_the_websocket_edge(
    tmp_path: Path, authority: Authority, behind: str
) -> None:
    issued = authority.issue(HOST)
    settings = {
        "sip.certificate_file": issued.certificate,
        "sip.private_key_file": issued.key,
        "sip.tls_ca_file": authority.file,
    }
    async with ServerProcess(tmp_path, settings) as server:
        port = server.sip_tls_port if behind == "tls" else server.sip_port
        async with (
            kamailio(tmp_path, authority, f"sip:{HOST}:{port};transport={behind}") as edge,
            aiohttp.ClientSession() as client,
            client.ws_connect(f"http://{HOST}:{edge.ws_port}/", protocols=["sip"]) as browser,
        ):
            answer = await dial_and_confirm(browser)
            assert "m=audio" in answer
            await server.login()
            (conference,) = (await server.api("GET", "/conferences"))["conferences"]
            (participant,) = conference["participants"]
            # The BYE of the server finds its way back through the edge, to a browser that has no address.
            await server.api("DELETE", f"/participants/{participant['id']}")
            bye = await final(browser)
            assert bye.startswith("BYE sip:doctor@nx8dk2.invalid"), bye


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_call_out_follows_the_path_of_a_registration(
    tmp_path: Path, authority: Authority, transport: str
) -> None:
    """RFC 3327: the edge stands in the way of who registers through it, and of calls to it."""
    async with ServerProcess(tmp_path) as server:
        await server.login()
        await server.api("POST", "/sip-users", {"name": "4711", "password": "Ward-Secret-9"})
        async with (
            kamailio(tmp_path, authority, f"sip:{HOST}:{server.sip_port};transport=udp") as edge,
            BaresipEndpoint(
                tmp_path / "room", user="4711", password="Ward-Secret-9", registrar=DOMAIN, transport=transport,
                proxy=f"sip:{HOST}:{edge.port};transport={transport}", answers=True,
            ) as room,
        ):  # fmt: skip
            async with asyncio.timeout(30):
                while "passes on REGISTER" not in edge.log() or "200 OK" not in room.log():
                    await asyncio.sleep(0.1)
            await server.api("POST", "/conferences/1000/calls", {"targets": ["4711"]})
            async with asyncio.timeout(30):
                while not (await server.api("GET", "/conferences/1000"))["participants"]:
                    await asyncio.sleep(0.1)
            assert "passes on INVITE sip:4711" in edge.log()
            (participant,) = (await server.api("GET", "/conferences/1000"))["participants"]
            await server.api("DELETE", f"/participants/{participant['id']}")
            async with asyncio.timeout(30):
                while "session closed" not in room.log().lower():
                    await asyncio.sleep(0.1)
        assert "Traceback" not in server.log()


async def test_a_browser_dials_a_room_on_the_web_port(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path) as server, aiohttp.ClientSession() as client:
        address = f"{server.secure_url}/sip"
        async with client.ws_connect(address, protocols=["sip"], ssl=False) as browser:
            answer = await dial_and_confirm(browser)
            assert f"@{HOST}:{server.https_port};transport=wss>" in header(answer, "Contact")[0]
            await browser.send_str(in_dialog("BYE", 2, "b", answer))
            assert (await final(browser)).startswith("SIP/2.0 200")
