"""One who sends and one with slots, on a port, without the network between."""

from __future__ import annotations

import socket

from mcu.media.forwarding.outlets import LegOutlets
from mcu.media.forwarding.published import PublishedSource
from mcu.media.forwarding.sources import LegSources
from mcu.media.packets import MediaPort, Srtp
from mcu.media.rtp.clock import NtpClock
from mcu.media.rtp.packet import RtpPacket
from mcu.media.rtp.rtcp import (
    RtcpPacket,
    parse_compound,
)
from tests.media.forwarding.browsers import MID, leg, video, vp8

SUITE = "AEAD_AES_128_GCM"


class Ends:
    """One who sends under 11 and one with slots, without the network between: what is sent goes into the port."""

    def __init__(self) -> None:
        self.udp = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
        for one in self.udp:
            one.bind(("127.0.0.1", 0))
            one.setblocking(False)
        self.port = MediaPort(self.udp[0].fileno())
        self.told: dict[str, list[RtcpPacket]] = {"sender": [], "receiver": []}
        peers = [self.port.open_peer(), self.port.open_peer()]
        for peer, udp in zip(peers, self.udp[1:], strict=True):
            self.port.set_keys(peer, SUITE, bytes(28), bytes(28))
            self.port.set_addresses(peer, [udp.getsockname()], udp.getsockname())
        self.out, self.inbound = Srtp(SUITE, bytes(28), inbound=False), Srtp(SUITE, bytes(28), inbound=True)
        self.sources = LegSources(
            self.port, peers[0], leg("ann", 1), self._to("sender"), lambda media: None, lambda media: None
        )
        self.outlets = LegOutlets(
            self.port, peers[1], "bob", self._to("receiver"), lambda ssrc: 100, NtpClock(0.0, 1e9)
        )

    def _to(self, name: str):  # type: ignore[no-untyped-def]
        return lambda datagrams: self.told[name].extend(one for data in datagrams for one in parse_compound(data))

    def send(self, number: int, now: float, *, key: bool = False, size: int = 0) -> None:
        """A picture in one packet, with so many octets besides."""
        packet = RtpPacket(
            96, number, number * 3000, 11, vp8(number, key=key) + bytes(size), True, extensions={MID: b"0"}
        ).serialise()
        if not self.sources.layers()[0]:
            self.sources.receive("video", packet, now)
        (protected,) = self.out.protect_rtp([packet])
        assert protected is not None
        self.udp[1].sendto(protected, self.udp[0].getsockname())
        self.port.receive(now)

    def got(self) -> list[RtpPacket]:
        found: list[RtpPacket] = []
        while True:
            try:
                (plain,) = self.inbound.unprotect_rtp([self.udp[2].recv(2048)])
            except BlockingIOError:
                return found
            if plain is not None:
                found.append(RtpPacket.parse(plain))

    def show(self) -> PublishedSource:
        self.outlets.update([video(2100), video(2102)])
        source = self.sources.layers()[0]
        assert source is not None
        self.outlets.route(0, (self.sources, source))
        return source
