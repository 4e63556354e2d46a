"""Seating and decoration as asked for, checked: pure steps from one to the next."""

from __future__ import annotations

from zoneinfo import available_timezones

from mcu.conference.picture.picture_changes import (
    MAXIMUM_BANNER,
    MAXIMUM_CAPTION,
    MAXIMUM_WATERMARK,
    DecorationChange,
    SeatingChange,
)
from mcu.conference.refusals import CommandRefused, Refusal
from mcu.conference.text import clean_text
from mcu.media.spec import DecorationSpec, SeatingSpec

_TEXTS = {"banner": MAXIMUM_BANNER, "caption": MAXIMUM_CAPTION, "watermark": MAXIMUM_WATERMARK}


def changed_seating(seating: SeatingSpec, change: SeatingChange, present: frozenset[str]) -> SeatingSpec:
    """The seating with this changed, about people who are there. Raises CommandRefused."""
    changed = change.applied_to(seating)
    if changed.mode == "lecture" and changed.lecturer is None:
        raise CommandRefused(Refusal.INVALID, "A lecture needs a lecturer.")
    named = set(changed.pins.values()) | ({changed.lecturer} if changed.lecturer is not None else set())
    if not named <= present:
        raise CommandRefused(Refusal.UNKNOWN_PARTICIPANT, "Whom to seat is not in this conference.")
    if len(set(changed.pins.values())) < len(changed.pins):
        raise CommandRefused(Refusal.INVALID, "Nobody can be pinned to two tiles.")
    return changed


def changed_decoration(decoration: DecorationSpec, change: DecorationChange) -> DecorationSpec:
    """The decoration with this changed, texts printable. Raises CommandRefused for a time zone that is none."""
    changed = change.applied_to(decoration)
    if changed.time_zone is not None and changed.time_zone not in available_timezones():
        raise CommandRefused(Refusal.INVALID, "There is no such time zone; an IANA name is meant, as Asia/Shanghai.")
    return changed.model_copy(
        update={name: clean_text(getattr(changed, name), maximum) for name, maximum in _TEXTS.items()}
    )
