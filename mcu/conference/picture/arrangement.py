"""How a conference looks and sounds to all, and the part of it that a room keeps."""

from __future__ import annotations

from mcu.media.spec import DecorationSpec, LayoutSpec, Model, ProcessingSpec, SeatingSpec

AUTOMATIC_LAYOUT = "auto"


class Arrangement(Model):
    """Layout, seating, decoration and processing of sound.

    ``custom`` is the layout itself where it is not of the catalogue. ``decoration.logo`` is a logo's id here: the
    planner makes the file of it. ``forwarded``: who can get others' pictures as they are does, if it has not chosen;
    ``forwarded_sound``: the same of sound.
    """

    layout: str = AUTOMATIC_LAYOUT
    custom: LayoutSpec | None = None
    seating: SeatingSpec = SeatingSpec()
    decoration: DecorationSpec = DecorationSpec()
    processing: ProcessingSpec = ProcessingSpec()
    forwarded: bool = False
    forwarded_sound: bool = False

    @property
    def lasting(self) -> Arrangement:
        """What a room keeps: everything but who was there. A lecture without its lecturer is none."""
        return self.model_copy(update={"seating": _without_people(self.seating)})


def _without_people(seating: SeatingSpec) -> SeatingSpec:
    mode = "order" if seating.mode == "lecture" else seating.mode
    return seating.model_copy(update={"mode": mode, "lecturer": None, "pins": {}})


def without(seating: SeatingSpec, participant_id: str) -> SeatingSpec:
    """The seating after somebody went: not pinned any more, and nobody's lecturer. The lecture is over then."""
    pins = {tile: pinned for tile, pinned in seating.pins.items() if pinned != participant_id}
    if seating.lecturer == participant_id:
        mode = "order" if seating.mode == "lecture" else seating.mode
        return seating.model_copy(update={"mode": mode, "lecturer": None, "pins": pins})
    return seating if len(pins) == len(seating.pins) else seating.model_copy(update={"pins": pins})


def pinned(seating: SeatingSpec, participant_id: str, tile: int | None) -> SeatingSpec:
    """The seating with somebody pinned to one tile, and to no other; None: to none."""
    pins = {place: one for place, one in seating.pins.items() if one != participant_id and place != tile}
    if tile is not None:
        pins[tile] = participant_id
    return seating.model_copy(update={"pins": pins})
