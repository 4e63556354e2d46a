"""What the pictures of a conference cost, in ports (requirement MCU-13). Pure.

A port is one picture of 1080p30 composed and encoded: 1080p60 takes two, 720p30 a half, anything of standard definition
a quarter. Encoders are shared, so what counts is how many different pictures there are, not how many get them. Decoding
what comes in takes parts of ports too.
"""

from __future__ import annotations

from dataclasses import dataclass

from mcu.media.picture.outlets import choose_rungs
from mcu.media.picture.rungs import rung_for_recording
from mcu.media.spec import ConferenceSpec, LegSpec, VideoSpec

RATE = 30
"""Pictures per second of a port."""

# The least sizes that are no more standard definition, and no more 720p, with the ports that they take at RATE.
_CLASSES = ((1280 * 720, 1.0), (704 * 576, 0.5), (0, 0.25))

# What we take of a source's rate: cameras send no more, and slides stand still most of the time.
_SOURCE_RATE, _SLIDES_RATE = 30, 10


@dataclass(frozen=True)
class Shares:
    """How the work on one port divides, and what decoding one 1080p30 source is beside it."""

    encoding: float = 0.75
    composing: float = 0.25
    decoding: float = 0.35


def weight(width: int, height: int, frame_rate: float) -> float:
    """Ports that a picture of this size and rate takes as a whole."""
    pixels = width * height
    return next(ports for limit, ports in _CLASSES if pixels > limit) * frame_rate / RATE


def cost(spec: ConferenceSpec, shares: Shares) -> float:
    """Ports that a conference's pictures take: encoders, canvases, and what is decoded.

    Counted for all legs as if their media flowed: capacity that is promised must be there when they do.
    """
    rungs = {rung_for_recording(spec, recording) for recording in spec.recordings}
    sharer = next((leg for leg in spec.legs if leg.id == spec.content_from), None)
    shared = sharer is not None and sharer.content is not None and sharer.content.receive and not sharer.held
    legs = {leg.id: leg for leg in spec.legs}
    rungs |= set(choose_rungs(spec, spec.legs, shared, lambda leg_id, media: _takes(legs[leg_id], media)).values())
    encoding = sum(weight(rung.width, rung.height, rung.frame_rate) for rung in rungs)
    composing = sum(weight(form.width, form.height, form.frame_rate) for form in {rung.canvas for rung in rungs})
    decoding = sum(_source(leg.video, _SOURCE_RATE) for leg in spec.legs if _is_seen(leg))
    if shared and sharer is not None:
        decoding += _source(sharer.content, _SLIDES_RATE)
    if spec.page is not None:
        decoding = 0.0
    return encoding * shares.encoding + composing * shares.composing + decoding * shares.decoding


def _takes(leg: LegSpec, media: str) -> bool:
    video = leg.content if media == "content" else leg.video
    return video is not None and video.send and not leg.held


def _is_seen(leg: LegSpec) -> bool:
    return not (leg.hidden or leg.camera_muted or leg.held)


def _source(video: VideoSpec | None, rate: int) -> float:
    """A peer sends what it can take: devices of one size and the other are rare."""
    if video is None or not video.receive:
        return 0.0
    return weight(video.max_width, video.max_height, min(rate, video.max_frame_rate))
