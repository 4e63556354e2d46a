"""In which of its places for voices somebody hears whom. Pure.

A place is in time with the slot of the same number, so a voice is best where its face is; but it does not move while
it sounds.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence


def place_voices(
    before: Sequence[str | None], heard: Sequence[str], faces: Sequence[str | None], silent: Collection[str] = ()
) -> tuple[str | None, ...]:
    """Who is in each place: those who are ``heard``. ``faces`` are in the slots now; ``silent`` ones may move."""
    count = len(before)
    homes = {who: place for place, who in enumerate(faces[:count]) if who is not None}
    places: list[str | None] = [who if who in heard else None for who in before]
    for place, who in enumerate(places):
        if who is not None and who in silent and places[homes.get(who, place)] is None:
            places[place], places[homes[who]] = None, who
    for who in heard:
        if who not in places:
            free = _place(who, places, homes, faces)
            if free is not None:
                places[free] = who
    return tuple(places)


def _place(who: str, places: Sequence[str | None], homes: dict[str, int], faces: Sequence[str | None]) -> int | None:
    """Its face's, else one without a face, else any; the last first, since slots fill from the first on."""
    home = homes.get(who)
    if home is not None and places[home] is None:
        return home
    free = [place for place in reversed(range(len(places))) if places[place] is None]
    faceless = [place for place in free if place >= len(faces) or faces[place] is None]
    return next(iter(faceless + free), None)
