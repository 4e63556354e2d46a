"""ICE in SDP (RFC 8839), as far as a lite agent goes: its peer's credentials in, its own and host candidates out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sip.sdp.grammar import Attribute, MediaDescription, SessionDescription

_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")  # RFC 8839 section 5.4
_PASSWORD = re.compile(r"[A-Za-z0-9+/]{22,256}")


@dataclass(frozen=True)
class LocalIce:
    """Our credentials for one call, shared by its m-lines."""

    ufrag: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class IceAgreement:
    """Both agreed to ICE. We answer checks and send none, so the peer's password is of no use to us."""

    local: LocalIce
    remote_ufrag: str


def answer_ice(offer: SessionDescription, media: MediaDescription, local: LocalIce | None) -> IceAgreement | None:
    """Whether an m-line uses ICE. Two lite agents check nothing (RFC 8445 section 6.1.1): as good as none."""
    if local is None or offer.has("ice-lite"):
        return None
    ufrag = (media.value("ice-ufrag") or offer.value("ice-ufrag") or "").strip()
    password = (media.value("ice-pwd") or offer.value("ice-pwd") or "").strip()
    if not media.has("candidate") or not _UFRAG.fullmatch(ufrag) or not _PASSWORD.fullmatch(password):
        return None
    return IceAgreement(local, ufrag)


def own_ice(ours: MediaDescription) -> LocalIce | None:
    """Our credentials as an offer of ours gave them; None where it had none."""
    ufrag, password = ours.value("ice-ufrag"), ours.value("ice-pwd")
    return LocalIce(ufrag, password) if ufrag and password else None


def ice_lines(local: LocalIce, host: str, port: int, rtcp_mux: bool) -> tuple[Attribute, ...]:
    """Our credentials and host candidates: RTP, and where it has a port of its own RTCP (section 5.1)."""
    candidates = [
        Attribute(
            "candidate", f"1 {component} UDP {126 << 24 | 65_535 << 8 | 256 - component} {host} {number} typ host"
        )
        for component, number in ((1, port), (2, port + 1))
        if component == 1 or not rtcp_mux
    ]
    return Attribute("ice-ufrag", local.ufrag), Attribute("ice-pwd", local.password), *candidates
