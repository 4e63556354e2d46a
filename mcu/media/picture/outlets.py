"""What every leg is sent: its view and its rung, for either of its pictures. Pure: equal needs give equal rungs."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Literal

from mcu.media.picture.rungs import OLD_CODECS, rung_for_content, rung_for_leg, share_renewed, split
from mcu.media.picture.state import ContentPlace, Rung, View
from mcu.media.picture.views import views_for_leg
from mcu.media.spec import ConferenceSpec, LegSpec, VideoSpec

Outlet = tuple[str, Literal["video", "content"]]
"""A picture that a leg gets: the leg's id, and which of its two."""

_NOBODY: Mapping[View, str] = MappingProxyType({})

_SLIDES = frozenset({ContentPlace.ALONE, ContentPlace.SWAPPED})


def choose_rungs(
    spec: ConferenceSpec,
    legs: Iterable[LegSpec],
    shared: bool,
    takes: Callable[[str, Literal["video", "content"]], bool],
    leads: Mapping[View, str] = _NOBODY,
    elsewhere: Container[str] = (),
) -> dict[Outlet, Rung]:
    """The rungs that serve these legs of the conference.

    ``shared``: something comes in that is shared. ``takes`` tells whether a leg can be sent its first or second picture
    by now. ``leads``: who has the large tile of a view, and is to see somebody else there. Legs that are ``elsewhere``
    see what is shared by other ways.
    """
    rungs: dict[Outlet, Rung] = {}
    for leg in legs:
        sharing = shared and (leg.id == spec.content_from or leg.id in elsewhere)
        main, other = views_for_leg(
            spec, leg, shared=shared, second=takes(leg.id, "content"), sharing=sharing
        )  # fmt: skip
        main, other = _for_lead(main, leg, leads), None if other is None else _for_lead(other, leg, leads)
        video, content = (leg.video, leg.content) if other is None else _split(leg, main)
        if video is not None and takes(leg.id, "video"):
            rungs[leg.id, "video"] = _rung(spec, video, main)
        if content is not None and other is not None:
            rungs[leg.id, "content"] = _rung(spec, content, other)
    return share_renewed(rungs, recording=bool(spec.recordings))


def _for_lead(view: View, leg: LegSpec, leads: Mapping[View, str]) -> View:
    return replace(view, for_lead=True) if leads.get(view) == leg.id else view


def _split(leg: LegSpec, main: View) -> tuple[VideoSpec | None, VideoSpec | None]:
    """Most of a call's rate is for the slides, in whichever of its pictures they are."""
    if main.content is not ContentPlace.SWAPPED:
        return split(leg)
    content, video = split(leg.model_copy(update={"video": leg.content, "content": leg.video}))
    return video, content


def _rung(spec: ConferenceSpec, video: VideoSpec, view: View) -> Rung:
    # The old codecs have one ladder only.
    slides = view.content in _SLIDES and video.send_codec.name not in OLD_CODECS
    return replace(rung_for_content(spec, video) if slides else rung_for_leg(spec, video), view=view)
