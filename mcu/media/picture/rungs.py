"""Which rung of the encoder ladder a leg is served from: pure choice, equal needs give equal rungs."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import TypeVar

from mcu.media.picture.state import ContentPlace, H264Profile, Rung, View
from mcu.media.spec import CodecSpec, ConferenceSpec, LegSpec, RecordingSpec, VideoSpec

Key = TypeVar("Key", bound=Hashable)

# Sizes that are made, largest first, each with the least rate at which it looks better than the next smaller one
# (requirement MCU-8: 1080p30 in 1 Mbit/s, 720p30 in 768 kbit/s).
SIZES = (
    (1920, 1080, 1_000_000), (1280, 720, 600_000), (848, 480, 512_000), (640, 360, 160_000), (416, 234, 128_000),
    (320, 180, 0),
)  # fmt: skip

# Pictures per second that are made; what a receiver takes is rounded down to these, so that few canvases serve all.
FRAME_RATES = (60, 50, 30, 25, 20, 15, 10, 5)

# A size is sent at more than 30 pictures a second where the rate is so many times its least: motion first needs detail.
_FAST_FACTOR = 2
_USUAL_RATE = 30

# Rates are rounded down to these, so that receivers whose limits differ by little share an encoder; bit/s.
RATES = (
    8_000_000, 6_000_000, 4_000_000, 3_000_000, 2_000_000, 1_500_000, 1_000_000, 768_000, 640_000, 512_000, 384_000,
    256_000, 128_000, 64_000,
)  # fmt: skip

# What a receiver may announce to send when it needs a key frame, or packets again.
_KEY_FRAME_REQUESTS = frozenset({"pli", "fir", "nack"})

OLD_CODECS = frozenset({"H263-2000", "H263-1998", "H263", "H261"})
# 4CIF, CIF, QCIF, each with the least rate at which it looks better than the next smaller one.
_OLD_SIZES = ((704, 576, 384_000), (352, 288, 64_000), (176, 144, 0))
_ENOUGH_OLD = {(704, 576): 2_000_000, (352, 288): 768_000, (176, 144): 256_000}

# Pictures smaller than full size need less for the same quality.
_ENOUGH = {
    (1920, 1080): 8_000_000, (1280, 720): 2_000_000, (848, 480): 1_000_000, (640, 360): 768_000, (416, 234): 384_000,
    (320, 180): 256_000,
}  # fmt: skip

# Slices for receivers that take single NAL units only (RFC 6184 packetization-mode 0) must fit one packet.
MODE_0_SLICE = 1150

# And for those that take fragments, but cannot ask for a lost one: of a slice that is one packet nothing else is lost.
PLAIN_SLICE = 1100

# profile_idc, the first octet of profile-level-id (ITU-T H.264 A.2), to the profile that the encoder is told.
_PROFILES: dict[str, H264Profile] = {"42": "baseline", "4d": "main", "58": "main", "64": "high"}


def rung_for_leg(conference: ConferenceSpec, video: VideoSpec) -> Rung:
    """The rung that serves this leg, at most as large as the conference's own picture."""
    rung = _rung(
        min(conference.width, video.max_width),
        min(conference.height, video.max_height),
        _frame_rate(min(conference.frame_rate, video.max_frame_rate)),
        min(conference.bitrate, video.max_bitrate),
        video.send_codec,
    )
    return _refreshed(rung, video)


def _refreshed(rung: Rung, video: VideoSpec) -> Rung:
    """Renewed bit by bit where the receiver has no means to ask for a key frame, nor for a lost packet."""
    return rung if rung.codec != "H264" or video.feedback & _KEY_FRAME_REQUESTS else _renewed(rung)


def _renewed(rung: Rung) -> Rung:
    """Each slice is a packet as well: without one of those the rest of the picture can be decoded."""
    return replace(rung, intra_refresh=True, max_slice=rung.max_slice or PLAIN_SLICE)


def _with_key_frames(rung: Rung) -> Rung:
    slices = None if rung.max_slice == PLAIN_SLICE else rung.max_slice
    return replace(rung, intra_refresh=False, max_slice=slices)


# What is shared is rather slow than small or blurred: pictures a second by the rate they must do with, bit/s.
CONTENT_RATES = ((2_000_000, 30), (1_000_000, 15), (0, 5))

# The least rate that whole slides are sent at, of the sizes above; letters are lost with size, not with time.
_CONTENT_SIZES = ((1920, 1080, 384_000), (1280, 720, 128_000), (640, 360, 0), (320, 180, 0))


# While something is shared, so much of a call's rate is for it: it is what all look at.
CONTENT_SHARE = 2 / 3


_STEPS = sorted({*RATES, *(least for *_, least in (*SIZES, *_CONTENT_SIZES)), *(least for least, _ in CONTENT_RATES)})


