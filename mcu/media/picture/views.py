"""Who sees what: the view of a leg, pure. Equal needs give equal views, and so one canvas and one encoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from layouts.automatic import AUTOMATIC, layout_for
from layouts.custom import layout_of
from layouts.layout import Layout
from layouts.rules import Mode, SeatingRules, Sitter
from mcu.media.picture.state import COMMON_VIEW, ContentPlace, View
from mcu.media.spec import ConferenceSpec, LegSpec, SeatingSpec

# The lecturer has the class before it one by one, unless it asks for more tiles.
_ONE_BY_ONE = "1"


def seating_rules(spec: SeatingSpec) -> SeatingRules:
    """The same as a value that can be compared and kept in sets."""
    return SeatingRules(
        mode=Mode(spec.mode),
        switch_after=spec.switch_after,
        hold=spec.hold,
        interval=spec.interval,
        lecturer=spec.lecturer,
        pins=tuple(sorted(spec.pins.items())),
        show_without_video=spec.show_without_video,
    )


def own_layouts(conference: ConferenceSpec) -> dict[str, Layout]:
    """The conference's own layouts by name. They were checked before they came here."""
    return {
        one.name: layout_of(one.name, [(cell.left, cell.top, cell.width, cell.height) for cell in one.cells])
        for one in conference.layouts
        if one.cells
    }


def view_for_leg(conference: ConferenceSpec, leg: LegSpec) -> View:
    """What this leg is shown, of the people.

    The one whom all others watch sees all of them, like before; a lecturer sees the class. A layout that divides the
    canvas as the conference's own does is the common view, and hiding oneself makes a picture of its own only where one
    would be in it. Raises nothing: a choice that means nothing (any more) gives the common view.
    """
    present = {other.id for other in conference.legs if not other.hidden}
    common = conference.watch if conference.watch in present else None
    if leg.watch is not None and leg.watch in present:
        return COMMON_VIEW if leg.watch == common else View(watched=leg.watch)
    usual = seating_rules(conference.seating)
    rules = usual if leg.seating is None else seating_rules(leg.seating)
    if common is not None and leg.id != common and leg.layout is None and rules == usual:
        return COMMON_VIEW
    teaching = rules.mode is Mode.LECTURE and rules.lecturer in present
    if teaching and rules.lecturer == leg.id and len(present) > 1:
        return View(leg.layout or _ONE_BY_ONE, seating=_class_in_turn(rules), without=leg.id)
    layout = _own_layout(conference, leg, rules, always=leg.id == common)
    lecturer_alone = teaching and layout is None
    without = leg.id if leg.hide_self and not lecturer_alone and _is_shown(leg, rules) else None
    return View(layout, seating=None if rules == usual else rules, without=without)


def views_for_leg(
    conference: ConferenceSpec, leg: LegSpec, *, shared: bool, second: bool, sharing: bool
) -> tuple[View, View | None]:
    """What the main and the second picture of this leg show; None: it gets no second one.

    ``shared``: something is, by this leg if ``sharing``. ``second``: it can take a second picture.
    """
    view = view_for_leg(conference, leg)
    if not shared:
        return view, None
    if sharing:
        return replace(view, content=ContentPlace.OUTSIDE), None
    if leg.content_choice == "tile":
        return replace(view, content=ContentPlace.TILE), None
    if not second:
        return view, None
    people = replace(view, content=ContentPlace.OUTSIDE)
    if leg.content_choice == "swap":
        return View(content=ContentPlace.SWAPPED), people
    return people, View(content=ContentPlace.ALONE)


def _class_in_turn(rules: SeatingRules) -> SeatingRules:
    """Pins are for the tiles of the class's picture, so they are left out."""
    return SeatingRules(Mode.POLLING, interval=rules.interval, show_without_video=rules.show_without_video)


def _own_layout(conference: ConferenceSpec, leg: LegSpec, rules: SeatingRules, always: bool) -> str | None:
    """The name of the layout that the leg has for itself; None: the conference's. ``always`` names that one too."""
    if leg.layout is None and not always:
        return None
    own = own_layouts(conference)
    people = [
        Sitter(other.id, other.priority, _sends(other))
        for other in conference.legs
        if not other.hidden and not (leg.hide_self and other.id == leg.id)
    ]
    try:
        layout = layout_for(leg.layout or conference.layout, rules, people, own)
        if not always and layout == layout_for(conference.layout, rules, people, own):
            return None
    except KeyError:
        return None
    return layout.name


def face_tiles(conference: ConferenceSpec, view: View) -> tuple[int, bool]:
    """How many people a view shows at most, and whether one of them may have a large tile for its voice."""
    if view.content in (ContentPlace.ALONE, ContentPlace.SWAPPED):
        return 0, False
    present = {other.id for other in conference.legs if not other.hidden}
    watched = conference.watch if replace(view, content=COMMON_VIEW.content) == COMMON_VIEW else view.watched
    rules = view.seating or seating_rules(conference.seating)
    lecture = rules.mode is Mode.LECTURE and view.layout is None and rules.lecturer in present - {view.without}
    if watched in present or lecture:
        return 1, False
    people = [
        Sitter(one.id, one.priority, _sends(one)) for one in conference.legs if one.id in present - {view.without}
    ]
    try:
        layout = layout_for(view.layout or conference.layout, rules, people, own_layouts(conference))
    except KeyError:
        layout = layout_for(AUTOMATIC, rules, people)
    areas = [cell.width * cell.height for cell in layout.cells]
    by_voice = (rules.mode is Mode.VOICE and max(areas) > min(areas)) or (
        len(areas) == 1 and rules.mode is not Mode.POLLING
    )
    return len(areas), by_voice and len(people) > 1


def _sends(leg: LegSpec) -> bool:
    """Whether a picture of the leg may come in."""
    receives = leg.video is not None and leg.video.receive and bool(leg.video.receive_codecs)
    return receives and not leg.camera_muted and not leg.held


def _is_shown(leg: LegSpec, rules: SeatingRules) -> bool:
    """Whether the leg may come into pictures with these rules."""
    return not leg.hidden and rules.may_seat(Sitter(leg.id, leg.priority, _sends(leg)))


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
