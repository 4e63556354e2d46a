"""What is left to compose for those who are forwarded to."""

from __future__ import annotations

from dataclasses import replace

from mcu.media.forwarding.composed import composed_people, without_forwarded
from mcu.media.picture.outlets import Outlet
from mcu.media.picture.state import ContentPlace, Rung, View
from mcu.media.spec import LegSpec
from tests.media.forwarding.browsers import leg

RUNG = Rung(1280, 720, 30, 1_000_000)
LEGS = {"ann": leg("ann", 1), "bob": leg("bob", 2)}
ROOM = frozenset({"room"})


def left(rungs: dict[Outlet, Rung], people: frozenset[str] | None, *, shared: bool = False) -> dict[Outlet, View]:
    def remainder(one: LegSpec) -> frozenset[str] | None:
        return people if one.id == "ann" else None

    return {outlet: rung.view for outlet, rung in without_forwarded(rungs, LEGS, remainder, shared=shared).items()}


def test_only_who_cannot_be_forwarded_is_composed() -> None:
    both: dict[Outlet, Rung] = {("ann", "video"): replace(RUNG, view=View(layout="4")), ("bob", "video"): RUNG}
    assert left(both, None) == {("ann", "video"): View(layout="4"), ("bob", "video"): View()}
    assert left(both, ROOM) == {("ann", "video"): View(among=ROOM), ("bob", "video"): View()}
    assert left(both, frozenset()) == {("bob", "video"): View()}


def test_what_is_shared_is_seen_all_the_same() -> None:
    inside: dict[Outlet, Rung] = {("ann", "video"): RUNG}
    assert left(inside, frozenset(), shared=True) == {("ann", "video"): View(content=ContentPlace.ALONE)}
    assert left(inside, ROOM, shared=True) == {("ann", "video"): View(among=ROOM)}
    beside: dict[Outlet, Rung] = {
        ("ann", "video"): replace(RUNG, view=View(content=ContentPlace.OUTSIDE)),
        ("ann", "content"): replace(RUNG, view=View(content=ContentPlace.ALONE)),
    }
    assert left(beside, frozenset(), shared=True) == {("ann", "content"): View(content=ContentPlace.ALONE)}


def test_nobody_is_decoded_who_is_in_no_picture() -> None:
    everybody = ("ann", "bob", "room")
    assert composed_people([], everybody) == frozenset()
    assert composed_people([replace(RUNG, view=View(content=ContentPlace.ALONE))], everybody) == frozenset()
    assert composed_people([replace(RUNG, view=View(among=frozenset({"room", "gone"})))], everybody) == ROOM
    assert composed_people([RUNG], everybody) == frozenset(everybody)
