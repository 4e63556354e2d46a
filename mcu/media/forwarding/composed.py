"""What is left to compose where pictures are forwarded. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from mcu.media.forwarding.codecs import can_be_shown, can_get_shared, gives_pictures, is_forwarded, usual_codec
from mcu.media.picture.outlets import Outlet
from mcu.media.picture.state import ContentPlace, Rung, View
from mcu.media.spec import ConferenceSpec, LegSpec

_SLIDES_ALONE = frozenset({ContentPlace.ALONE, ContentPlace.SWAPPED})


def without_forwarded(
    rungs: Mapping[Outlet, Rung],
    legs: Mapping[str, LegSpec],
    remainder: Callable[[LegSpec], frozenset[str] | None],
    *,
    shared: bool,
) -> dict[Outlet, Rung]:
    """The rungs where those who are forwarded to get only the people in their ``remainder``, and what is ``shared``.

    A picture that nobody and nothing is left in is not made at all.
    """
    left = {}
    for outlet, rung in rungs.items():
        people = remainder(legs[outlet[0]]) if outlet[0] in legs else None
        view = rung.view if people is None else _view(rung.view, people, shared=shared)
        if view is not None:
            left[outlet] = replace(rung, view=view)
    return left


def planned_remainder(spec: ConferenceSpec, viewer: LegSpec) -> frozenset[str] | None:
    """Who has to be composed for a leg as far as descriptions tell; None for all."""
    if not is_forwarded(viewer) or spec.page is not None:
        return None
    return frozenset(
        leg.id
        for leg in spec.legs
        if leg.id != viewer.id and gives_pictures(leg) and not can_be_shown(viewer, leg, usual_codec(leg.video))
    )


def gets_shared(spec: ConferenceSpec, viewer: LegSpec) -> bool:
    """Whether a leg gets as it is what is shared, as far as descriptions tell."""
    sharer = next((leg for leg in spec.legs if leg.id == spec.content_from), None)
    if sharer is None or spec.page is not None:
        return False
    return can_get_shared(viewer, sharer, usual_codec(sharer.content))


def composes_shared(rungs: Iterable[Rung]) -> bool:
    """Whether what is shared is in one of these."""
    return any(rung.view.content is not ContentPlace.OUTSIDE for rung in rungs)


def composed_people(rungs: Iterable[Rung], people: Iterable[str]) -> frozenset[str]:
    """Whose pictures may be in one of these."""
    everybody = frozenset(people)
    found: frozenset[str] = frozenset()
    for rung in rungs:
        if rung.view.content in _SLIDES_ALONE:
            continue
        found |= everybody if rung.view.among is None else rung.view.among & everybody
    return found


def _view(view: View, people: frozenset[str], *, shared: bool) -> View | None:
    if view.content in _SLIDES_ALONE:
        return view
    if people:
        return View(content=view.content, among=people)
    return View(content=ContentPlace.ALONE) if shared and view.content is not ContentPlace.OUTSIDE else None
