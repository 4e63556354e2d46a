"""The product's transport and forwarding in a process of its own, for ``bench forward``.

``python -m bench.forward_server HOST`` takes a line of JSON for each who joins and answers with one: a worker's browser
port, handshake and compiled forwarding as in a conference, without the conference.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time

import uvloop
from aiortc.rtcdtlstransport import RTCCertificate

from bench.forward_publisher import CLOCK_RATE, NTP_EPOCH, PAYLOAD_TYPE
from mcu.media.rtp.feedback import PictureLossIndication
from mcu.media.rtp.rtcp import (
    ReceiverReport,
    ReportBlock,
    SenderReport,
    SourceDescription,
    serialise_compound,
)
from mcu.media.transport.browser_port import BrowserEndpoint, BrowserPort
from mcu.media.transport.dtls import DtlsSession
from mcu.media.transport.ice_lite import IceLiteAgent

OUTLET_SSRC = 0x10000001
OWN_SSRC = 0x10000002
REPORT_EVERY = 1.0
# As often as a worker looks for lost packets and asks for key frames.
LOOK_EVERY = 0.02


class Leg:
    """Somebody who joined: a sender when ``ssrc`` is given, or else a receiver."""

    def __init__(self, port: BrowserPort, certificate: RTCCertificate, asked: dict[str, str], ssrc: int | None) -> None:
        self.agent = IceLiteAgent(secrets.token_hex(4), secrets.token_hex(12), asked["ufrag"])
        self.ssrc = ssrc
        self.endpoint: BrowserEndpoint = port.add(self.agent, self)
        fingerprint = (asked["algorithm"], asked["fingerprint"])
        self._dtls = DtlsSession(certificate, [fingerprint], "server", self.endpoint.send_dtls)

    async def begin(self, sender: Leg | None) -> None:
        """Handshake, then media."""
        await self._dtls.handshake()
        keys = self._dtls.keys()
        assert keys is not None
        self.endpoint.set_keys(*keys)
        media, peer = self.endpoint.media, self.endpoint.peer
        if self.ssrc is not None:
            media.open_source(peer, self.ssrc, "H264", CLOCK_RATE, deliver=False)
        elif sender is not None and sender.ssrc is not None:
            media.open_outlet(peer, OUTLET_SSRC, PAYLOAD_TYPE, secrets.randbelow(1 << 15))
            media.route(peer, OUTLET_SSRC, (sender.endpoint.peer, sender.ssrc))

    def dtls_received(self, data: bytes) -> None:
        self._dtls.receive_dtls(data)

    def rtp_received(self, packet: bytes) -> None: ...

    def rtcp_received(self, packet: bytes) -> None: ...

    def report(self, now: float) -> None:
        """RTCP of the second."""
        media, peer = self.endpoint.media, self.endpoint.peer
        if self.ssrc is not None:
            _, _, lost, recovered, _, highest, _, _ = media.source_statistics(peer, self.ssrc)
            block = ReportBlock(self.ssrc, 0, lost - recovered, highest, 0)
            report = serialise_compound([ReceiverReport(OWN_SSRC, (block,)), SourceDescription(((OWN_SSRC, "c"),))])
        else:
            packets, octets, _, _, timestamp, sent, _ = media.outlet_statistics(peer, OUTLET_SSRC)
            stamp = (timestamp + int((now - sent) * CLOCK_RATE)) & 0xFFFFFFFF
            ntp = int((time.time() + NTP_EPOCH) * (1 << 32))
            sender = SenderReport(OUTLET_SSRC, ntp, stamp, packets, octets)
            report = serialise_compound([sender, SourceDescription(((OUTLET_SSRC, "c"),))])
        self.endpoint.send_rtcp([report])


class ForwardServer:
    """All who joined, on one port."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._port = BrowserPort(time.monotonic)
        self._certificate = RTCCertificate.generateCertificate()
        self._sender: Leg | None = None
        self._ready: list[Leg] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, port: int) -> None:
        await self._port.open(self._host, port)
        self._number = port
        self._tasks.add(asyncio.create_task(self._look_after()))

    def join(self, asked: dict[str, str]) -> dict[str, str | int]:
        leg = Leg(self._port, self._certificate, asked, int(asked["ssrc"]) if asked.get("ssrc") else None)
        if leg.ssrc is not None:
            self._sender = leg
        task = asyncio.create_task(self._begin(leg))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        fingerprint = self._certificate.getFingerprints()[0]
        return {
            "host": self._host, "port": self._number, "ufrag": leg.agent.local_ufrag,
            "password": leg.agent.local_password, "algorithm": fingerprint.algorithm, "fingerprint": fingerprint.value,
        }  # fmt: skip

    async def _begin(self, leg: Leg) -> None:
        await leg.begin(self._sender)
        self._ready.append(leg)

    async def _look_after(self) -> None:
        next_report = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_EVERY)
            now = time.monotonic()
            if self._sender is not None and self._sender in self._ready and self._sender.ssrc is not None:
                self._look_at(self._sender, self._sender.ssrc, now)
            if now >= next_report:
                next_report += REPORT_EVERY
                for leg in self._ready:
                    leg.report(now)

    def _look_at(self, sender: Leg, ssrc: int, now: float) -> None:
        media = sender.endpoint.media
        media.requests(sender.endpoint.peer, ssrc, now, 0.1)
        waiting = any(
            leg.ssrc is None and media.outlet_statistics(leg.endpoint.peer, OUTLET_SSRC)[6] for leg in self._ready[-1:]
        )
        if waiting:
            sender.endpoint.send_rtcp(
                [serialise_compound([ReceiverReport(OWN_SSRC), PictureLossIndication(OWN_SSRC, ssrc)])]
            )


async def main(host: str, port: int) -> None:
    """Serve until the input ends."""
    server = ForwardServer(host)
    await server.open(port)
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        print(json.dumps(server.join(json.loads(line))), flush=True)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2])))
