"""What an answer to a browser needs of our side, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from mcu.media.spec import AudioSpec, VideoSpec, WebRtcTransport
from sip.sdp.capabilities import LocalCapabilities

CAPABILITIES = LocalCapabilities(feedback=frozenset({"nack", "pli", "fir", "remb"}), prefer_offer_order=False)
"""What we speak with browsers: Opus and H.264 before all others, so that rooms and browsers share one encoder."""

MAXIMUM_SLOTS = 9
"""Pictures of others that a browser can get beside its main picture: more tiles than nine show no faces on a phone."""


MAXIMUM_VOICES = MAXIMUM_SLOTS
"""Sound of others that a browser can get beside the mix: for each slot one, whatever few of them sound at a time."""


@dataclass(frozen=True)
class PictureSources:
    """The SSRCs of one picture to a browser. ``repeats`` is that of repetitions (RFC 4588), ``repairs`` that of repair
    packets; 0: none are agreed.
    """

    ssrc: int
    repeats: int = 0
    repairs: int = 0


@dataclass(frozen=True)
class BrowserLocal:
    """Our side of a browser's transport. ``candidates`` are (IP address, UDP port), the best first, ``tcp_candidates``
    likewise.

    ``fingerprint`` is of our certificate, as (algorithm, value), e.g. ("sha-256", "AB:CD:…"). ``session_id`` and
    ``version`` go into the answer's origin; ``cname`` ties sound and picture together for lip sync (RFC 3550). Without
    ``content`` no second picture is taken, and as many others as there are ``slots``, after these one for what others
    share (``shared``), and as many ``voices``, SSRCs of sound of others. With ``simulcast`` the two pictures that it
    sends are taken in several encodings. ``picture_rate`` is the most that it may send or get of either picture, bit/s,
    where the bandwidth of its zone says so.
    """

    ufrag: str
    password: str = field(repr=False)
    fingerprint: tuple[str, str]
    candidates: tuple[tuple[str, int], ...]
    audio_ssrc: int
    video: PictureSources
    cname: str
    session_id: int = 1
    version: int = 1
    capabilities: LocalCapabilities = CAPABILITIES
    content: PictureSources | None = None
    slots: tuple[PictureSources, ...] = ()
    shared: PictureSources | None = None
    voices: tuple[int, ...] = ()
    simulcast: bool = True
    picture_rate: int | None = None
    tcp_candidates: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class BrowserAnswer:
    """The answer to send, and what it makes of the leg. ``offered_by`` names the browser's connection: user name and
    session number of the offer's origin, which stay while its version grows.
    """

    sdp: str = field(repr=False)
    transport: WebRtcTransport
    audio: AudioSpec | None
    video: VideoSpec | None
    content: VideoSpec | None = None
    slots: tuple[VideoSpec, ...] = ()
    shared: VideoSpec | None = None
    voices: tuple[AudioSpec, ...] = ()
    offered_by: tuple[str, int] = ("-", 0)
