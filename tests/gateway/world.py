"""A SIP gateway between a manager on a fake media worker and a user agent that remembers what it was told."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from mcu.conference.door.hashing import Cost, Hasher
from mcu.conference.door.rooms import MemoryRooms
from mcu.conference.manager import ConferenceManager
from mcu.conference.model import Participant
from mcu.conference.settings import ConferenceSettings
from mcu.gateway.call_admission import CallAdmission
from mcu.gateway.media_addresses import MediaAddresses
from mcu.gateway.rtp_ports import RtpPorts
from mcu.gateway.sip_commands import SipCommands
from mcu.gateway.sip_gateway import SipGateway
from mcu.gateway.tls_stream import TlsIdentity
from mcu.media.spec import LegSpec, PlainTransport
from sip.errors import CallStateError
from sip.events import IncomingCall
from sip.flow import Flow
from sip.local_networks import LocalNetworks
from sip.sdp.grammar import SessionDescription, parse
from sip.sdp.security import Encryption
from sip.warning import Warning
from tests.fakes.media import FakeMedia
from tests.fakes.time import FakeTime

FIRST_PORT, PAIRS = 20_000, 10

OFFER = (
    "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
    "m=audio 30000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n"
    "m=video 30002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    "a=fmtp:96 profile-level-id=42e01f;packetization-mode=1\r\na=sendrecv\r\n"
)
SOUND_ONLY = OFFER.partition("m=video")[0] + "m=video 0 RTP/AVP 96\r\n"
HOLD = OFFER.replace("a=sendrecv", "a=sendonly")
MALFORMED = "m=audio"
USELESS = OFFER.replace("PCMA/8000", "G728/8000").replace("RTP/AVP 8", "RTP/AVP 15").replace(":8 ", ":15 ")
USELESS = USELESS.replace("H264", "H265")


@dataclass(frozen=True)
class Told:
    """One command to the user agent."""

    what: str
    call: str
    sdp: SessionDescription | None = field(default=None, repr=False)
    status: int = 0
    reason: str | None = None
    warning: Warning | None = None
    retry_after: int | None = None


class FakeUserAgent:
    """``SipCommands`` that remembers. Calls in ``gone`` have ended: every command for one fails."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.gone: set[str] = set()
        self.bodies: list[bytes] = []

    def accept(self, call: str, sdp: str) -> None:
        self._take(Told("accept", call, parse(sdp)))

    def reject(
        self,
        call: str,
        status: int,
        reason: str | None = None,
        warning: Warning | str | None = None,
        retry_after: int | None = None,
    ) -> None:
        assert not isinstance(warning, str)
        self._take(Told("reject", call, None, status, reason, warning, retry_after))

    def reoffer(self, call: str, sdp: str) -> None:
        self._take(Told("reoffer", call, parse(sdp)))

    def answer_reoffer(self, call: str, sdp: str) -> None:
        self._take(Told("answer_reoffer", call, parse(sdp)))

    def refuse_reoffer(
        self, call: str, status: int, reason: str | None = None, warning: Warning | str | None = None
    ) -> None:
        assert not isinstance(warning, str)
        self._take(Told("refuse_reoffer", call, None, status, reason, warning))

    def hang_up(self, call: str, reason: str | None = None) -> None:
        self._take(Told("hang_up", call, reason=reason))

    def send_info(self, call: str, content_type: str, body: bytes) -> None:
        assert b"picture_fast_update" in body or body.startswith(b"Signal=")
        self.bodies.append(body)
        self._take(Told("send_info", call, reason=content_type))

    @property
    def last(self) -> Told:
        return self.told[-1]

    def _take(self, told: Told) -> None:
        if told.call in self.gone:
            raise CallStateError(f"there is no call {told.call}")
        self.told.append(told)


