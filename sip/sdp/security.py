"""How the streams of a session are protected: SDES or DTLS-SRTP, as offered, as asked for by policy, or not at all.

The transport protocol of an m-line says whether encryption is demanded: RTP/SAVP and RTP/SAVPF for SDES (RFC 4568),
UDP/TLS/RTP/SAVP(F) for DTLS-SRTP (RFC 5764). Many rooms offer it as an option beneath RTP/AVP (RFC 8643); both the
keys of SDES and the fingerprint of DTLS may stand in one m-line, and DTLS is taken then, for its keys do not travel
through the signalling.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from sip.sdp.crypto import SUITES, CryptoLine, Suite, read_crypto
from sip.sdp.grammar import Attribute, MediaDescription, SessionDescription
from sip.sdp.refusal import TRANSPORT, NotAcceptable, shown

DtlsRole = Literal["server", "client"]
Method = Literal["sdes", "dtls"]

_MAX_FINGERPRINTS = 8  # one per certificate and algorithm
# Octets of the digests of RFC 8122 that are still good for something; SHA-1 and MD5 prove nothing any more.
_DIGEST_OCTETS = {"sha-256": 32, "sha-384": 48, "sha-512": 64}


class Encryption(Enum):
    """The policy. Offered encryption is always taken; the difference is what else we do.

    ``ALLOWED``: our own offers are plain. ``PREFERRED``: our own offers have encryption as an option. ``REQUIRED``: our
    own offers demand it, and whatever comes without is refused.
    """

    ALLOWED = "allowed"
    PREFERRED = "preferred"
    REQUIRED = "required"


@dataclass(frozen=True)
class RtpProtocol:
    """A transport protocol of RTP as the m-line names it."""

    name: str
    secure: bool = False
    feedback: bool = False
    dtls: bool = False


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        RtpProtocol("RTP/AVP"),
        RtpProtocol("RTP/AVPF", feedback=True),
        RtpProtocol("RTP/SAVP", secure=True),
        RtpProtocol("RTP/SAVPF", secure=True, feedback=True),
        RtpProtocol("UDP/TLS/RTP/SAVP", secure=True, dtls=True),
        RtpProtocol("UDP/TLS/RTP/SAVPF", secure=True, feedback=True, dtls=True),
    )
}
"""The transport protocols of rooms; each is answered as it was offered (RFC 4585 section 4)."""


@dataclass(frozen=True)
class LocalSecurity:
    """What our side can protect a session with.

    ``secret`` is random and the call's own: the SDES keys come out of it, the same ones each time, so that a re-INVITE
    changes no key. ``fingerprint`` is of our certificate as (algorithm, value), None where there is none.
    """

    secret: bytes = field(repr=False)
    fingerprint: tuple[str, str] | None = None

    def key(self, line: str, suite: Suite) -> bytes:
        """Master key and salt for what we send on an m-line; ``line`` names it, for no two may share a key."""
        message = f"{line} {suite.name}".encode()
        return hmac.new(self.secret, message, hashlib.sha512).digest()[: suite.octets]


@dataclass(frozen=True)
class SdesAgreement:
    """Keys of both sides (RFC 4568): ``local`` for what we send, ``remote`` for what we get, and their identifiers."""

    suite: Suite
    local: bytes = field(repr=False)
    remote: bytes = field(repr=False)
    local_mki: bytes = b""
    remote_mki: bytes = b""


@dataclass(frozen=True)
class DtlsAgreement:
    """DTLS-SRTP (RFC 5763): the peer's certificate fingerprints as (algorithm, value), and our role."""

    fingerprints: tuple[tuple[str, str], ...]
    role: DtlsRole


Agreement = SdesAgreement | DtlsAgreement


@dataclass(frozen=True)
class Protection:
    """What an m-line comes to: the agreement (None: in the clear) and the lines that say so on our side."""

    agreement: Agreement | None = None
    attributes: tuple[Attribute, ...] = ()


def answer_security(
    offer: SessionDescription, media: MediaDescription, kind: str, policy: Encryption, local: LocalSecurity | None
) -> Protection:
    """How to protect an offered m-line; ``kind`` is our name for it.

    Raises NotAcceptable where it cannot be protected though the peer or our policy asks for it.

    Our role in DTLS is the server's where the offer leaves the choice. RFC 5763 section 5 would rather have an answerer
    be the client; but a room behind NAT can only be reached after it has sent something, such as its ClientHello.
    """
    protocol = PROTOCOLS[media.protocol]
    if local is not None:
        # RTP/SAVP names SDES, though browsers of old wrote it for DTLS: there a fingerprint comes second.
        ways = [_answer_dtls(offer, media, local), None if protocol.dtls else _answer_sdes(media, kind, local)]
        found = [way for way in (reversed(ways) if protocol.secure else ways) if way is not None]
        if found:
            return found[0]
    if protocol.secure:
        raise NotAcceptable(_unusable(media, local), TRANSPORT)
    if policy is Encryption.REQUIRED:
        raise NotAcceptable(f"encryption is required here, and this {media.media} is offered without", TRANSPORT)
    return Protection()


