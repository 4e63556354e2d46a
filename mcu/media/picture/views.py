"""Who sees what: the view of a leg, pure. Equal needs give equal views, and so one canvas and one encoder."""

from __future__ import annotations

from collections.abc import Mapping

from layouts.automatic import layout_named
from mcu.media.picture.state import COMMON_VIEW, View
from mcu.media.spec import ConferenceSpec, LegSpec


def view_for_leg(conference: ConferenceSpec, leg: LegSpec) -> View:
    """What this leg is shown.

    The one whom all others watch sees all of them, like before. A layout that divides the canvas as the conference's
    own does is the common view. Raises nothing: a choice that means nothing (any more) gives the common view.
    """
    present = {other.id for other in conference.legs}
    common = conference.watch if conference.watch in present else None
    if leg.watch is not None and leg.watch in present:
        return COMMON_VIEW if leg.watch == common else View(watched=leg.watch)
    if leg.layout is None and leg.id != common:
        return COMMON_VIEW
    try:
        layout = layout_named(leg.layout or conference.layout, len(present))
        if common is None and layout == layout_named(conference.layout, len(present)):
            return COMMON_VIEW
    except KeyError:
        return COMMON_VIEW
    return View(layout=layout.name)


def notices(legs: Mapping[str, LegSpec], views: Mapping[str, View]) -> dict[View, str]:
    """The notices of views that one leg has for itself; ``views`` are those of the legs that get pictures.

    A notice in a shared view would reach others, and another encoder for three seconds of text is too dear.
    """
    found: dict[View, str] = {}
    watchers = list(views.values())
    for leg_id, view in views.items():
        text = legs[leg_id].notice
        if text and view != COMMON_VIEW and watchers.count(view) == 1:
            found[view] = text
    return found
