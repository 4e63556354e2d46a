"""Who is where in every picture of a conference, as time goes on. Pure: the time is passed in."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from layouts.automatic import AUTOMATIC, layout_for
from layouts.catalogue import CATALOGUE
from layouts.grids import grid
from layouts.layout import Cell, Layout
from layouts.rules import Mode, SeatingRules, Sitter
from layouts.seating import Seating
from layouts.sharing import beside_content
from layouts.speech import Speech
from mcu.media.picture.canvas_worker import Scene, decorated
from mcu.media.picture.planes import Size
from mcu.media.picture.state import COMMON_VIEW, CanvasFormat, ContentPlace, PictureSource, PictureState, View

logger = logging.getLogger(__name__)

_FOR_CONTENT = frozenset(name for name in CATALOGUE if name.startswith("content+"))

# How long before its turn somebody's picture is decoded, in seconds: time for a key frame to be asked for and to come.
_AHEAD = 1.0

# Tiles of equal size differ by rounding.
_LARGER = 1.05

Seats = tuple[PictureSource | None, ...]


class Scenes:
    """Makes scenes of a state. Pictures of one view, whatever their size, have the same people in the same tiles.

    ``sends`` tells whether pictures of a source come in at all.
    """

    def __init__(self, conference_id: str, sends: Callable[[str], bool]) -> None:
        self._conference_id = conference_id
        self._sends = sends
        self._state = PictureState()
        self._people: dict[str, PictureSource] = {}
        self._speech = Speech()
        self._seatings: dict[View, Seating] = {}
        self._leads: dict[View, str] = {}
        self._unknown: set[str] = set()

    def apply(self, state: PictureState) -> None:
        """From now on scenes are of ``state``."""
        self._state = state
        ordered = sorted(state.sources, key=lambda source: source.order)
        self._people = {source.id: source for source in ordered if not source.hidden}
        self._speech.keep({source.id for source in ordered})

    def speaks(self, source_id: str | None, now: float) -> None:
        """From ``now`` on, ``source_id`` speaks; None is silence."""
        self._speech.speaks(source_id, now)

    def keep(self, views: Collection[View]) -> None:
        """Forget who sat where in all other views."""
        views = {replace(view, for_lead=False) for view in views}
        self._seatings = {view: seating for view, seating in self._seatings.items() if view in views}
        self._leads = {view: lead for view, lead in self._leads.items() if view in views}

    def leads(self) -> Mapping[View, str]:
        """Who has a larger tile than others for its voice, in the views that have such a one, as last asked for."""
        return dict(self._leads)

    def next_deadline(self, now: float) -> float | None:
        """When scenes may change although nothing else does, or somebody is ``expected``."""
        deadlines = [seating.next_deadline() for seating in self._seatings.values()]
        return min((due - _AHEAD if due - _AHEAD > now else due for due in deadlines if due is not None), default=None)

    def expected(self, form: CanvasFormat, now: float) -> list[tuple[str, Size]]:
        """Whose turn comes soon in this canvas, and a size to have their pictures in: so decoding has begun by then."""
        seating = self._seatings.get(replace(form.view, for_lead=False))
        due = None if seating is None else seating.next_deadline()
        if seating is None or due is None or now < due - _AHEAD:
            return []
        size = self.scene(form, now).tiles[0].size
        return [(who, size) for who in seating.expected if who in self._people and self._people[who].has_picture]

    def hides_silent(self) -> bool:
        """Whether it matters to any picture who sends nothing."""
        return any(not seating.rules.show_without_video for seating in self._seatings.values())

    def scene(self, form: CanvasFormat, now: float) -> Scene:
        """What a canvas shows at ``now``."""
        state, view = self._state, form.view
        if state.page is not None:
            return Scene((), (), page=state.page)
        if view.content in (ContentPlace.ALONE, ContentPlace.SWAPPED):
            # Nothing is written over slides.
            layout, seats = grid(1), _only(None if state.content is None else replace(state.content, name=""))
        else:
            layout, seats = self._seated(view, now)
        tiles = layout.tiles(form.width, form.height)
        current = self._people.get(self._speech.current or "")
        speaker = seats.index(current) if current is not None and current in seats and len(seats) > 1 else None
        scene = Scene(tiles, seats, speaker, state.notices.get(view, ""))
        return decorated(scene, state, view)

    def _seated(self, view: View, now: float) -> tuple[Layout, Seats]:
        content = None if view.content is ContentPlace.OUTSIDE else self._state.content
        in_tile = view.content is ContentPlace.TILE
        rules = view.seating or self._state.seating
        alone = self._alone(view, rules)
        if alone is not None:
            self._leads.pop(replace(view, for_lead=False), None)
            if content is None:
                return grid(1), (alone,)
            return (grid(2), (alone, content)) if in_tile else (beside_content(1), (content, alone))
        people = [
            Sitter(one.id, one.priority, one.has_picture and self._sends(one.id))
            for one in self._people.values()
            if one.id != view.without and (view.among is None or one.id in view.among)
        ]
        seating = self._seating(view, rules)
        layout = self._layout(view, rules, people, others=1 if in_tile and content is not None else 0)
        if content is None:
            return layout, self._faces(view, seating, people, layout.cells, now)
        if not in_tile:
            layout = self._beside_content(layout, rules, people)
        cells = layout.cells[:-1] if in_tile else layout.cells[1:]
        faces = self._faces(view, seating, people, cells, now)
        return layout, _with_tile(faces, content) if in_tile else (content, *faces)

    def _alone(self, view: View, rules: SeatingRules) -> PictureSource | None:
        """Who has the picture alone: is watched, is shown to all, or gives a lecture."""
        if view.among is not None:
            return None
        common = replace(view, content=COMMON_VIEW.content, for_lead=False) == COMMON_VIEW
        watched = self._people.get((self._state.watched if common else view.watched) or "")
        if watched is not None or view.layout is not None or rules.mode is not Mode.LECTURE:
            return watched
        return self._people.get(rules.lecturer or "") if rules.lecturer != view.without else None

    def _faces(
        self, view: View, seating: Seating, people: Sequence[Sitter], cells: Sequence[Cell], now: float
    ) -> Seats:
        seats = seating.seats(people, len(cells), self._speech, now)
        usual = replace(view, for_lead=False)
        if seating.lead is not None and _stands_out(cells, seats.index(seating.lead)):
            self._leads[usual] = seating.lead
            seats = seating.seats_for_lead(seats) if view.for_lead else seats
        else:
            self._leads.pop(usual, None)
        return tuple(self._people[one] if one is not None else None for one in seats)

    def _seating(self, view: View, rules: SeatingRules) -> Seating:
        """Who sat where in a view; at first in the order of the picture that all see."""
        view = replace(view, for_lead=False)
        seating = self._seatings.get(view)
        if seating is not None and seating.rules != rules:
            # Who changes the rules wants them followed, and not what is left of others.
            seating = self._seatings[view] = Seating(rules)
        if seating is None:
            usual = self._seatings.get(COMMON_VIEW)
            order = [] if usual is None else sorted(usual.taken, key=usual.taken.__getitem__)
            before = {who: tile for tile, who in enumerate(who for who in order if who != view.without)}
            seating = self._seatings[view] = Seating(rules, before)
        return seating

    def _beside_content(self, chosen: Layout, rules: SeatingRules, people: Sequence[Sitter]) -> Layout:
        """What is shared is large, unless the chosen layout was made for such or is the conference's own."""
        own = chosen.name in self._state.layouts and len(chosen.cells) > 1
        if own or chosen.name in _FOR_CONTENT:
            return chosen
        count = sum(1 for one in people if rules.may_seat(one))
        if rules.mode in (Mode.VOICE, Mode.POLLING):
            # These have an order of their own, and who asked for few faces sees as few beside what is shared.
            count = min(count, len(chosen.cells))
        return beside_content(count)

    def _layout(self, view: View, rules: SeatingRules, people: Sequence[Sitter], others: int) -> Layout:
        name = view.layout or self._state.layout
        try:
            return layout_for(name, rules, people, self._state.layouts, others=others)
        except KeyError:
            if name not in self._unknown:
                self._unknown.add(name)
                logger.warning("conference %s: no layout %r; automatic instead", self._conference_id, name)
            return layout_for(AUTOMATIC, rules, people, others=others)


def _stands_out(cells: Sequence[Cell], tile: int) -> bool:
    """Whether a tile is the only one, or larger than some other."""
    areas = [cell.width * cell.height for cell in cells]
    return len(areas) == 1 or float(areas[tile]) > _LARGER * float(min(areas))


def _only(source: PictureSource | None) -> Seats:
    return (source,)


def _with_tile(faces: Seats, content: PictureSource) -> Seats:
    """The content in the first tile that nobody has, the last one else."""
    if None not in faces:
        return (*faces, content)
    free = faces.index(None)
    return (*faces[:free], content, *faces[free + 1 :], None)