def _answer_sdes(media: MediaDescription, kind: str, local: LocalSecurity) -> Protection | None:
    line = next(iter(read_crypto(media.values("crypto"))), None)
    if line is None:
        return None
    key = local.key(kind, line.suite)
    # Who writes an identifier reads one, and some rooms have one switch for both ways.
    agreement = SdesAgreement(line.suite, key, line.key, line.mki, line.mki)
    return Protection(agreement, (CryptoLine(line.tag, line.suite, key, line.mki).attribute,))


def _answer_dtls(offer: SessionDescription, media: MediaDescription, local: LocalSecurity) -> Protection | None:
    fingerprints = read_fingerprints(offer, media)
    if not fingerprints or local.fingerprint is None:
        return None
    role: DtlsRole = "client" if setup_of(offer, media) == "passive" else "server"
    lines = (
        Attribute("fingerprint", " ".join(local.fingerprint)),
        Attribute("setup", "active" if role == "client" else "passive"),
    )
    return Protection(DtlsAgreement(fingerprints, role), lines)


def offer_security(kind: str, policy: Encryption, method: Method, local: LocalSecurity | None) -> tuple[Attribute, ...]:
    """What our offer of an m-line says of encryption; see ``protocol_to_offer``.

    As an option both methods are offered; where encryption is demanded, the one that the transport protocol names. With
    RTP/SAVP a fingerprint goes along all the same: rooms that know DTLS alone answer that with theirs.
    """
    if local is None or policy is Encryption.ALLOWED:
        return ()
    lines: list[Attribute] = []
    if method == "sdes" or policy is Encryption.PREFERRED:
        for number, suite in enumerate(SUITES.values(), 1):
            lines.append(CryptoLine(str(number), suite, local.key(kind, suite)).attribute)
    if local.fingerprint is not None:
        lines += [Attribute("fingerprint", " ".join(local.fingerprint)), Attribute("setup", "actpass")]
    return tuple(lines)


def protocol_to_offer(policy: Encryption, method: Method, local: LocalSecurity | None, feedback: bool) -> str:
    """The transport protocol of our offers."""
    if policy is Encryption.REQUIRED and local is not None:
        base = "UDP/TLS/RTP/SAVP" if method == "dtls" else "RTP/SAVP"
    else:
        base = "RTP/AVP"
    return base + "F" * feedback


def accepted_security(
    ours: MediaDescription, answer: SessionDescription, theirs: MediaDescription, policy: Encryption
) -> Agreement | None:
    """What the answer to an offer of ours makes of encryption. Raises NotAcceptable where it should be and is not."""
    offered = {line.tag: line for line in read_crypto(ours.values("crypto"))}
    for line in read_crypto(theirs.values("crypto")):
        own = offered.get(line.tag)
        # RFC 4568 section 5.1.3: the answer repeats the tag; a device that does not is known by its suite
        if own is None or own.suite != line.suite:
            own = next((one for one in offered.values() if one.suite == line.suite), None)
        if own is not None:
            return SdesAgreement(line.suite, own.key, line.key, own.mki, line.mki)
    fingerprints = read_fingerprints(answer, theirs)
    if fingerprints and ours.has("fingerprint"):
        return DtlsAgreement(fingerprints, "client" if setup_of(answer, theirs) == "passive" else "server")
    if PROTOCOLS[ours.protocol].secure or PROTOCOLS[theirs.protocol].secure or policy is Encryption.REQUIRED:
        raise NotAcceptable(f"the answer takes none of the encryption that was offered for {ours.media}", TRANSPORT)
    return None


def read_fingerprints(session: SessionDescription, media: MediaDescription) -> tuple[tuple[str, str], ...]:
    """Usable ``a=fingerprint`` lines (RFC 8122 section 5): the m-line's, else the session's."""
    return _fingerprints([*media.values("fingerprint")] or [*session.values("fingerprint")])


def _fingerprints(values: Iterable[str]) -> tuple[tuple[str, str], ...]:
    found = []
    for value in list(values)[:_MAX_FINGERPRINTS]:
        algorithm, _, digest = value.partition(" ")
        algorithm, digest = algorithm.lower(), digest.strip().upper()
        octets = _DIGEST_OCTETS.get(algorithm, 0)
        if octets and re.fullmatch(rf"[0-9A-F]{{2}}(:[0-9A-F]{{2}}){{{octets - 1}}}", digest):
            found.append((algorithm, digest))
    return tuple(found)


def setup_of(session: SessionDescription, media: MediaDescription) -> str:
    """``a=setup`` (RFC 4145 section 4), "active" when there is none, as section 4.1 has it."""
    return (media.value("setup") or session.value("setup") or "active").strip().lower()


def _unusable(media: MediaDescription, local: LocalSecurity | None) -> str:
    if local is None:
        return f"{media.media} over {shown(media.protocol)} is not supported, only RTP/AVP and RTP/AVPF"
    if PROTOCOLS[media.protocol].dtls:
        return (
            f"the {media.media} has no certificate fingerprint that can be checked (a=fingerprint, sha-256 or better)"
        )
    return f"none of the keys offered for {media.media} can be used, we speak {', '.join(SUITES)}"