@dataclass
class GatewayWorld:
    """A gateway and everything round it."""

    agent: FakeUserAgent
    media: FakeMedia
    time: FakeTime
    rooms: MemoryRooms
    manager: ConferenceManager
    ports: RtpPorts
    gateway: SipGateway

    def call(self, handle: str = "call-1", offer: str | None = OFFER, dialled: str = "1000", **more: str) -> None:
        """A room's INVITE comes in."""
        event = IncomingCall(
            call_id=handle,
            request_uri=more.get("uri") or f"sip:{dialled}@192.0.2.1",
            from_uri="sip:theatre2@192.0.2.9",
            from_name=more.get("name", "手术室 2"),
            to_uri=f"sip:{dialled}@192.0.2.1",
            user_agent="Room",
            offer=offer,
            source=Flow("udp", (more.get("source", "192.0.2.9"), 5060), ("192.0.2.1", 5060)),
            replaces=more.get("replaces", ""),
        )
        self.gateway.handle(event)

    async def connect(self, handle: str = "call-1", offer: str | None = OFFER, **more: str) -> Participant:
        """A room's call is answered; returns its participant."""
        self.call(handle, offer, **more)
        await self.settle()
        assert self.agent.last.what == "accept", self.agent.last
        return self.participants()[-1]

    async def settle(self) -> None:
        """Wait until the gateway and the manager have nothing under way."""
        async with asyncio.timeout(10):
            await self.gateway.tasks.settle()
            await self.manager.settle()

    def participants(self) -> list[Participant]:
        """Everybody in every conference."""
        return [each for conference in self.manager.conferences() for each in conference.participants]

    def leg(self) -> LegSpec:
        """The one leg that the media worker has."""
        (leg,) = self.media.only.legs
        return leg

    @property
    def taken(self) -> int:
        """Pairs of ports that are handed out."""
        return len(self.ports._taken)


def sent(description: SessionDescription | None) -> SessionDescription:
    """What went out, which is something."""
    assert description is not None
    return description


def ports_of(description: SessionDescription | None) -> list[tuple[str, int]]:
    """Medium and port of each m-line."""
    return [(media.media, media.port) for media in sent(description).media]


def version_of(description: SessionDescription | None) -> int:
    """Its number (RFC 3264 section 8)."""
    return sent(description).origin.version


def transport_of(world: GatewayWorld) -> PlainTransport:
    """Where the media of the one leg go."""
    transport = world.leg().transport
    assert isinstance(transport, PlainTransport)
    return transport


def nothing_is_left(world: GatewayWorld) -> bool:
    """Nobody in a conference, no ports taken, no call known."""
    return not world.participants() and not world.taken and not len(world.gateway.calls)


@asynccontextmanager
async def gateway_world(
    commands: SipCommands | None = None,
    public_address: str | None = None,
    media_host: str = "0.0.0.0",
    admission: CallAdmission | None = None,
    fingerprint: str | None = None,
    local_networks: Sequence[str] = (),
    encryption: Encryption = Encryption.ALLOWED,
    identity: TlsIdentity | None = None,
) -> AsyncIterator[GatewayWorld]:
    """A gateway over a fake user agent, or over ``commands``."""
    agent, media, time, rooms = FakeUserAgent(), FakeMedia(), FakeTime(), MemoryRooms()
    ids, numbers = itertools.count(1), itertools.count(1000)
    manager = ConferenceManager(
        media,
        ConferenceSettings(maximum_participants=2),
        time.clock,
        lambda: f"id{next(ids)}",
        rooms,
        pin_hasher=Hasher(Cost(log_n=4)),
    )
    ports = RtpPorts("0.0.0.0", FIRST_PORT, FIRST_PORT + 2 * PAIRS - 1, is_free=lambda host, port: True)
    gateway = SipGateway(
        commands or agent,
        manager,
        media,
        ports,
        addresses=MediaAddresses(media_host, public_address, LocalNetworks(local_networks)),
        silence_timeout=60.0,
        ids=lambda: next(numbers),
        admission=admission,
        fingerprint=fingerprint,
        encryption=encryption,
        identity=identity,
    )
    yield GatewayWorld(agent, media, time, rooms, manager, ports, gateway)
    await manager.close()
    await gateway.close()
