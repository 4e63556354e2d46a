"""Browsers over real sockets: connectivity checks, DTLS, SRTP, and pictures that nobody has to decode."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from aiortc.rtcdtlstransport import RTCCertificate

from mcu.media.conference_media import ConferenceMedia
from mcu.media.facts import Fact
from mcu.media.leg_transport import BrowserAccess
from mcu.media.rtp.packet import RtpPacket
from mcu.media.rtp.rtcp import PictureLossIndication, RtcpPacket, parse_compound, serialise_compound
from mcu.media.spec import AudioSpec, CodecSpec, ConferenceSpec, LegSpec, VideoSpec, WebRtcTransport
from mcu.media.transport.browser_port import BrowserPort
from mcu.media.transport.dtls import DtlsSession
from tests.media.picture.material import FONT
from tests.media.transport.checks import PASSWORD, check
from tests.media.transport.sockets import Peer
from tests.peers.ports import port_block

OPUS = CodecSpec(name="opus", payload_type=111, clock_rate=48000, channels=2)
VP8 = CodecSpec(name="VP8", payload_type=96, clock_rate=90000)
H264 = CodecSpec(name="H264", payload_type=102, clock_rate=90000, parameters={"packetization-mode": "1"})
SILENCE = b"\xf8\xff\xfe"
"""An Opus frame without sound."""
REPEAT = 97
MID, RID, REPAIRED, LEVEL = 1, 2, 3, 4
RIDS = ("q", "h", "f")
SIZES = {"q": 100, "h": 500, "f": 1100}
"""Octets of a picture of each layer, without what a VP8 payload begins with."""
HEIGHTS = {"q": 180, "h": 360, "f": 720}
FEEDBACK = frozenset({"nack", "pli", "remb"})
PATIENCE = 10.0

Told = TypeVar("Told", bound=RtcpPacket)


def video(ssrc: int, codec: CodecSpec = VP8, *, receive: bool = True, rids: tuple[str, ...] = ()) -> VideoSpec:
    return VideoSpec(
        receive=receive,
        send_codec=codec,
        receive_codecs=(codec,),
        ssrc=ssrc,
        rtx_ssrc=ssrc + 1,
        repeats={codec.payload_type: REPEAT},
        rids=rids,
        rid_id=RID if rids else None,
        repaired_rid_id=REPAIRED if rids else None,
        mid="0",
        mid_id=MID,
        max_width=320,
        max_height=180,
        feedback=FEEDBACK,
    )


def leg(
    name: str,
    number: int,
    *,
    slots: int = 2,
    forwarded: bool = True,
    codec: CodecSpec = VP8,
    rids: tuple[str, ...] = (),
    fingerprint: str = "",
) -> LegSpec:
    """A browser; its main picture goes out under 1000 times ``number``, its slots under that and 100, 102…"""
    base = 1000 * number
    return LegSpec(
        id=name,
        name=name,
        transport=WebRtcTransport(
            local_ufrag=name,
            local_password=PASSWORD,
            remote_ufrag="them",
            remote_password="p" * 24,
            fingerprints=(("sha-256", fingerprint),),
        ),
        audio=AudioSpec(send_codec=OPUS, receive_codecs=(OPUS,), ssrc=base + 50, level_id=LEVEL),
        video=video(base, codec, rids=rids),
        slots=tuple(video(base + 100 + 2 * place, codec, receive=False) for place in range(slots)),
        forwarded=forwarded,
    )


def vp8(number: int, *, key: bool, height: int = 720) -> bytes:
    """A payload in one packet with a 15-bit picture id (RFC 7741); nothing that a decoder takes."""
    head = bytes([0, 0, 0, 0x9D, 1, 0x2A]) + struct.pack("<HH", height * 16 // 9, height) if key else b"\1"
    return bytes((0x90, 0x80)) + struct.pack("!H", 0x8000 | number & 0x7FFF) + head + b"picture"


@dataclass
class Browser:
    """``packets`` and ``reports`` are what it got, decrypted, in order; ``size`` is that of pictures without layers."""

    peer: Peer
    dtls: DtlsSession
    port: int
    name: str
    packets: list[RtpPacket] = field(default_factory=list)
    reports: list[RtcpPacket] = field(default_factory=list)
    numbers: dict[int, int] = field(default_factory=dict)
    asked: dict[int, int] = field(default_factory=dict)
    codec: CodecSpec = VP8
    size: int = 20

    async def read(self) -> None:
        while True:
            data = (await self.peer.received.get())[0]
            if data[0] in range(20, 64):
                self.dtls.receive_dtls(data)
            elif data[0] >> 6 == 2 and 192 <= data[1] <= 223:
                plain = self.dtls.unprotect_rtcp(data)
                self.reports += parse_compound(plain) if plain is not None else []
            elif data[0] >> 6 == 2:
                plain = self.dtls.unprotect_rtp(data)
                if plain is not None:
                    self.packets.append(RtpPacket.parse(plain))

    def picture(
        self, ssrc: int, *, key: bool = False, rid: str | None = None, lost: bool = False, mid: str = "0"
    ) -> None:
        """Send the next picture of a source in one packet, or lose it on the way."""
        number = self.numbers[ssrc] = self.numbers.get(ssrc, 0) + 1
        packet = self.packet(ssrc, number, key=key, rid=rid, mid=mid)
        if not lost:
            self.send(packet)

    def speak(self, ssrc: int, level: int = 20, payload: bytes = SILENCE) -> None:
        """Send 20 ms of sound that is so many dB below full scale (RFC 6464)."""
        number = self.numbers[ssrc] = self.numbers.get(ssrc, 0) + 1
        told = {LEVEL: bytes([0x80 | level])}
        self.send(RtpPacket(OPUS.payload_type, number, number * 960, ssrc, payload, extensions=told))

    def packet(self, ssrc: int, number: int, *, key: bool = False, rid: str | None = None, mid: str = "0") -> RtpPacket:
        extensions = {MID: mid.encode(), **({RID: rid.encode()} if rid else {})}
        payload = self.payload(number, key, rid)
        payload_type = self.codec.payload_type
        return RtpPacket(payload_type, number, number * 3000, ssrc, payload, True, extensions=extensions)

    def payload(self, number: int, key: bool, rid: str | None) -> bytes:
        size = SIZES[rid] if rid else self.size
        if self.codec.name == "H264":
            return (b"\x65\x88" if key else b"\x41\x9a") + bytes(size)
        return vp8(number, key=key, height=HEIGHTS.get(rid or "", 720)) + bytes(size)

    def send(self, packet: RtpPacket) -> None:
        for data in self.dtls.protect_rtp([packet.serialise()]):
            self.peer.send(data, self.port)

    def report(self, *packets: RtcpPacket) -> None:
        for data in self.dtls.protect_rtcp([serialise_compound(packets)]):
            self.peer.send(data, self.port)

    def got(self, ssrc: int) -> list[RtpPacket]:
        return [packet for packet in self.packets if packet.ssrc == ssrc]

    def told(self, kind: type[Told]) -> list[Told]:
        return [packet for packet in self.reports if isinstance(packet, kind)]

    def answer(self, *ssrcs: int, rids: tuple[str, ...] = (), mid: str = "0") -> None:
        """Send a picture of each source, a key frame where one was asked for since the last."""
        for place, ssrc in enumerate(ssrcs):
            asked = sum(one.media_ssrc == ssrc for one in self.told(PictureLossIndication))
            self.picture(ssrc, key=asked > self.asked.get(ssrc, 0), rid=rids[place] if rids else None, mid=mid)
            self.asked[ssrc] = asked


class Meeting:
    """A conference with its port, and browsers that have joined it."""

    def __init__(self, conference: ConferenceMedia, port: int, fingerprint: str, facts: list[Fact]) -> None:
        self.conference = conference
        self.port = port
        self.facts = facts
        self.fingerprint = fingerprint
        self.browsers: dict[str, Browser] = {}
        self.spec = ConferenceSpec(id="meeting", revision=0, width=320, height=180)
        self._readers: list[asyncio.Task[None]] = []
        self._peers: list[Peer] = []

    async def apply(self, *legs: LegSpec, **changes: object) -> None:
        update = {"legs": legs, "revision": self.spec.revision + 1, **changes}
        self.spec = self.spec.model_copy(update=update)
        assert await self.conference.apply(self.spec) == {}

    async def until(self, done: Callable[[], object], tick: Callable[[], None] = lambda: None) -> None:
        """Let time pass, with ``tick`` 50 times a second, until something has come true."""
        async with asyncio.timeout(PATIENCE):
            while not done():
                tick()
                await asyncio.sleep(0.02)
                self.conference.handle_timer(time.monotonic())

    async def join(self, name: str, make: Callable[[str], LegSpec]) -> Browser:
        """A browser joins with the leg that ``make`` makes of its fingerprint."""
        certificate = RTCCertificate.generateCertificate()
        (print_,) = (one for one in certificate.getFingerprints() if one.algorithm == "sha-256")
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_datagram_endpoint(Peer, local_addr=("127.0.0.1", 0))
        session = DtlsSession(
            certificate, [("sha-256", self.fingerprint)], "client", lambda data: protocol.send(data, self.port)
        )
        browser = self.browsers[name] = Browser(protocol, session, self.port, name)
        self._peers.append(protocol)
        await self.apply(*self.spec.legs, make(print_.value))
        protocol.send(check(f"{name}:them", nominate=True), self.port)
        self._readers.append(asyncio.create_task(browser.read()))
        async with asyncio.timeout(PATIENCE):
            await session.handshake()
        await self.until(lambda: any(fact.kind == "leg_connected" and fact.leg == name for fact in self.facts))
        return browser

    async def leave(self) -> None:
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        await self.conference.close()
        for browser in self.browsers.values():
            await browser.dtls.close()
        for one in self._peers:
            one.transport.close()


@asynccontextmanager
async def meeting() -> AsyncIterator[Meeting]:
    """An empty conference."""
    (number,) = port_block(1)[:1]
    port = BrowserPort(time.monotonic)
    await port.open("127.0.0.1", number)
    certificate = RTCCertificate.generateCertificate()
    (print_,) = (one for one in certificate.getFingerprints() if one.algorithm == "sha-256")
    facts: list[Fact] = []
    conference = ConferenceMedia("meeting", FONT, BrowserAccess(port, certificate), facts.append)
    made = Meeting(conference, number, print_.value, facts)
    try:
        yield made
    finally:
        await made.leave()
        port.close()
