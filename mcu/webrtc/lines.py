"""Which m-lines of a browser's offer are taken, and as what (RFC 8829, 8843)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from mcu.webrtc.extensions import (
    ABS_SEND_TIME,
    AUDIO_LEVEL,
    MID,
    REPAIRED_RID,
    RID,
    TRANSPORT_SEQUENCE,
    ExtensionNumbers,
)
from mcu.webrtc.local import BrowserLocal, PictureSources
from mcu.webrtc.simulcast import offered_encodings
from mcu.webrtc.transport import bundle, is_usable
from sip.sdp.codecs import OfferedCodec, read_codecs
from sip.sdp.direction import Direction, attribute_direction
from sip.sdp.grammar import MediaDescription, SessionDescription
from sip.sdp.selection import Agreed, agree


class Role(StrEnum):
    """What an m-line is for."""

    AUDIO = "audio"
    VIDEO = "video"
    CONTENT = "content"
    SLOT = "slot"
    SHARED = "shared"
    VOICE = "voice"


@dataclass(frozen=True)
class Line:
    """An m-line of the offer that is answered; ``index`` is its place, ``slot`` its number among those of its role.

    ``direction`` is seen from us. ``repeats`` gives the payload type that repeats another (RFC 4588 section 8).
    """

    role: Role
    index: int
    media: MediaDescription
    mid: str
    codecs: tuple[OfferedCodec, ...]
    agreed: Sequence[Agreed]
    direction: Direction
    extensions: dict[str, int]
    sources: PictureSources
    slot: int = 0
    repeats: tuple[OfferedCodec, ...] = ()
    rids: tuple[str, ...] = ()

    @property
    def repeating(self) -> dict[int, int]:
        """For each payload type the one that repeats it."""
        return {int(codec.parameters["apt"]): codec.payload_type for codec in self.repeats}

    @property
    def repairing(self) -> OfferedCodec | None:
        """The payload type of repair packets, which browsers take as FlexFEC of an SSRC of its own."""
        if not self.sources.repairs:
            return None
        return next((codec for codec in self.codecs if codec.name == "flexfec-03" and codec.clock_rate == 90000), None)

    @property
    def redundancy(self) -> OfferedCodec | None:
        """The payload type for the first codec of sound with earlier frames (RED, RFC 2198 section 5)."""
        first = self.agreed[0].remote
        if self.role not in (Role.AUDIO, Role.VOICE):
            return None
        for codec in self.codecs:
            inner = set(codec.parameters.get("", "").split("/"))
            same_clock = codec.name.lower() == "red" and codec.clock_rate == first.clock_rate
            if same_clock and inner == {str(first.payload_type)}:
                return codec
        return None


def choose_lines(offer: SessionDescription, local: BrowserLocal) -> list[Line]:
    """The m-lines that are taken, in their order, no two of one mid; without a bundle only the first."""
    lines: list[Line] = []
    bundled, numbers = bundle(offer), ExtensionNumbers()
    for index, media in enumerate(offer.media):
        mid = media.value("mid") or ""
        # not described_direction(): a browser writes 0.0.0.0 until it has candidates, which is no hold
        direction = attribute_direction(offer, media).reversed()
        role = _role(media, direction, lines, local)
        if role is None or not is_usable(media, mid, bundled):
            continue
        if lines and (bundled is None or any(mid == line.mid for line in lines)):
            continue
        codecs = read_codecs(media)
        agreed = agree(codecs, media.media, local.capabilities)
        if agreed:
            slot = sum(line.role is role for line in lines)
            sources = _sources(role, slot, local)
            sizes = role in (Role.VIDEO, Role.CONTENT) and direction.receive and local.simulcast
            rids = offered_encodings(media) if sizes else ()
            repeats = _repeats(codecs, agreed) if sources.repeats else ()
            counted = _can_be_counted(agreed, repeats)
            extensions = _one_estimate(numbers.read(media, _wanted(media, bool(rids))), counted)
            if RID not in extensions:
                rids = ()  # nothing would tell them apart
            lines.append(
                Line(
                    role, index, media, mid, codecs, agreed, direction, extensions, sources, slot,
                    repeats=repeats,
                    rids=rids,
                )
            )  # fmt: skip
    return lines


def _wanted(media: MediaDescription, encodings: bool) -> tuple[str, ...]:
    """The header extensions that are of use."""
    usual = MID, ABS_SEND_TIME, TRANSPORT_SEQUENCE
    if media.media == "audio":
        return *usual, AUDIO_LEVEL
    return (*usual, RID, REPAIRED_RID) if encodings else usual


def _can_be_counted(agreed: Sequence[Agreed], repeats: Sequence[OfferedCodec]) -> bool:
    """Whether the browser tells of packets that are counted, and what is sent again is a packet of its own."""
    first = agreed[0]
    return "twcc" in first.remote.feedback and (bool(repeats) or "nack" not in first.local.feedback)


def _one_estimate(found: dict[str, int], counted: bool) -> dict[str, int]:
    """With one of the extensions that bandwidth is estimated by: numbers where they can be had, else times."""
    if counted and TRANSPORT_SEQUENCE in found:
        return {uri: number for uri, number in found.items() if uri != ABS_SEND_TIME}
    return {uri: number for uri, number in found.items() if uri != TRANSPORT_SEQUENCE}


def line_of(lines: Sequence[Line], role: Role) -> Line | None:
    """The first line in this role."""
    return next((line for line in lines if line.role is role), None)


def _role(media: MediaDescription, direction: Direction, lines: Sequence[Line], local: BrowserLocal) -> Role | None:
    """Browsers do not say what a picture is of (RFC 4796), so the order of the m-lines has to."""
    sends = direction == Direction.SENDONLY
    if media.media == "audio":
        if line_of(lines, Role.AUDIO) is None:
            return Role.AUDIO
        return Role.VOICE if sends and _taken(Role.VOICE, lines) < len(local.voices) else None
    if media.media != "video":
        return None
    if line_of(lines, Role.VIDEO) is None:
        return Role.VIDEO
    if local.content is not None and line_of(lines, Role.CONTENT) is None:
        return Role.CONTENT
    if not sends:
        return None
    if _taken(Role.SLOT, lines) < len(local.slots):
        return Role.SLOT
    return Role.SHARED if local.shared is not None and line_of(lines, Role.SHARED) is None else None


def _taken(role: Role, lines: Sequence[Line]) -> int:
    return sum(line.role is role for line in lines)


def _sources(role: Role, slot: int, local: BrowserLocal) -> PictureSources:
    match role:
        case Role.AUDIO:
            return PictureSources(local.audio_ssrc)
        case Role.SLOT:
            return local.slots[slot]
        case Role.SHARED:
            return local.shared or local.video
        case Role.VOICE:
            return PictureSources(local.voices[slot])
        case Role.CONTENT:
            return local.content or local.video
        case Role.VIDEO:
            return local.video


def _repeats(codecs: Sequence[OfferedCodec], agreed: Sequence[Agreed]) -> tuple[OfferedCodec, ...]:
    """The payload types that repeat those agreed on, one for each."""
    wanted = {str(one.remote.payload_type) for one in agreed}
    found: dict[str, OfferedCodec] = {}
    for codec in codecs:
        apt = codec.parameters.get("apt", "")
        if codec.name == "rtx" and codec.clock_rate == 90000 and apt in wanted:
            found.setdefault(apt, codec)
    return tuple(found.values())
