"""The simulated room itself: one outgoing SIP call with sound and picture."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from consilium.simulated_room.camera import VirtualCamera
from consilium.simulated_room.clip import Clip
from consilium.simulated_room.identity import RoomIdentity
from consilium.simulated_room.player import ClipPlayer
from consilium.simulated_room.saver import ReceivedSaver
from consilium.simulated_room.sharing import RoomSharing
from mcu.gateway.rtp_ports import RtpPorts
from mcu.gateway.sip_media import RoomMedia, local_media, sip_leg
from mcu.media.demultiplexer import Media
from mcu.media.leg import MediaLeg
from mcu.media.leg_listener import PictureMedia
from mcu.media.spec import CameraRequest, LegSpec
from mcu.media.transport.sockets import bound_udp_socket
from mcu.media.units import CodedPicture, CodedSound
from sip import events
from sip.agent import UserAgent
from sip.core import AgentSettings
from sip.errors import CallStateError
from sip.listeners import Listener
from sip.sdp.capabilities import LocalCapabilities
from sip.sdp.floor import FloorRole
from sip.sdp.grammar import SdpError, parse
from sip.sdp.ice import LocalIce
from sip.sdp.negotiation import NotAcceptable, accept_answer, answer, make_offer
from sip.sdp.security import Encryption, LocalSecurity
from sip.sdp.session import NegotiatedSession
from sip.server import SipServer
from sip.uri import SipUri, host_port_to_text, parse_uri

logger = logging.getLogger(__name__)

ANSWER_TIMEOUT = 30.0
RTP_PORTS = (40000, 49999)

Lost = Literal["repeat", "repair", "neither"]
"""What is done about lost packets of pictures."""


class CallFailed(Exception):
    """The call did not come about; ``status`` is the SIP status where there was one."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class RoomSettings:
    """Who the room is and what it can. ``local_host`` None: the address that leads to the server.

    ``encryption`` by keys in the description or by DTLS is demanded, and covers floor control too; "none" leaves it to
    ``capabilities``. Packets of pictures that are ``lost`` are asked for again, or mended by others (forward error
    correction) as with rooms that know RTP only, or neither; with neither sound carries no earlier frames either.
    """

    name: str = "Simulated room"
    user: str = "room"
    transport: str = "udp"
    local_host: str | None = None
    capabilities: LocalCapabilities = field(default_factory=LocalCapabilities)
    rtp_ports: tuple[int, int] = RTP_PORTS
    save: Path | None = None
    dual_stream: bool = False
    floor_protocol: str = "UDP/BFCP"
    encryption: Literal["none", "sdes", "dtls"] = "none"
    lost: Lost = "repeat"

    @property
    def spoken(self) -> LocalCapabilities:
        """The capabilities with the encryption that is wanted, and what is done about lost packets."""
        capabilities = replace(self.capabilities, redundancy=self.lost != "neither")
        if self.lost != "repeat":
            capabilities = replace(capabilities, feedback=frozenset(), repair=self.lost == "repair")
        if self.encryption == "none":
            return capabilities
        return replace(capabilities, encryption=Encryption.REQUIRED, offer_method=self.encryption)


