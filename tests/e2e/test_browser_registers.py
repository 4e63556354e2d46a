"""A program in a browser registers over secure WebSocket on the web port, and is called there (RFC 7118)."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import aiohttp

from sip.digest import Credentials, authorization, choose_challenge
from sip.message import Message, Request, Response, parse
from tests.peers.server import ServerProcess
from tests.sip.network import SDP

USER, PASSWORD = "4711", "Browser-Secret-7"
HOME = "sip:hospital.test"


class BrowserPhone:
    """A SIP client on a WebSocket that says no more than it must."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._cseq = 0

    async def receive(self) -> Message:
        """The next message that is no provisional response."""
        while True:
            message = parse((await self._socket.receive_str(timeout=30)).encode())
            if not isinstance(message, Response) or not message.is_provisional:
                return message

    async def register(self, credentials: Credentials | None = None) -> Response:
        """REGISTER, and again with the answer to the challenge."""
        response = await self._register("")
        challenge = choose_challenge(response.headers.get_all("WWW-Authenticate"))
        if credentials is None or challenge is None:
            return response
        value = authorization(challenge, credentials, "REGISTER", HOME, b"", "c0ffee")
        return await self._register(f"Authorization: {value}\r\n")

    async def _register(self, extra: str) -> Response:
        self._cseq += 1
        await self._socket.send_str(
            f"REGISTER {HOME} SIP/2.0\r\nVia: SIP/2.0/WSS k2p9.invalid;branch=z9hG4bKr{self._cseq}\r\n"
            f"From: <sip:{USER}@hospital.test>;tag=r\r\nTo: <sip:{USER}@hospital.test>\r\nCall-ID: reg-browser\r\n"
            f"CSeq: {self._cseq} REGISTER\r\nMax-Forwards: 70\r\nExpires: 600\r\n{extra}"
            f"Contact: <sip:{USER}@k2p9.invalid;transport=ws>\r\n\r\n"
        )
        response = await self.receive()
        assert isinstance(response, Response)
        return response

    async def answer(self, request: Request, status: str, extra: str = "", body: str = "") -> None:
        """Respond to a request."""
        names = ("Via", "From", "To", "Call-ID", "CSeq", "Record-Route")
        lines = [f"{name}: {value}" for name in names for value in request.headers.get_all(name)]
        lines = [f"{line};tag=b" if line.startswith("To:") and ";tag=" not in line else line for line in lines]
        head = "\r\n".join([f"SIP/2.0 {status}", *lines])
        await self._socket.send_str(f"{head}\r\n{extra}Content-Length: {len(body)}\r\n\r\n{body}")


async def test_a_browser_registers_and_is_called(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path) as server, aiohttp.ClientSession() as client:
        await server.login()
        await server.api("POST", "/sip-users", {"name": USER, "password": PASSWORD})
        trusted = ssl.create_default_context(cafile=str(tmp_path / "data" / "tls" / "certificate.pem"))
        address = f"{server.secure_url}/sip"
        async with client.ws_connect(address, protocols=["sip"], ssl=trusted) as socket:
            phone = BrowserPhone(socket)
            assert (await phone.register(Credentials(USER, "wrong"))).status in (401, 403)
            assert (await phone.register(Credentials(USER, PASSWORD))).status == 200

            await server.api("POST", "/conferences/1000/calls", {"targets": [USER]})
            invite = await phone.receive()
            assert isinstance(invite, Request) and invite.method == "INVITE"
            assert str(invite.uri) == f"sip:{USER}@k2p9.invalid;transport=ws" and invite.via.transport == "WSS"
            assert "UDP/TLS/RTP/SAVPF" in invite.body.decode() and "a=ice-lite" in invite.body.decode()
            await phone.answer(invite, "488 Not Acceptable Here")  # no browser's media here: the next offer is plain
            ack = await phone.receive()
            assert isinstance(ack, Request) and ack.method == "ACK"
            invite = await phone.receive()
            assert isinstance(invite, Request) and invite.method == "INVITE" and "RTP/AVPF" in invite.body.decode()
            contact = f"Contact: <sip:{USER}@k2p9.invalid;transport=ws>\r\nContent-Type: application/sdp\r\n"
            sdp = SDP.replace("192.0.2.1", "127.0.0.1").replace("RTP/AVP", "RTP/AVPF")
            await phone.answer(invite, "200 OK", contact, sdp)
            ack = await phone.receive()
            assert isinstance(ack, Request) and ack.method == "ACK"
            async with asyncio.timeout(10):
                while not (await server.api("GET", "/conferences/1000"))["participants"]:
                    await asyncio.sleep(0.1)
            (participant,) = (await server.api("GET", "/conferences/1000"))["participants"]
            await server.api("DELETE", f"/participants/{participant['id']}")
            bye = await phone.receive()
            assert isinstance(bye, Request) and bye.method == "BYE"
            await phone.answer(bye, "200 OK")
    assert "Traceback" not in server.log()
