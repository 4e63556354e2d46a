"""How a leg's media travel: addresses, keys, ICE."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mcu.media.spec.base import Address, Model

SuiteName = Literal["AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32", "AEAD_AES_128_GCM", "AEAD_AES_256_GCM"]


class SdesKeys(Model):
    """SRTP with keys from the descriptions (RFC 4568): base64 of master key and salt, ``local`` for what we send.

    ``rtcp_*`` are there where RTCP has keys of its own, as it has after DTLS on a port of its own. ``local_mki`` and
    ``remote_mki`` are the master key identifiers, in hex, that the packets each way carry (RFC 3711 section 3.1).
    """

    kind: Literal["sdes"] = "sdes"
    suite: SuiteName
    local: Annotated[str, Field(repr=False)]
    remote: Annotated[str, Field(repr=False)]
    rtcp_local: Annotated[str | None, Field(repr=False)] = None
    rtcp_remote: Annotated[str | None, Field(repr=False)] = None
    local_mki: str = Field("", pattern="^([0-9a-f]{2}){0,128}$")
    remote_mki: str = Field("", pattern="^([0-9a-f]{2}){0,128}$")


class DtlsKeys(Model):
    """DTLS-SRTP (RFC 5763) with the worker's certificate; ``fingerprints`` are the peer's, as (algorithm, value)."""

    kind: Literal["dtls"] = "dtls"
    fingerprints: tuple[tuple[str, str], ...]
    role: Literal["server", "client"]


StreamSecurity = Annotated[SdesKeys | DtlsKeys, Field(discriminator="kind")]


class IceSpec(Model):
    """ICE-lite on the ports of one m-line (RFC 8445 section 2.5)."""

    local_ufrag: str
    local_password: Annotated[str, Field(repr=False)]
    remote_ufrag: str


Line = Literal["audio", "video", "content", "camera"]


class PlainTransport(Model):
    """RTP over UDP as SIP rooms use it. RTCP goes to the RTP port + 1 unless ``rtcp_mux`` (RFC 5761).

    ``*_remote`` is what the peer's SDP says; with ``symmetric`` the worker answers to where packets come from
    (RFC 4961), latched once per stream. A port of 0 means that the leg has no such stream. ``content_*`` is the second
    picture, that of shared slides, ``camera_*`` far-end camera control. ``security`` and ``ice`` are by m-line; what
    is not in ``security`` goes in the clear.
    """

    kind: Literal["rtp"] = "rtp"
    local_host: str
    audio_port: int = 0
    video_port: int = 0
    audio_remote: Address | None = None
    video_remote: Address | None = None
    content_port: int = 0
    content_remote: Address | None = None
    camera_port: int = 0
    camera_remote: Address | None = None
    rtcp_mux: bool = False
    symmetric: bool = True
    security: dict[Line, StreamSecurity] = {}
    ice: dict[Line, IceSpec] = {}


class WebRtcTransport(Model):
    """ICE-lite, DTLS-SRTP, everything bundled on the worker's one browser port (RFC 8445, 8842, 8843).

    Credentials never show in a ``repr``. ``fingerprints`` are the peer's, as (algorithm, value). Descriptions of one
    ``association`` share keys and streams, and differ at most in credentials: the browser has restarted ICE.
    """

    kind: Literal["webrtc"] = "webrtc"
    local_ufrag: str
    local_password: Annotated[str, Field(repr=False)]
    remote_ufrag: str
    remote_password: Annotated[str, Field(repr=False)]
    fingerprints: tuple[tuple[str, str], ...]
    dtls_role: Literal["server", "client"] = "server"
    association: str = ""

    def goes_on_as(self, other: object) -> bool:
        """Whether both are of one association."""
        return isinstance(other, WebRtcTransport) and (
            self == other or (self.association != "" and self._identity == other._identity)
        )

    @property
    def _identity(self) -> tuple[str, tuple[tuple[str, str], ...], str]:
        return self.association, self.fingerprints, self.dtls_role
