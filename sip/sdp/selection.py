"""Which payload types both sides speak, and which of them we send."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sip.sdp import aac
from sip.sdp.capabilities import (
    CIF_SIZES,
    G729_PARAMETERS,
    OPUS_PARAMETERS,
    TELEPHONE_EVENTS,
    LocalCapabilities,
    cif_parameters,
)
from sip.sdp.codecs import OfferedCodec, format_parameters, whole_number
from sip.sdp.h264 import H264Format, MacroblockLimit, PictureLimit, profile_level_id, read_format

_FULL = PictureLimit(1920, 1080, 30)
_FULL_MACROBLOCKS = 8_160


@dataclass(frozen=True)
class Agreed:
    """One payload type that both speak.

    ``remote`` is as the peer describes it: we send with its payload type, and its parameters say what the peer can
    take and, by sprop-parameter-sets, what it sends. ``local`` is as we describe it: we receive with its payload type.
    ``h264`` is the peer's fmtp, read.
    """

    remote: OfferedCodec
    local: OfferedCodec
    h264: H264Format | None = None

    def picture_limit(self, frame_rate: int) -> PictureLimit:
        """The largest picture that the peer takes with this payload type."""
        if self.h264 is not None:
            return self.h264.limit().picture(frame_rate)
        if self.remote.name in CIF_CODECS:
            return cif_limit(self.remote, frame_rate)
        # RFC 7741 section 6.1: max-fs counts macroblocks, max-fr frames/s; both may be absent
        size = whole_number(self.remote.parameters, "max-fs", maximum=1_000_000)
        rate = whole_number(self.remote.parameters, "max-fr", maximum=1_000)
        if size is None and rate is None:
            return replace(_FULL, frame_rate=frame_rate)
        size = size or _FULL_MACROBLOCKS
        return MacroblockLimit(size * frame_rate, size, rate).picture(frame_rate)


CIF_CODECS = frozenset({"H263-2000", "H263-1998", "H263", "H261"})
CONTENT_CODECS = ("H264", "VP8")
"""Slides would not be legible in the sizes of the older ones."""

_CIF_PIXELS = {"CIF4": (704, 576), "CIF": (352, 288), "QCIF": (176, 144)}
_CIF_RATE = 30  # 30 000/1001 really; an interval of n means every nth picture of it


def cif_limit(codec: OfferedCodec, frame_rate: int) -> PictureLimit:
    """The largest picture of an H.261 or H.263 receiver. Who names no size is sent CIF at half rate, as all can.

    The sizes are read wherever they stand: some devices write blanks between them instead of semicolons.
    """
    text = format_parameters(codec.parameters).upper()
    intervals = {size: int(number) for size, number in re.findall(r"\b(CIF4|CIF|QCIF)=([0-9]{1,2})\b", text)}
    for size in CIF_SIZES["H261" if codec.name == "H261" else "H263"]:
        if 1 <= intervals.get(size, 0) <= 32:
            width, height = _CIF_PIXELS[size]
            return PictureLimit(width, height, max(1, min(frame_rate, _CIF_RATE // intervals[size])))
    return PictureLimit(352, 288, min(frame_rate, _CIF_RATE // 2))


def agree(offered: Sequence[OfferedCodec], kind: str, capabilities: LocalCapabilities) -> list[Agreed]:
    """All payload types of an offered m-line that we speak, the one that we shall send first."""
    if kind == "audio":
        found = _by_preference(
            (Agreed(codec, _audio_answer(codec)) for codec in offered if _speaks_audio(codec, capabilities)),
            capabilities.audio,
            in_order=capabilities.prefer_offer_order,
        )
        return _sendable_first(found, capabilities)
    capabilities = capabilities_for(kind, capabilities)
    agreed = (_agree_video(codec, capabilities) for codec in offered)
    return prefer_video([found for found in agreed if found is not None], capabilities)


def match_answer(
    offered: Sequence[OfferedCodec], answered: Sequence[OfferedCodec], kind: str, capabilities: LocalCapabilities
) -> list[Agreed]:
    """What an answer to our offer has agreed on, the one that we shall send first (RFC 3264 section 7).

    Audio is sent in the first codec of the answer, as the answerer wishes; of video we choose ourselves.
    """
    agreed = []
    capabilities = capabilities_for(kind, capabilities)
    names = capabilities.audio if kind == "audio" else capabilities.video
    for remote in answered:
        local = _counterpart(remote, offered)
        if local is None or remote.name not in names:
            continue
        h264 = read_format(remote.parameters) if remote.name == "H264" else None
        if remote.name != "H264" or h264 is not None:
            agreed.append(Agreed(remote, local, h264))
    return _sendable_first(agreed, capabilities) if kind == "audio" else prefer_video(agreed, capabilities)


def capabilities_for(kind: str, capabilities: LocalCapabilities) -> LocalCapabilities:
    """What of our capabilities is good for this kind of stream."""
    if kind != "content":
        return capabilities
    return replace(capabilities, video=tuple(name for name in capabilities.video if name in CONTENT_CODECS))


def _sendable_first(agreed: list[Agreed], capabilities: LocalCapabilities) -> list[Agreed]:
    """Codecs that we only take in come last; without any that we send there is no use in them."""
    sent = [one for one in agreed if one.remote.name not in capabilities.receive_only]
    return sent + [one for one in agreed if one.remote.name in capabilities.receive_only] if sent else []


def telephone_event(codecs: Iterable[OfferedCodec], clock_rate: int) -> OfferedCodec | None:
    """The telephone-event payload type to use beside sound of this clock rate (RFC 4733 section 2.1).

    Some rooms offer Opus with events at 8000 only; theirs is taken then, rather than none.
    """
    events = [codec for codec in codecs if codec.name == "telephone-event"]
    fitting = [codec for codec in events if codec.clock_rate == clock_rate]
    chosen = next(iter(fitting or events), None)
    return None if chosen is None else replace(chosen, parameters=TELEPHONE_EVENTS)


def prefer_video(agreed: list[Agreed], capabilities: LocalCapabilities) -> list[Agreed]:
    """Best first: our order of codecs, packetization mode 1, the larger picture, our order of profiles, their order.

    Constrained baseline (RFC 6184 table 5) goes before plain Baseline, for it is what an encoder makes.
    """

    def rank(one: Agreed) -> tuple[int, ...]:
        limit = one.picture_limit(capabilities.frame_rate)
        pixels = limit.width * limit.height * limit.frame_rate
        if one.h264 is None or one.h264.profile is None:
            return capabilities.video.index(one.remote.name), 0, -pixels
        profile = capabilities.profiles.index(one.h264.profile) if one.h264.profile in capabilities.profiles else 99
        return (
            capabilities.video.index(one.remote.name),
            -one.h264.packetization_mode,
            -pixels,
            profile,
            0 if one.h264.constrained else 1,
        )

    return sorted(agreed, key=rank)


def _by_preference(agreed: Iterable[Agreed], names: Sequence[str], *, in_order: bool) -> list[Agreed]:
    found = list(agreed)
    return found if in_order else sorted(found, key=lambda one: names.index(one.remote.name))


_AUDIO_CLOCKS = {"opus": 48000, "G722": 8000, "PCMA": 8000, "PCMU": 8000, "G7221": 16000, "G729": 8000, "iLBC": 8000}
_G7221_BITRATES = ("24000", "32000")  # RFC 5577 section 4.2.1: those of 16 kHz; there is no default


def _speaks_audio(codec: OfferedCodec, capabilities: LocalCapabilities) -> bool:
    if codec.name == "G7221" and codec.parameters.get("bitrate") not in _G7221_BITRATES:
        return False
    if codec.name in aac.NAMES:
        known = codec.clock_rate in aac.CLOCKS and aac.can_be_taken(codec.name, codec.parameters)
        return codec.name in capabilities.audio and known
    return codec.name in capabilities.audio and codec.clock_rate == _AUDIO_CLOCKS.get(codec.name)


def _audio_answer(codec: OfferedCodec) -> OfferedCodec:
    parameters: dict[str, str] = {"opus": OPUS_PARAMETERS, "G729": G729_PARAMETERS}.get(codec.name, {})
    if codec.name == "opus":
        # RFC 7587 section 7.1: each side says what it likes to get and what it is likely to send. We have two channels
        # where the peer has them, and where it has not they are of no use to it.
        takes, sends = (codec.parameters.get(name) == "1" for name in ("stereo", "sprop-stereo"))
        parameters = parameters | {"stereo": "01"[takes or sends], "sprop-stereo": "01"[takes]}
    elif codec.name == "G7221":
        parameters = {"bitrate": codec.parameters["bitrate"]}
    elif codec.name in aac.NAMES:
        parameters = dict(codec.parameters)  # they describe what the peer will send
    elif codec.name == "iLBC":
        # RFC 3952 section 4.2: 30 ms unless both say 20
        parameters = {"mode": "20" if codec.parameters.get("mode") == "20" else "30"}
    # RFC 7587 section 7: Opus is always written with two channels
    channels = 2 if codec.name == "opus" else codec.channels if codec.name in aac.NAMES else 1
    return replace(codec, channels=channels, parameters=parameters, feedback=frozenset())


def _agree_video(codec: OfferedCodec, capabilities: LocalCapabilities) -> Agreed | None:
    if codec.name not in capabilities.video or codec.clock_rate != 90000:
        return None
    feedback = codec.feedback & capabilities.feedback
    if codec.name != "H264":
        parameters = cif_parameters(codec.name) if codec.name in CIF_CODECS else {}
        return Agreed(codec, replace(codec, parameters=parameters, feedback=feedback))
    h264 = read_format(codec.parameters)
    if h264 is None or h264.profile not in capabilities.profiles or h264.packetization_mode == 2:
        return None
    local = replace(codec, parameters=_h264_answer(h264, capabilities.level), feedback=feedback)
    return Agreed(codec, local, h264)


def _h264_answer(h264: H264Format, our_level: int) -> dict[str, str]:
    """Our fmtp for an offered payload type (RFC 6184 section 8.2.2): its profile and mode, our level where allowed.

    Without level-asymmetry-allowed an answer may only lower the level; a peer that speaks of max-fs and its kin is
    told by them that we take more than that.
    """
    level = our_level if h264.level_asymmetry else min(our_level, h264.level)
    parameters = {
        "profile-level-id": profile_level_id(h264.profile_bytes, level),
        "packetization-mode": str(h264.packetization_mode),
    }
    if h264.level_asymmetry:
        parameters["level-asymmetry-allowed"] = "1"
    if h264.extends_level and level < our_level:
        parameters |= {"max-mbps": "245760", "max-fs": "8192"}
    return parameters


def _counterpart(answered: OfferedCodec, offered: Sequence[OfferedCodec]) -> OfferedCodec | None:
    """Our offered payload type that this answered one speaks of: the same number, else the same format.

    The number alone is enough, for not every room repeats the whole fmtp line that it accepts.
    """
    same = [codec for codec in offered if (codec.name, codec.clock_rate) == (answered.name, answered.clock_rate)]
    by_number = next((codec for codec in same if codec.payload_type == answered.payload_type), None)
    return by_number or next((codec for codec in same if format_of(codec) == format_of(answered)), None)


def format_of(codec: OfferedCodec) -> tuple[object, ...]:
    """What makes two payload types the same format: name and clock, for H.264 mode and profile (RFC 6184 8.2.2) too."""
    h264 = read_format(codec.parameters) if codec.name == "H264" else None
    return codec.name, codec.clock_rate, h264 and (h264.packetization_mode, h264.profile)
