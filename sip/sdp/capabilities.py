"""What our side of a session can do, and where it wants its packets."""

from __future__ import annotations

from dataclasses import dataclass

from sip.sdp.codecs import OfferedCodec
from sip.sdp.direction import Direction
from sip.sdp.floor import LocalFloor
from sip.sdp.h264 import Profile, profile_level_id
from sip.sdp.ice import LocalIce
from sip.sdp.repair import redundancy_to_offer, repair_to_offer
from sip.sdp.security import Encryption, LocalSecurity, Method

_PROFILE_BYTES = {Profile.BASELINE: "42e0", Profile.MAIN: "4d00", Profile.HIGH: "6400"}


@dataclass(frozen=True)
class LocalCapabilities:
    """Codecs in our order of preference, best first, and limits.

    ``audio`` and ``video`` are codec names; those of ``receive_only`` are taken in, and never sent. ``profiles`` are
    the H.264 profiles that we encode and decode: the first one that costs the peer no resolution is taken, so that
    peers share an encoder. ``level`` is the H.264 level (times ten) that we decode. Rates are in bit/s:
    ``receive_bitrate`` is what we want to get of video, ``send_bitrate`` the most that we send. With
    ``prefer_offer_order`` the peer's order of audio codecs counts.

    ``encryption`` is the policy, ``offer_method`` what our offers demand where it is required. Our offers are RTP/AVP
    with feedback messages announced, which every room takes; with ``offer_feedback_profile`` they are RTP/AVPF, and
    whoever makes the call has to offer again without when that is refused. ``offer_ice``: they have our candidates.
    ``repair``: pictures are protected by forward error correction where packets cannot be asked for again;
    ``redundancy``: packets of Opus may carry earlier frames as well (RED).
    """

    audio: tuple[str, ...] = ("opus", "G722", "PCMA", "PCMU")
    video: tuple[str, ...] = ("H264", "VP8")
    profiles: tuple[Profile, ...] = (Profile.BASELINE, Profile.MAIN, Profile.HIGH)
    level: int = 40
    frame_rate: int = 30
    receive_bitrate: int = 4_000_000
    send_bitrate: int = 4_000_000
    feedback: frozenset[str] = frozenset({"nack", "pli", "fir"})
    prefer_offer_order: bool = True
    telephone_event: bool = True
    receive_only: frozenset[str] = frozenset({"G7221", "G729", "iLBC", "MP4A-LATM", "mpeg4-generic"})
    encryption: Encryption = Encryption.ALLOWED
    offer_method: Method = "sdes"
    offer_feedback_profile: bool = False
    offer_ice: bool = False
    repair: bool = False
    redundancy: bool = False


@dataclass(frozen=True)
class LocalMedia:
    """Where our packets come in: an IP address and the RTP port of each medium, 0 for a medium we do not want.

    The directions are ours, for hold by us; RTCP comes to the port above unless ``rtcp_mux`` is agreed on (RFC 5761).
    ``content_port`` is for a second picture, ``floor`` for the control of who may send one, ``camera_port`` for far-end
    camera control, which goes in the directions of video. Without ``security``
    nothing can be encrypted; without ``ice`` it is not agreed to.
    """

    host: str
    audio_port: int = 0
    video_port: int = 0
    audio_direction: Direction = Direction.SENDRECV
    video_direction: Direction = Direction.SENDRECV
    rtcp_mux: bool = True
    content_port: int = 0
    content_direction: Direction = Direction.SENDRECV
    floor: LocalFloor | None = None
    security: LocalSecurity | None = None
    ice: LocalIce | None = None
    camera_port: int = 0

    def port(self, kind: str) -> int:
        return {"audio": self.audio_port, "content": self.content_port}.get(kind, self.video_port)

    def direction(self, kind: str) -> Direction:
        directions = {"audio": self.audio_direction, "content": self.content_direction}
        return directions.get(kind, self.video_direction)