class SimulatedRoom:
    """``sharing`` is there once a room with two streams is in a call. ``on_picture``, ``on_content`` (second pictures)
    and ``on_sound`` get every access unit received, on the event loop; ``on_picture_sent`` see ``ClipPlayer``.
    ``connected`` is set when keys have come by DTLS, ``ended`` when the call is over, whoever ended it. ``reroute`` may
    change what was agreed before media flow: benchmarks lead them through a bad network.
    """

    def __init__(
        self,
        settings: RoomSettings,
        clip: Clip | None,
        *,
        on_picture: Callable[[CodedPicture], None] | None = None,
        on_sound: Callable[[CodedSound], None] | None = None,
        on_picture_sent: Callable[[int, float], None] | None = None,
        on_content: Callable[[CodedPicture], None] | None = None,
        reroute: Callable[[LegSpec], LegSpec] | None = None,
    ) -> None:
        self.settings = settings
        self.session: NegotiatedSession | None = None
        self.leg: MediaLeg | None = None
        self.ended = asyncio.Event()
        self.connected = asyncio.Event()
        self.end_reason = ""
        self.pictures_received = 0
        self.sounds_received = 0
        self.contents_received = 0
        self.camera = VirtualCamera()
        self.digits = ""
        self.sharing: RoomSharing | None = None
        self.reoffers_received = 0
        self.first_picture_at: float | None = None
        self.invited_at = 0.0
        self._clip = clip
        self._on_picture = on_picture
        self._on_sound = on_sound
        self._on_picture_sent = on_picture_sent
        self._on_content = on_content
        self._reroute = reroute or (lambda spec: spec)
        self._saver: ReceivedSaver | None = None
        self._agent = UserAgent(AgentSettings(product="Consilium simulated room", contact_user=settings.user))
        self._server: SipServer | None = None
        self._call: str | None = None
        self._answered: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._playing: asyncio.Task[None] | None = None
        self._media: RoomMedia | None = None
        self._identity = RoomIdentity()
        self._timers: asyncio.Task[None] | None = None
        self._sockets: dict[tuple[str, int], socket.socket] = {}

    async def call(self, target: str) -> None:
        """Dial a SIP URI and come back when media flow. Raises CallFailed, or OSError when no port can be had."""
        uri = parse_uri(target)
        if not isinstance(uri, SipUri):
            raise CallFailed(f"{target} is not a SIP URI")
        host = self.settings.local_host or await _address_towards(uri.host, uri.port or 5060)
        self._server = SipServer(
            self._agent, [Listener("udp", host, 0), Listener("tcp", host, 0)], on_event=self._handle
        )
        await self._server.start()
        ports = RtpPorts(host, *_shuffled(self.settings.rtp_ports))
        self._media = RoomMedia(
            bind_host=host,
            public_host=host,
            audio_port=ports.take(),
            video_port=ports.take(),
            audio_ssrc=random.SystemRandom().randrange(1, 1 << 32),
            video_ssrc=random.SystemRandom().randrange(1, 1 << 32),
            security=LocalSecurity(secrets.token_bytes(32), self._identity.fingerprint),
            ice=LocalIce(secrets.token_hex(4), secrets.token_hex(16)),
            content_port=ports.take() if self.settings.dual_stream else 0,
            content_ssrc=random.SystemRandom().randrange(1, 1 << 32),
            camera_port=ports.take(),
            camera_ssrc=random.SystemRandom().randrange(1, 1 << 32),
            floor_port=ports.take() if self.settings.dual_stream else 0,
            floor_roles=(FloorRole.CLIENT,),
            floor_protocol=self.settings.floor_protocol,
        )
        # An offerer must be ready for media before the answer comes (RFC 3264 section 5.1): the kernel keeps it for us.
        for port in filter(
            None, (self._media.audio_port, self._media.video_port, self._media.content_port, self._media.camera_port)
        ):
            for number in (port, port + 1):
                self._sockets[host, number] = bound_udp_socket(host, number)
        spoken = self.settings.spoken
        offer = make_offer(spoken, local_media(self._media), session_id=secrets.randbits(31), version=1)
        self.invited_at = time.monotonic()
        self._call = self._agent.invite(
            target,
            str(offer),
            f"sip:{self.settings.user}@{host_port_to_text(host, None)}",
            self.settings.name,
            via_transport=self.settings.transport,
        )
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                body = await self._answered
            if body is None:
                raise CallFailed("the answer has no session description")
            self.session = accept_answer(offer, parse(body), spoken)
        except (SdpError, NotAcceptable) as error:
            await self.hang_up()
            raise CallFailed(f"the answer is not usable: {error}") from error
        except TimeoutError:
            await self.hang_up()
            raise CallFailed(f"no answer in {ANSWER_TIMEOUT:.0f} s", 408) from None
        except CallFailed:
            await self.hang_up()
            raise
        await self._start_media()

    async def hang_up(self) -> None:
        """End the call and release everything. Safe to call twice."""
        for task in (self._playing, self._timers):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        if self.sharing is not None:
            await self.sharing.close()
            self.sharing = None
        if self.leg is not None:
            await self.leg.close()
            self.leg = None
        if self._server is not None:
            await self._server.stop()
            self._server = None
        if self._saver is not None:
            self._saver.close()
            self._saver = None
        while self._sockets:
            self._sockets.popitem()[1].close()
        self._identity.close()
        self.ended.set()

    async def _start_media(self) -> None:
        assert self.session is not None and self._media is not None
        spec = self._reroute(
            sip_leg(self.session, leg_id=self.settings.user, name=self.settings.name, room=self._media)
        )
        self.leg = MediaLeg(spec, self)
        if self.settings.save is not None:
            width, height = (spec.video.max_width, spec.video.max_height) if spec.video else (1280, 720)
            codecs = {codec.payload_type: codec for codec in spec.audio.receive_codecs} if spec.audio else {}
            self._saver = ReceivedSaver(self.settings.save, width, height, codecs)
        await self.leg.open(
            None, bind=lambda host, port: self._sockets.pop((host, port)), certificate=self._identity.dtls
        )
        if self.session.floor is not None:
            self.sharing = RoomSharing(
                self.session.floor, self.leg, self._media.bind_host, self._media.floor_port, self._identity.tls
            )
            await self.sharing.open()
        self._timers = asyncio.create_task(self._run_timers())
        if self._clip is not None:
            codec = spec.audio.send_codec if spec.audio is not None else None
            self._playing = asyncio.create_task(ClipPlayer(self._clip, self.leg, codec, self._on_picture_sent).run())

    async def _run_timers(self) -> None:
        while self.leg is not None:
            self.leg.handle_timer(time.monotonic())
            if self.sharing is not None:
                self.sharing.handle_timer(time.monotonic())
            await asyncio.sleep(0.01)

    def _handle(self, event: events.Event) -> None:
        match event:
            case events.CallAnswered(answer=body):
                if not self._answered.done():
                    self._answered.set_result(body)
            case events.CallRefused(status=status, reason=reason, warning=warning):
                if not self._answered.done():
                    self._answered.set_exception(CallFailed(f"{status} {reason} {warning}".strip(), status))
            case events.CallEnded(reason=reason):
                self.end_reason = reason
                self.ended.set()
            case events.ReofferReceived(call=call, offer=body):
                self.reoffers_received += 1
                self._answer_reoffer(call, body)
            case events.IncomingCall(call_id=call):
                self._agent.reject(call, 486)
            case _:
                logger.debug("room: %s", type(event).__name__)

    def _answer_reoffer(self, call: str, body: str | None) -> None:
        assert self._media is not None
        with contextlib.suppress(CallStateError):  # it has just ended
            if body is None:
                self._agent.refuse_reoffer(call, 488, "An offer is needed")
                return
            try:
                session = answer(parse(body), self.settings.spoken, local_media(self._media), session_id=1, version=2)
            except (SdpError, NotAcceptable) as error:
                self._agent.refuse_reoffer(call, 488, str(error))
                return
            self._agent.answer_reoffer(call, str(session.description))
            if self.leg is not None:
                spec = sip_leg(session, leg_id=self.settings.user, name=self.settings.name, room=self._media)
                if self.leg.can_become(spec):
                    self.leg.update(spec)

    # mcu.media.leg_listener.LegListener

    def picture_received(self, leg: MediaLeg, unit: CodedPicture, media: PictureMedia) -> None:
        if media == "content":
            self.contents_received += 1
            if self._on_content is not None:
                self._on_content(unit)
            return
        self.pictures_received += 1
        if self.first_picture_at is None:
            self.first_picture_at = time.monotonic()
        if self._saver is not None:
            self._saver.picture(unit)
        if self._on_picture is not None:
            self._on_picture(unit)

    def sound_received(self, leg: MediaLeg, unit: CodedSound) -> None:
        self.sounds_received += 1
        if self._saver is not None:
            self._saver.sound(unit)
        if self._on_sound is not None:
            self._on_sound(unit)

    def key_frame_requested(self, leg: MediaLeg, media: PictureMedia) -> None:
        """The clip has a key frame every second; that is soon enough."""

    def key_frame_overdue(self, leg: MediaLeg, media: PictureMedia) -> None:
        logger.debug("room: no key frame from the server")

    def digit_received(self, leg: MediaLeg, digit: str) -> None:
        self.digits += digit

    def camera_requested(self, leg: MediaLeg, request: CameraRequest) -> None:
        """Somebody moves the camera of this room."""
        self.camera.obey(request, time.monotonic())

    def camera_found(self, leg: MediaLeg, presets: int) -> None:
        logger.info("room: the camera at the far end can be moved")

    def media_flowing(self, leg: MediaLeg, media: Media) -> None:
        logger.info("room: %s comes in", media)

    def leg_connected(self, leg: MediaLeg) -> None:
        """The keys of all its streams are there."""
        self.connected.set()

    def leg_silent(self, leg: MediaLeg, seconds: float) -> None:
        logger.info("room: nothing has come in for %.0f s", seconds)

    def leg_failed(self, leg: MediaLeg, reason: str) -> None:
        logger.error("room: %s", reason)


async def _address_towards(host: str, port: int) -> str:
    """The local address from which packets to a host leave. Raises CallFailed for an unknown host."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_DGRAM)
    except OSError as error:
        raise CallFailed(f"{host}: {error.strerror}") from error
    family, kind, _, _, address = found[0]
    with socket.socket(family, kind) as probe:
        probe.connect(address)  # sends nothing, only asks the routing table
        return str(probe.getsockname()[0])


def _shuffled(ports: tuple[int, int]) -> tuple[int, int]:
    """Start somewhere in the range, so that several rooms on one machine do not try the same ports."""
    first, last = ports
    return random.SystemRandom().randrange(first, (first + last) // 2), last
