"""Rooms that are in a call with the server as any other, and whose media are plain sockets: they cost next to nothing.

The calls are made by the product's own signalling; what is sent and received on the sockets is ``bench.traffic``.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import socket
from dataclasses import dataclass

from mcu.gateway.rtp_ports import RtpPorts
from mcu.gateway.sip_media import RoomMedia, local_media
from mcu.media.transport.sockets import bound_udp_socket
from sip import events
from sip.agent import UserAgent
from sip.core import AgentSettings
from sip.errors import CallStateError
from sip.listeners import Listener
from sip.sdp.capabilities import LocalCapabilities
from sip.sdp.grammar import parse
from sip.sdp.negotiation import accept_answer, make_offer
from sip.server import SipServer

HOST = "127.0.0.1"
ANSWER_TIMEOUT = 20.0
_PORTS = (40_000, 49_999)


class CallFailed(Exception):
    """The server refused a call."""


@dataclass(frozen=True)
class PictureCall:
    """A call with one picture each way: where it goes, the payload type that we send, and what was agreed on."""

    name: str
    udp: socket.socket
    remote: tuple[str, int]
    payload_type: int
    profile: str


class Caller:
    """One user agent for all the rooms. ``close`` ends the calls."""

    def __init__(self) -> None:
        self._agent = UserAgent(AgentSettings(product="Consilium benchmark", contact_user="bench"))
        self._server = SipServer(
            self._agent, [Listener("udp", HOST, 0), Listener("tcp", HOST, 0)], on_event=self._handle
        )
        self._answers: dict[str, asyncio.Future[str]] = {}
        self._calls: list[tuple[str, socket.socket]] = []
        first = random.SystemRandom().randrange(_PORTS[0], _PORTS[1] - 1000)
        self._ports = RtpPorts(HOST, first, _PORTS[1])

    async def start(self) -> None:
        """Open the signalling sockets."""
        await self._server.start()

    async def call(self, target: str, name: str, capabilities: LocalCapabilities) -> PictureCall:
        """Dial with a picture and no sound. Raises CallFailed."""
        port = self._ports.take()
        media = RoomMedia(HOST, HOST, audio_port=0, video_port=port, audio_ssrc=1, video_ssrc=1)
        udp = bound_udp_socket(HOST, port)
        offer = make_offer(capabilities, local_media(media), session_id=secrets.randbits(31), version=1)
        handle = self._agent.invite(target, str(offer), f"sip:{name.replace(' ', '-')}@{HOST}", name)
        self._calls.append((handle, udp))
        answered = self._answers[handle] = asyncio.get_running_loop().create_future()
        async with asyncio.timeout(ANSWER_TIMEOUT):
            session = accept_answer(offer, parse(await answered), capabilities)
        video = session.video
        if video is None or video.remote_host is None:
            raise CallFailed(f"{name}: the server takes no picture")
        codec = video.send_codec
        return PictureCall(
            name,
            udp,
            (video.remote_host, video.remote_port),
            codec.payload_type,
            codec.parameters.get("profile-level-id", ""),
        )

    async def close(self) -> None:
        """Hang up everywhere and close the sockets."""
        for handle, udp in self._calls:
            with contextlib.suppress(CallStateError):  # the server has hung up before
                self._agent.hang_up(handle)
            udp.close()
        self._calls.clear()
        await self._server.stop()

    def _handle(self, event: events.Event) -> None:
        match event:
            case events.CallAnswered(answer=body) if event.call in self._answers:
                self._resolve(event.call, body)
            case events.CallRefused(status=status, reason=reason) if event.call in self._answers:
                answered = self._answers[event.call]
                if not answered.done():
                    answered.set_exception(CallFailed(f"{status} {reason}"))

    def _resolve(self, call: str, body: str | None) -> None:
        answered = self._answers[call]
        if answered.done():
            return
        if body is None:
            answered.set_exception(CallFailed("an answer without a session description"))
        else:
            answered.set_result(body)