OPUS_PARAMETERS = {"useinbandfec": "1", "stereo": "0", "sprop-stereo": "0"}
"""Our Opus (RFC 7587 section 6.1): with redundancy against loss, and one channel unless the peer has two."""

OPUS_OFFERED = OPUS_PARAMETERS | {"stereo": "1", "sprop-stereo": "1"}
"""In an offer it is not known yet what the peer has: two channels go both ways where its answer says so too."""

TELEPHONE_EVENTS = {"": "0-15"}
"""The sixteen DTMF events (RFC 4733 section 3.2)."""

G729_PARAMETERS = {"annexb": "no"}
"""No silence descriptions, which our decoder does not read (RFC 4856 section 2.1.9)."""

CIF_SIZES = {"H261": ("CIF", "QCIF"), "H263": ("CIF4", "CIF", "QCIF")}
"""The sizes that are known by name (RFC 4587 section 6.1, RFC 4629 section 8.1.1), the largest first."""


def cif_parameters(name: str) -> dict[str, str]:
    """Our fmtp for H.261 or H.263: every size at full rate, the preferred one first."""
    return {size.lower(): "1" for size in CIF_SIZES["H261" if name == "H261" else "H263"]}


_AUDIO_TYPES = {
    "opus": OfferedCodec("opus", 96, 48000, 2, OPUS_OFFERED),
    "G722": OfferedCodec("G722", 9, 8000),
    "PCMA": OfferedCodec("PCMA", 8, 8000),
    "PCMU": OfferedCodec("PCMU", 0, 8000),
    "G729": OfferedCodec("G729", 18, 8000, 1, G729_PARAMETERS),
}
_FIRST_VIDEO_TYPE = 102
_STATIC_VIDEO_TYPES = {"H263": 34, "H261": 31}  # RFC 3551 section 6


def audio_to_offer(capabilities: LocalCapabilities) -> tuple[OfferedCodec, ...]:
    """The payload types of an audio m-line that we offer: none that we cannot send, for an answer may hold it alone."""
    codecs = [_AUDIO_TYPES[name] for name in capabilities.audio if name not in capabilities.receive_only]
    if capabilities.telephone_event:
        codecs.append(OfferedCodec("telephone-event", 101, 8000, 1, TELEPHONE_EVENTS))
        if "opus" in capabilities.audio:
            codecs.append(OfferedCodec("telephone-event", 97, 48000, 1, TELEPHONE_EVENTS))
    if capabilities.redundancy and "opus" in capabilities.audio:
        codecs.append(redundancy_to_offer(_AUDIO_TYPES["opus"], 98))
    return tuple(codecs)


def video_to_offer(capabilities: LocalCapabilities) -> tuple[OfferedCodec, ...]:
    """The payload types of a video m-line that we offer: H.264 per profile and packetization mode, mode 1 first."""
    kinds: list[tuple[str, dict[str, str]]] = []
    for name in capabilities.video:
        if name == "H264":
            kinds += [
                (
                    name,
                    {
                        "profile-level-id": profile_level_id(_PROFILE_BYTES[profile], capabilities.level),
                        "packetization-mode": str(mode),
                        "level-asymmetry-allowed": "1",
                    },
                )
                for profile in capabilities.profiles
                for mode in (1, 0)
            ]
        elif name.startswith("H26"):
            kinds.append((name, cif_parameters(name)))
        else:
            kinds.append((name, {}))
    repair = repair_to_offer(_FIRST_VIDEO_TYPE + len(kinds)) if capabilities.repair else ()
    return (
        *(
            OfferedCodec(
                name,
                _STATIC_VIDEO_TYPES.get(name, _FIRST_VIDEO_TYPE + index),
                90000,
                1,
                parameters,
                capabilities.feedback,
            )
            for index, (name, parameters) in enumerate(kinds)
        ),
        *repair,
    )
