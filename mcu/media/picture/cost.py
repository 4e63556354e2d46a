"""What the pictures of a conference cost, in ports (requirement MCU-13). Pure.

A port is one picture of 1080p30 composed and encoded: 1080p60 takes two, 720p30 a half, anything of standard definition
a quarter. Encoders are shared, so what counts is how many different pictures there are, not how many get them. Decoding
what comes in takes parts of ports too, but only of those who can be seen at the same time. What is forwarded as it is
takes none: nothing of it is decoded, composed or encoded.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from mcu.media.forwarding.composed import (
    composed_people,
    composes_shared,
    gets_shared,
    planned_remainder,
    without_forwarded,
)
from mcu.media.picture.outlets import Outlet, choose_rungs
from mcu.media.picture.rungs import rung_for_recording
from mcu.media.picture.state import ContentPlace, Rung, View
from mcu.media.picture.views import face_tiles
from mcu.media.spec import ConferenceSpec, LegSpec, VideoSpec

RATE = 30
"""Pictures per second of a port."""

# The least sizes that are no more standard definition, and no more 720p, with the ports that they take at RATE.
_CLASSES = ((1280 * 720, 1.0), (704 * 576, 0.5), (0, 0.25))

# What we take of a source's rate: cameras send no more, and slides stand still most of the time.
_SOURCE_RATE, _SLIDES_RATE = 30, 10


@dataclass(frozen=True)
class Shares:
    """How the work on one port divides, and what one 1080p30 source is beside it: decoding, and scaling to its tile."""

    encoding: float = 0.75
    composing: float = 0.25
    decoding: float = 0.28


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
    elsewhere = {leg.id for leg in spec.legs if shared and gets_shared(spec, leg)}
    takes = choose_rungs(
        spec, spec.legs, shared, lambda leg_id, media: _takes(legs[leg_id], media), elsewhere=elsewhere
    )
    chosen = without_forwarded(takes, legs, lambda leg: planned_remainder(spec, leg), shared=shared)
    rungs |= set(chosen.values())
    rungs |= _for_leads(spec, chosen)
    encoding = sum(weight(rung.width, rung.height, rung.frame_rate) for rung in rungs)
    composing = sum(weight(form.width, form.height, form.frame_rate) for form in {rung.canvas for rung in rungs})
    people = composed_people(rungs, legs)
    seen = (leg for leg in spec.legs if _is_seen(leg) and leg.id in people)
    sources = sorted((_source(leg.video, _SOURCE_RATE) for leg in seen), reverse=True)
    decoding = sum(sources[: _seen_at_once(spec, {rung.view for rung in rungs})])
    if shared and sharer is not None and composes_shared(rungs):
        decoding += _source(sharer.content, _SLIDES_RATE)
    if spec.page is not None:
        decoding = 0.0
    return encoding * shares.encoding + composing * shares.composing + decoding * shares.decoding


def _for_leads(spec: ConferenceSpec, chosen: Mapping[Outlet, Rung]) -> set[Rung]:
    """Where somebody is large for its voice, it has another picture: at most like the best of that view."""
    views: dict[View, list[Rung]] = {}
    for rung in chosen.values():
        views.setdefault(rung.view, []).append(rung)
    return {
        replace(max(rungs, key=lambda rung: weight(rung.width, rung.height, rung.frame_rate)), view=led)
        for view, rungs in views.items()
        if len(rungs) > 1 and (led := replace(view, for_lead=True)) not in views and _may_have_lead(spec, view)
    }


def _may_have_lead(spec: ConferenceSpec, view: View) -> bool:
    return view.content not in (ContentPlace.ALONE, ContentPlace.SWAPPED) and face_tiles(spec, view)[1]


def _seen_at_once(spec: ConferenceSpec, views: Collection[View]) -> int:
    """How many faces can be in all pictures together; one more is made ready for the next to be seen."""
    return 1 + sum(face_tiles(spec, view)[0] for view in views)


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
