"""The transport part of browser SDP: ICE credentials, DTLS fingerprints, BUNDLE (RFC 8839, 8842, 8843)."""

from __future__ import annotations

import re

from mcu.media.spec import WebRtcTransport
from sip.sdp.grammar import Attribute, MediaDescription, SessionDescription
from sip.sdp.negotiation import NotAcceptable

BUNDLED_RTP = ("UDP/TLS/RTP/SAVPF", "RTP/SAVPF")
"""Transport protocols that browsers write for DTLS-SRTP, the right one first (RFC 8829 section 5.1.2)."""

_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")  # RFC 8839 section 5.4
_PASSWORD = re.compile(r"[A-Za-z0-9+/]{22,256}")
_DIGEST_OCTETS = {"sha-1": 20, "sha-224": 28, "sha-256": 32, "sha-384": 48, "sha-512": 64}  # RFC 8122 section 5
_MAX_FINGERPRINTS = 8  # one per certificate and algorithm; browsers write one


def bundle(offer: SessionDescription) -> frozenset[str] | None:
    """The mids of the first BUNDLE group; None when the offer has no such group."""
    for value in offer.values("group"):
        words = value.split()
        if words and words[0].upper() == "BUNDLE":
            return frozenset(words[1:])
    return None


def is_usable(media: MediaDescription, mid: str, bundled: frozenset[str] | None) -> bool:
    """Whether an m-line is DTLS-SRTP on the bundle's one transport, with RTCP multiplexed, and not refused.

    An m-line with ``bundle-only`` has port 0 and is meant all the same (RFC 8843 section 6). Without a group every
    m-line has a transport of its own, so that the caller can take but one.
    """
    in_bundle = bundled is None or mid in bundled
    alive = media.port != 0 or (media.has("bundle-only") and bundled is not None)
    return in_bundle and alive and media.protocol in BUNDLED_RTP and media.has("rtcp-mux")


def read_transport(
    offer: SessionDescription, media: MediaDescription, local_ufrag: str, local_password: str
) -> WebRtcTransport:
    """The browser's credentials, from the m-line or else the session. Raises NotAcceptable when they are unusable."""
    ufrag = media.value("ice-ufrag") or offer.value("ice-ufrag") or ""
    password = media.value("ice-pwd") or offer.value("ice-pwd") or ""
    if not _UFRAG.fullmatch(ufrag) or not _PASSWORD.fullmatch(password):
        raise NotAcceptable("the offer has no usable ICE credentials (a=ice-ufrag, a=ice-pwd)", 302)
    if (media.value("setup") or offer.value("setup") or "actpass").strip().lower() not in ("actpass", "active"):
        raise NotAcceptable("we are the DTLS server, so the offer must not say a=setup:passive", 302)
    if offer.has("ice-lite"):
        raise NotAcceptable("both sides are ICE-lite, so nobody would check the path", 302)
    fingerprints = _fingerprints([*media.values("fingerprint")] or [*offer.values("fingerprint")])
    if not fingerprints:
        raise NotAcceptable("the offer has no usable certificate fingerprint (a=fingerprint)", 302)
    return WebRtcTransport(
        local_ufrag=local_ufrag,
        local_password=local_password,
        remote_ufrag=ufrag,
        remote_password=password,
        fingerprints=fingerprints,
        dtls_role="server",
    )


def transport_lines(ufrag: str, password: str, fingerprint: tuple[str, str]) -> list[Attribute]:
    """Our credentials as attributes of an m-line."""
    return [
        Attribute("ice-ufrag", ufrag),
        Attribute("ice-pwd", password),
        Attribute("fingerprint", " ".join(fingerprint)),
        Attribute("setup", "passive"),
    ]


def _fingerprints(values: list[str]) -> tuple[tuple[str, str], ...]:
    found = []
    for value in values[:_MAX_FINGERPRINTS]:
        algorithm, _, digest = value.partition(" ")
        algorithm, digest = algorithm.lower(), digest.strip().upper()
        octets = _DIGEST_OCTETS.get(algorithm, 0)
        if octets and re.fullmatch(rf"[0-9A-F]{{2}}(:[0-9A-F]{{2}}){{{octets - 1}}}", digest):
            found.append((algorithm, digest))
    return tuple(found)
