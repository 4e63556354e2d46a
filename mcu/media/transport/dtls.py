"""DTLS-SRTP of one browser leg, or of one m-line of a room (RFC 5764), on aiortc's handshake.

aiortc's transport runs the handshake and derives the keys; media packets then go past it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from aiortc.rtcdtlstransport import (
    SRTP_PROFILES,
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    SRTPProtectionProfile,
    State,
)
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from mcu.media.packets import Srtp
from mcu.media.transport.srtp_numbers import Sources

logger = logging.getLogger(__name__)

# A handshake is a dozen datagrams; more than this waiting means that somebody floods us.
MAX_WAITING = 64

_SUITES = {
    b"SRTP_AEAD_AES_256_GCM": "AEAD_AES_256_GCM",
    b"SRTP_AEAD_AES_128_GCM": "AEAD_AES_128_GCM",
    b"SRTP_AES128_CM_SHA1_80": "AES_CM_128_HMAC_SHA1_80",
}


# Our certificate is an ECDSA one. A peer may have one of RSA all the same, also where it is the server.
_CIPHERS = b":".join(
    b"ECDHE-%s-%s" % (kind, cipher)
    for cipher in (b"AES128-GCM-SHA256", b"CHACHA20-POLY1305", b"AES256-GCM-SHA384", b"AES128-SHA", b"AES256-SHA")
    for kind in (b"ECDSA", b"RSA")
)
_DTLS_1_2 = 0xFEFD  # RFC 6347; nothing older is taken (RFC 8996, RFC 8827 section 6.5)


class DtlsError(Exception):
    """The handshake failed or the peer closed the association."""


class _Certificate(RTCCertificate):
    """Ours, for associations with all that may come."""

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        context = super()._create_ssl_context(srtp_profiles)
        context.set_cipher_list(_CIPHERS)
        context.set_min_proto_version(_DTLS_1_2)
        # Asked only where the handshake begins with ``DTLSv1_listen``.
        context.set_cookie_generate_callback(lambda connection: connection.get_app_data() or b"")
        context.set_cookie_verify_callback(lambda connection, cookie: cookie == connection.get_app_data())
        return context


def load_certificate(certificate_file: Path, private_key_file: Path) -> RTCCertificate:
    """The server's DTLS identity from two PEM files; the key must be ECDSA (RFC 8827 section 6.5)."""
    certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    key = serialization.load_pem_private_key(private_key_file.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{private_key_file}: not an ECDSA key")
    return _Certificate(key, certificate)


class _DatagramPipe:
    """What RTCDtlsTransport sees in place of an ICE transport."""

    role = "controlled"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send_datagram = send
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(MAX_WAITING)
        self._closed = False

    def put(self, data: bytes) -> None:
        if not self._waiting.full():
            self._waiting.put_nowait(data)

    def close(self) -> None:
        self._closed = True
        if self._waiting.full():
            self._waiting.get_nowait()
        self._waiting.put_nowait(None)

    async def _recv(self) -> bytes:
        data = None if self._closed and self._waiting.empty() else await self._waiting.get()
        if data is None:
            raise ConnectionError("closed")
        return data

    async def _send(self, data: bytes) -> None:
        self._send_datagram(data)


class _Transport(RTCDtlsTransport):
    """aiortc's, which may begin with a ClientHello that brings back a cookie."""

    cookie: bytes | None = None

    async def _do_handshake(self) -> None:
        if self.cookie is not None:
            assert self._ssl is not None
            try:
                self._ssl.set_app_data(self.cookie)
                self._ssl.bio_write(await self.transport._recv())
                self._ssl.DTLSv1_listen()
            except (SSL.Error, ConnectionError) as error:
                logger.debug("DTLS: a ClientHello with a cookie leads nowhere: %r", error)
                self._set_state(State.FAILED)
                return
        await super()._do_handshake()


class DtlsSession:
    """One association: handshake, then protect and unprotect.

    ``fingerprints`` are those of the peer's certificate as its SDP gave them (RFC 8122); a peer that shows another
    certificate is refused. ``cookie``: as the server, the peer's ClientHello brings it back (``DtlsCookies``).
    """

    def __init__(
        self,
        certificate: RTCCertificate,
        fingerprints: Sequence[tuple[str, str]],
        role: str,
        send: Callable[[bytes], None],
        cookie: bytes | None = None,
    ) -> None:
        self._pipe = _DatagramPipe(send)
        self._transport = _Transport(self._pipe, [certificate])  # type: ignore[arg-type]
        self._transport.cookie = cookie
        self._transport._set_role(role)
        self._parameters = RTCDtlsParameters(
            fingerprints=[RTCDtlsFingerprint(algorithm=name, value=value) for name, value in fingerprints]
        )
        self._inbound: Srtp | None = None
        self._outbound: Srtp | None = None
        self.refused_packets = 0

    @property
    def connected(self) -> bool:
        return self._outbound is not None

    async def handshake(self) -> None:
        """Run until keys are agreed. Raises DtlsError."""
        await self._transport.start(self._parameters)
        if self._transport._state is not State.CONNECTED:
            raise DtlsError("handshake failed, or the certificate is not the one that the SDP announced")
        suite, local, remote = self._agreed()
        self._inbound, self._outbound = Srtp(suite, remote, inbound=True), Srtp(suite, local, inbound=False)

    def keys(self) -> tuple[str, bytes, bytes] | None:
        """What came out: the suite's name in SDP, and master key with salt for what we send and what we get.

        None before the end of the handshake. With them a successor can go on without another handshake.
        """
        return None if self._outbound is None else self._agreed()

    def _agreed(self) -> tuple[str, bytes, bytes]:
        ssl = self._transport._ssl
        assert ssl is not None
        chosen = ssl.get_selected_srtp_profile()
        profile = next(one for one in SRTP_PROFILES if one.openssl_profile == chosen)
        size = 2 * (profile.key_length + profile.salt_length)
        material = ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", size)
        client, server = (profile.get_key_and_salt(material, index) for index in (0, 1))
        local, remote = (server, client) if self._transport._role == "server" else (client, server)
        return _SUITES[profile.openssl_profile], local, remote

    async def close(self) -> None:
        """Say goodbye (close_notify) and stop."""
        self._inbound = self._outbound = None
        await self._transport.stop()
        self._pipe.close()

    def sources(self, *, inbound: bool) -> Sources:
        """How far SRTP has come; see ``Srtp.sources``."""
        context = self._inbound if inbound else self._outbound
        return [] if context is None else context.sources()

    def receive_dtls(self, data: bytes) -> None:
        """Hand over one DTLS record datagram."""
        self._pipe.put(data)

    def unprotect_rtp(self, data: bytes) -> bytes | None:
        """SRTP to RTP; None (counted) when it does not authenticate, is a replay, or comes before the keys."""
        if self._inbound is None:
            return None
        (plain,) = self._inbound.unprotect_rtp((data,))
        self.refused_packets += plain is None
        return plain

    def unprotect_rtp_run(self, packets: Sequence[bytes]) -> list[bytes]:
        """The same of packets that came together, without those that do not come through."""
        return [] if self._inbound is None else self._done(self._inbound.unprotect_rtp(packets))

    def unprotect_rtcp(self, data: bytes) -> bytes | None:
        """SRTCP to RTCP; None (counted) as for RTP."""
        if self._inbound is None:
            return None
        (plain,) = self._inbound.unprotect_rtcp((data,))
        self.refused_packets += plain is None
        return plain

    def protect_rtp(self, packets: Sequence[bytes]) -> list[bytes]:
        """RTP to SRTP; nothing before the keys are there, and without packets that are none."""
        return [] if self._outbound is None else self._done(self._outbound.protect_rtp(packets))

    def protect_rtcp(self, packets: Sequence[bytes]) -> list[bytes]:
        """RTCP to SRTCP, as RTP."""
        return [] if self._outbound is None else self._done(self._outbound.protect_rtcp(packets))

    def _done(self, packets: list[bytes | None]) -> list[bytes]:
        done = [packet for packet in packets if packet is not None]
        self.refused_packets += len(packets) - len(done)
        return done