def step_of(rate: int | None) -> int:
    """The step of the ladder that a rate is on, bit/s or None for any: within one step the rung does not change."""
    return len(_STEPS) if rate is None else bisect_right(_STEPS, rate)


def split(leg: LegSpec) -> tuple[VideoSpec | None, VideoSpec | None]:
    """Main and second picture of a leg while it gets both, within what they may take together."""
    video, content, both = leg.video, leg.content, leg.picture_bitrate
    if video is None or content is None or both is None or video.max_bitrate + content.max_bitrate <= both:
        return video, content
    second = min(content.max_bitrate, max(int(both * CONTENT_SHARE), both - video.max_bitrate))
    return (
        video.model_copy(update={"max_bitrate": min(video.max_bitrate, both - second)}),
        content.model_copy(update={"max_bitrate": second}),
    )


def rung_for_content(conference: ConferenceSpec, video: VideoSpec) -> Rung:
    """The rung that serves a leg's second picture: resolution first."""
    bitrate = min(conference.bitrate, video.max_bitrate)
    width, height = next(
        (
            (width, height)
            for width, height, least in _CONTENT_SIZES
            if width <= video.max_width and height <= video.max_height and bitrate >= least
        ),
        _CONTENT_SIZES[-1][:2],
    )
    fluent = next(frame_rate for least, frame_rate in CONTENT_RATES if bitrate >= least)
    frame_rate = min(fluent, conference.frame_rate, video.max_frame_rate)
    rung = _coded(width, height, frame_rate, bitrate, video.send_codec)
    return replace(_refreshed(rung, video), view=View(content=ContentPlace.ALONE))


def share_renewed(rungs: Mapping[Key, Rung], recording: bool) -> dict[Key, Rung]:
    """Few encoders for those who can ask for key frames and those who cannot.

    While something is recorded there are key frames all the time, which serve everybody. Otherwise a picture that
    renews itself serves also those who can ask.
    """
    if recording:
        return {key: _with_key_frames(rung) for key, rung in rungs.items()}
    renewed = {rung for rung in rungs.values() if rung.intra_refresh}
    twins = {key: _renewed(rung) for key, rung in rungs.items()}
    return {key: twins[key] if twins[key] in renewed else rung for key, rung in rungs.items()}


def rung_for_recording(conference: ConferenceSpec, recording: RecordingSpec) -> Rung:
    """The rung that is recorded: what a browser gets at the same size, so that both share one encoder."""
    codec = CodecSpec(
        name="H264",
        payload_type=96,
        clock_rate=90_000,
        parameters={"packetization-mode": "1", "profile-level-id": "42e01f"},
    )
    return _rung(
        min(conference.width, recording.width),
        min(conference.height, recording.height),
        _frame_rate(min(conference.frame_rate, recording.frame_rate)),
        min(conference.bitrate, recording.bitrate),
        codec,
    )


def _rung(width: int, height: int, frame_rate: int, bitrate: int, codec: CodecSpec) -> Rung:
    if codec.name in OLD_CODECS:
        return _old_rung(width, height, frame_rate, bitrate, codec)
    width, height, least = _size(width, height, bitrate)
    if frame_rate > _USUAL_RATE and bitrate < least * _FAST_FACTOR:
        frame_rate = _USUAL_RATE
    return _coded(width, height, frame_rate, bitrate, codec)


def _frame_rate(most: int) -> int:
    return next((rate for rate in FRAME_RATES if rate <= most), most)


def _old_rung(width: int, height: int, frame_rate: int, bitrate: int, codec: CodecSpec) -> Rung:
    """H.263 and H.261 know a few sizes only, all 4:3."""
    width, height = next(
        (
            (old_width, old_height)
            for old_width, old_height, least in _OLD_SIZES
            if old_width <= width and old_height <= height and bitrate >= least
        ),
        _OLD_SIZES[-1][:2],
    )
    rate = next((rate for rate in RATES if rate <= min(bitrate, _ENOUGH_OLD[width, height])), RATES[-1])
    return Rung(width, height, frame_rate, rate, "H261" if codec.name == "H261" else "H263")


def _coded(width: int, height: int, frame_rate: int, bitrate: int, codec: CodecSpec) -> Rung:
    rate = next((rate for rate in RATES if rate <= min(bitrate, _ENOUGH[width, height])), RATES[-1])
    if codec.name == "VP8":
        return Rung(width, height, frame_rate, rate, "VP8", None, "baseline")
    mode_0 = codec.parameters.get("packetization-mode", "0") == "0"
    profile = _PROFILES.get(codec.parameters.get("profile-level-id", "42e01f")[:2].lower(), "baseline")
    return Rung(width, height, frame_rate, rate, "H264", MODE_0_SLICE if mode_0 else None, profile)


def _size(width: int, height: int, bitrate: int) -> tuple[int, int, int]:
    for size in SIZES:
        if size[0] <= width and size[1] <= height and bitrate >= size[2]:
            return size
    return SIZES[-1]
