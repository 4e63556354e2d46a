"""Light WebRTC clients for ``bench forward``: ICE checks and DTLS-SRTP as browsers do them, media only counted.

A client's socket is emptied a few times a second, not at each packet, so that a hundred clients leave the machine to
the server; what is in the packets is looked at in samples.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from aioice import stun
from aiortc.rtcdtlstransport import RTCCertificate

from mcu.media.packets import UdpSocket
from mcu.media.rtp.rtcp import ReceiverReport, ReportBlock, SourceDescription, serialise_compound
from mcu.media.transport.dtls import DtlsSession
from mcu.media.transport.sockets import NetworkAddress, bound_udp_socket

CONNECT_TIMEOUT = 20.0
CHECK_EVERY = 0.5
# RFC 7675: consent is asked for every five seconds.
CONSENT_EVERY = 5.0
REPORT_EVERY = 1.0
# Between two looks into a client's socket, in seconds; its buffer holds ten times as much.
DRAIN_EVERY = 0.05


@dataclass(frozen=True)
class Server:
    """The other side, as its SDP tells it."""

    address: NetworkAddress
    ufrag: str
    password: str
    fingerprint: tuple[str, str]


class Client:
    """One peer connection of ours, the DTLS client and the controlling ICE agent."""

    def __init__(self, host: str, certificate: RTCCertificate, ssrc: int) -> None:
        self._socket = bound_udp_socket(host, 0)
        self._udp = UdpSocket(self._socket.fileno())
        self._certificate = certificate
        self.ssrc = ssrc
        self.address: NetworkAddress = self._socket.getsockname()[:2]
        self.ufrag, self.password = secrets.token_hex(4), secrets.token_hex(12)
        algorithm = certificate.getFingerprints()[0]
        self.fingerprint = (algorithm.algorithm, algorithm.value)
        self.packets = self.octets = 0
        self.rtcp: list[bytes] = []
        self._server: Server | None = None
        self._dtls: DtlsSession | None = None
        self._answered = asyncio.Event()
        self._newest = b""
        self._next_consent = self._next_report = 0.0

    async def connect(self, server: Server) -> None:
        """Checks until the server answers, then the handshake. Raises TimeoutError, DtlsError."""
        self._server = server
        loop = asyncio.get_running_loop()
        self._dtls = DtlsSession(self._certificate, [server.fingerprint], "client", self._send)
        loop.add_reader(self._socket.fileno(), self.drain)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                while not self._answered.is_set():
                    self._check()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._answered.wait(), CHECK_EVERY)
                await self._dtls.handshake()
        finally:
            loop.remove_reader(self._socket.fileno())

    async def close(self) -> None:
        """Say goodbye and close the socket."""
        if self._dtls is not None:
            await self._dtls.close()
        self._socket.close()

    def send(self, packets: Sequence[bytes]) -> None:
        """RTP, encrypted and sent."""
        assert self._dtls is not None and self._server is not None
        self._udp.send(self._dtls.protect_rtp(packets), self._server.address)

    def send_rtcp(self, packet: bytes) -> None:
        """One compound packet of RTCP."""
        assert self._dtls is not None
        for protected in self._dtls.protect_rtcp([packet]):
            self._send(protected)

    def drain(self) -> None:
        """Empty the socket."""
        while batch := self._udp.receive():
            for data, _ in batch:
                self._take(data)

    def look_after(self, now: float) -> None:
        """What a receiver sends besides: consent checks, and reports on what it gets."""
        if now >= self._next_consent:
            self._next_consent = now + CONSENT_EVERY
            self._check()
        if now >= self._next_report and self._newest:
            self._next_report = now + REPORT_EVERY
            self._report()

    def newest_packet(self) -> bytes | None:
        """The packet that came last, decrypted; None when there is none, or it does not authenticate."""
        data, self._newest = self._newest, b""
        return self._dtls.unprotect_rtp(data) if self._dtls is not None and data else None

    def _take(self, data: bytes) -> None:
        first = data[0]
        if first >= 128:
            if 192 <= data[1] <= 223:
                plain = self._dtls.unprotect_rtcp(data) if self._dtls is not None else None
                if plain is not None:
                    self.rtcp.append(plain)
                return
            self.packets += 1
            self.octets += len(data)
            self._newest = data
        elif first < 4:
            self._take_stun(data)
        elif self._dtls is not None:
            self._dtls.receive_dtls(data)

    def _take_stun(self, data: bytes) -> None:
        message = stun.parse_message(data)
        if message.message_class == stun.Class.RESPONSE:
            self._answered.set()
        elif message.message_class == stun.Class.REQUEST and self._server is not None:
            response = stun.Message(
                message_method=stun.Method.BINDING,
                message_class=stun.Class.RESPONSE,
                transaction_id=message.transaction_id,
            )
            response.attributes["XOR-MAPPED-ADDRESS"] = self._server.address
            response.add_message_integrity(self.password.encode())
            response.add_fingerprint()
            self._send(bytes(response))

    def _check(self) -> None:
        assert self._server is not None
        request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{self._server.ufrag}:{self.ufrag}"
        request.attributes["PRIORITY"] = 0x6E0001FF
        request.attributes["ICE-CONTROLLING"] = 1
        request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity(self._server.password.encode())
        request.add_fingerprint()
        self._send(bytes(request))

    def _report(self) -> None:
        (sequence, _, source) = struct.unpack_from("!HII", self._newest, 2)
        block = ReportBlock(source, 0, 0, sequence, 0)
        name = SourceDescription(((self.ssrc, self.ufrag),))
        self.send_rtcp(serialise_compound([ReceiverReport(self.ssrc, (block,)), name]))

    def _send(self, data: bytes) -> None:
        assert self._server is not None
        self._udp.send([data], self._server.address)
