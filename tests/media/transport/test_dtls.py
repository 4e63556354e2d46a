"""Two associations joined in memory: the right certificate, keys both ways, nothing twice."""

from __future__ import annotations

import asyncio
import datetime
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from aiortc.rtcdtlstransport import RTCCertificate, SRTPProtectionProfile
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

from consilium.certificates import Identity, ensure_identity
from mcu.media.transport.dtls import MAX_WAITING, DtlsError, DtlsSession, _Certificate, load_certificate

NOW = datetime.datetime.now(datetime.UTC)
RTCP = bytes.fromhex("80c9000100000001")


@pytest.fixture(scope="module")
def identities(tmp_path_factory: pytest.TempPathFactory) -> tuple[Identity, Identity]:
    folder = tmp_path_factory.mktemp("tls")
    return ensure_identity(folder / "server", [], NOW), ensure_identity(folder / "browser", [], NOW)


def certificate(identity: Identity) -> RTCCertificate:
    return load_certificate(identity.certificate_file, identity.private_key_file)


def rtp(sequence: int) -> bytes:
    return struct.pack("!BBHII", 0x80, 96, sequence, 0, 1) + b"payload"


@dataclass
class Pair:
    """Server and browser, each other's datagrams going straight across."""

    server: DtlsSession
    browser: DtlsSession
    datagrams: list[bytes]

    async def connect(self) -> list[BaseException | None]:
        """Both handshakes; what came of each."""
        async with asyncio.timeout(10):
            return await asyncio.gather(self.server.handshake(), self.browser.handshake(), return_exceptions=True)


def join(identities: tuple[Identity, Identity], told: str | None = None) -> Pair:
    """``told`` is what the server was told of the browser's fingerprint, if not the truth."""
    server, browser = identities
    datagrams: list[bytes] = []

    def to_browser(data: bytes) -> None:
        datagrams.append(data)
        pair.browser.receive_dtls(data)

    def to_server(data: bytes) -> None:
        datagrams.append(data)
        pair.server.receive_dtls(data)

    pair = Pair(
        DtlsSession(certificate(server), [("sha-256", told or browser.fingerprint)], "server", to_browser),
        DtlsSession(certificate(browser), [("sha-256", server.fingerprint)], "client", to_server),
        datagrams,
    )
    return pair


@pytest.fixture
async def pair(identities: tuple[Identity, Identity]) -> AsyncIterator[Pair]:
    pair = join(identities)
    yield pair
    await pair.browser.close()
    await pair.server.close()


async def test_media_are_protected_both_ways(pair: Pair) -> None:
    assert await pair.connect() == [None, None]
    assert pair.server.connected and pair.browser.connected
    for sender, receiver in ((pair.server, pair.browser), (pair.browser, pair.server)):
        (protected,) = sender.protect_rtp([rtp(1)])
        assert b"payload" not in protected
        assert receiver.unprotect_rtp(protected) == rtp(1)
        (report,) = sender.protect_rtcp([RTCP])
        assert receiver.unprotect_rtcp(report) == RTCP
    assert pair.server.refused_packets == pair.browser.refused_packets == 0
    assert all(20 <= datagram[0] <= 63 for datagram in pair.datagrams)  # RFC 7983: DTLS


async def test_a_replay_and_a_forgery_are_refused_and_counted(pair: Pair) -> None:
    await pair.connect()
    (packet,), (report,) = pair.browser.protect_rtp([rtp(7)]), pair.browser.protect_rtcp([RTCP])
    assert pair.server.unprotect_rtp(packet) == rtp(7)
    assert pair.server.unprotect_rtp(packet) is None
    assert pair.server.unprotect_rtcp(report) == RTCP
    assert pair.server.unprotect_rtcp(report) is None
    (other,) = pair.browser.protect_rtp([rtp(8)])
    assert pair.server.unprotect_rtp(other[:-1] + bytes([other[-1] ^ 1])) is None
    for nonsense in (b"", b"\x80", rtp(9), bytes(1500)):
        assert pair.server.unprotect_rtp(nonsense) is None
        assert pair.server.unprotect_rtcp(nonsense) is None
    assert pair.server.refused_packets == 11
    assert pair.server.unprotect_rtp(other) == rtp(8)


async def test_before_the_keys_there_is_nothing_to_send_or_to_read(pair: Pair) -> None:
    assert not pair.server.connected
    assert pair.server.protect_rtp([rtp(1)]) == pair.server.protect_rtcp([RTCP]) == []
    assert pair.server.unprotect_rtp(rtp(1)) is None and pair.server.unprotect_rtcp(RTCP) is None
    assert pair.server.refused_packets == 0


async def test_another_certificate_than_announced_is_refused(identities: tuple[Identity, Identity]) -> None:
    pair = join(identities, told=":".join(["AB"] * 32))
    results = await pair.connect()
    assert isinstance(results[0], DtlsError) and "certificate" in str(results[0])
    assert not pair.server.connected
    assert pair.server.protect_rtp([rtp(1)]) == []
    await pair.browser.close()
    await pair.server.close()


