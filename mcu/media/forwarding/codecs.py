"""Whether a receiver's payload type can carry what a sender sends under another number. Pure."""

from __future__ import annotations

from mcu.media.spec import CodecSpec, LegSpec, VideoSpec, WebRtcTransport

FORWARDED = frozenset({"H264", "VP8"})
"""Codecs whose key frames the packet layer knows."""

SHARED_BITRATE = 2_500_000
"""What is shared in one size comes as it is only where the rates agreed on have room for it, bit/s."""

SMALL_SHARED_BITRATE = 500_000
"""The same of what comes in smaller sizes too."""

# Each profile decodes those before it (ITU-T H.264 annex A, constrained baseline); by profile_idc.
_PROFILES = {0x42: 0, 0x4D: 1, 0x64: 2}


def accepts(receiver: CodecSpec, sender: CodecSpec) -> bool:
    """Whether who agreed to ``receiver`` can take a stream that was agreed as ``sender`` (RFC 6184 section 8.1)."""
    if receiver.name != sender.name or sender.name not in FORWARDED:
        return False
    return sender.name == "VP8" or (_mode(sender) <= _mode(receiver) and _profile(sender) <= _profile(receiver))


def carried(video: VideoSpec) -> dict[str, CodecSpec]:
    """Under which payload type each codec goes out in a slot: the one that takes most."""
    found: dict[str, CodecSpec] = {}
    for codec in video.receive_codecs or (video.send_codec,):
        if codec.name in FORWARDED and (codec.name not in found or _takes(codec) > _takes(found[codec.name])):
            found[codec.name] = codec
    return found


def can_carry(video: VideoSpec, sender: CodecSpec) -> bool:
    """Whether a slot can show who sends this."""
    codec = carried(video).get(sender.name)
    return codec is not None and accepts(codec, sender)


def usual_codec(video: VideoSpec | None) -> CodecSpec | None:
    """What a peer is going to send as far as the agreement tells: the first that it may."""
    return None if video is None or not video.receive_codecs else video.receive_codecs[0]


def gives_pictures(leg: LegSpec) -> bool:
    """Whether a picture of the leg may come in and be shown."""
    video = leg.video
    receives = video is not None and video.receive and bool(video.receive_codecs)
    return receives and not leg.camera_muted and not leg.held and not leg.hidden


def is_forwarded(leg: LegSpec) -> bool:
    """Whether the leg's slots are in use."""
    return leg.forwarded and bool(leg.slots) and not leg.held and isinstance(leg.transport, WebRtcTransport)


def can_be_shown(viewer: LegSpec, sender: LegSpec, codec: CodecSpec | None) -> bool:
    """Whether some slot of ``viewer`` can show ``sender``, who sends this codec."""
    if sender.id == viewer.id or codec is None or not isinstance(sender.transport, WebRtcTransport):
        return False
    return any(can_carry(slot, codec) for slot in viewer.slots)


def can_get_shared(viewer: LegSpec, sharer: LegSpec, codec: CodecSpec | None) -> bool:
    """Whether ``viewer`` gets as it is what ``sharer`` shares, in this codec. Whoever wants it in its picture of the
    people, or in place of that, gets it composed."""
    ways = isinstance(viewer.transport, WebRtcTransport) and isinstance(sharer.transport, WebRtcTransport)
    if not ways or viewer.id == sharer.id or viewer.shared is None or viewer.held or codec is None:
        return False
    in_sizes = sharer.content is not None and len(sharer.content.rids) > 1
    needed = SMALL_SHARED_BITRATE if in_sizes else SHARED_BITRATE
    if viewer.picture_bitrate is not None and viewer.picture_bitrate < needed:
        return False
    return viewer.content_choice == "auto" and can_carry(viewer.shared, codec)


def _takes(codec: CodecSpec) -> tuple[int, int]:
    return _mode(codec), _profile(codec)


def _mode(codec: CodecSpec) -> int:
    return 1 if codec.parameters.get("packetization-mode") == "1" else 0


def _profile(codec: CodecSpec) -> int:
    try:
        profile = int(codec.parameters.get("profile-level-id", "42e01f")[:2], 16)
    except ValueError:
        profile = 0x42
    return _PROFILES.get(profile, 3)