@pytest.fixture(scope="module")
def rsa_certificate() -> RTCCertificate:
    """A peer's own, as older devices have it and as browsers make it where a page asks for it."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "peer")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 7, NOW, NOW + datetime.timedelta(days=2))
    # With the ciphers that we offer ourselves; its own class has those of ECDSA alone.
    return _Certificate(cast(ec.EllipticCurvePrivateKey, key), made.sign(key, hashes.SHA256()))


@pytest.mark.parametrize("our_role", ["server", "client"])
async def test_a_peer_may_have_an_rsa_certificate(
    identities: tuple[Identity, Identity], rsa_certificate: RTCCertificate, our_role: str
) -> None:
    server, peer, wrong = await against(identities[0], rsa_certificate, our_role)
    assert wrong == [None, None]
    (protected,) = peer.protect_rtp([rtp(1)])
    assert server.unprotect_rtp(protected) == rtp(1)
    await peer.close()
    await server.close()


@pytest.mark.parametrize("our_role", ["server", "client"])
async def test_the_fingerprint_of_an_rsa_certificate_counts_as_well(
    identities: tuple[Identity, Identity], rsa_certificate: RTCCertificate, our_role: str
) -> None:
    server, peer, wrong = await against(identities[0], rsa_certificate, our_role, told=":".join(["AB"] * 32))
    assert isinstance(wrong[0], DtlsError) and not server.connected and server.keys() is None
    await peer.close()
    await server.close()


async def test_nothing_older_than_dtls_1_2_is_taken(identities: tuple[Identity, Identity]) -> None:
    old = certificate(identities[1])
    make = old._create_ssl_context

    def make_old(srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        context = make(srtp_profiles)
        context.set_min_proto_version(0xFEFF)
        context.set_max_proto_version(0xFEFF)
        context.set_cipher_list(b"ALL:@SECLEVEL=0")
        return context

    old._create_ssl_context = make_old  # type: ignore[method-assign]
    told = [[("sha-256", identity.fingerprint)] for identity in identities]
    server = DtlsSession(certificate(identities[0]), told[1], "server", lambda data: peer.receive_dtls(data))
    peer = DtlsSession(old, told[0], "client", server.receive_dtls)
    trying = asyncio.create_task(peer.handshake())
    with pytest.raises(DtlsError):
        await asyncio.wait_for(server.handshake(), 10)
    trying.cancel()
    await server.close()


async def against(
    ours: Identity, theirs: RTCCertificate, our_role: str, told: str | None = None
) -> tuple[DtlsSession, DtlsSession, list[BaseException | None]]:
    """We and a peer with this certificate, and what came of the handshakes."""
    fingerprint = next(one.value for one in theirs.getFingerprints() if one.algorithm == "sha-256")
    server = DtlsSession(
        certificate(ours), [("sha-256", told or fingerprint)], our_role, lambda data: peer.receive_dtls(data)
    )
    role = "client" if our_role == "server" else "server"
    peer = DtlsSession(theirs, [("sha-256", ours.fingerprint)], role, server.receive_dtls)
    async with asyncio.timeout(10):
        both = asyncio.gather(server.handshake(), peer.handshake(), return_exceptions=True)
        return server, peer, await both


async def test_a_lost_flight_is_sent_again(identities: tuple[Identity, Identity]) -> None:
    pair = join(identities)
    receive, seen = pair.server.receive_dtls, 0

    def lossy(data: bytes) -> None:
        nonlocal seen
        seen += 1
        if seen != 1:
            receive(data)

    pair.server.receive_dtls = lossy  # type: ignore[method-assign]
    assert await pair.connect() == [None, None]
    assert seen > 2
    await pair.browser.close()
    await pair.server.close()


async def test_nonsense_before_the_handshake_does_no_harm(pair: Pair) -> None:
    for _ in range(2 * MAX_WAITING):
        pair.server.receive_dtls(b"\x16nonsense")
    pair.browser.receive_dtls(b"\x3f")
    assert await pair.connect() == [None, None]


async def test_a_closed_association_protects_nothing_more(pair: Pair) -> None:
    await pair.connect()
    (packet,) = pair.browser.protect_rtp([rtp(1)])
    assert packet is not None
    await pair.server.close()
    assert pair.server.protect_rtp([rtp(1)]) == [] and pair.server.unprotect_rtp(packet) is None
    pair.server.receive_dtls(b"\x16late")
    await pair.server.close()


def test_the_identity_must_be_an_elliptic_one(identities: tuple[Identity, Identity], tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    file = tmp_path / "rsa.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    with pytest.raises(ValueError, match="not an ECDSA key"):
        load_certificate(identities[0].certificate_file, file)
