"""Layers of items on one picture that stays: what has changed is painted anew, with all that lies over and under it.

A layer is a tuple of items, bottom to top. When a layer is given again as the very same tuple, nothing of it is looked
at, so a picture at rest costs next to nothing, and one that moves costs what moves. The painting itself is done by
compiled code, for all places at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from layouts.geometry import Rect
from mcu.media.picture._paint import MOST_STROKES
from mcu.media.picture.items import Item, difference, intersection
from mcu.media.picture.planes import Planes

if TYPE_CHECKING:
    from mcu.media.picture._paint import Stroke

Layer = tuple[Item, ...]

_Bounds = tuple[int, int, int, int]
"""Left, top, right and bottom of all that is in a layer."""


# When so many scattered places of a picture are out of date, it is painted as a whole.
_MOST_PLACES = 200


class Compositor:
    """Keeps ``picture`` showing the layers that it was last given. Not thread-safe.

    There may be several pictures to paint on in turn, all of one size; each is painted only where it is out of date.
    """

    def __init__(self, picture: Planes) -> None:
        self.picture = picture
        self._layers: list[Layer] = []
        self._bounds: list[_Bounds] = []
        self._outdated: dict[Planes, dict[Rect, None]] = {}
        self.turn_to(picture)

    def turn_to(self, picture: Planes) -> None:
        """Paint on ``picture`` from now on, at the next ``show``."""
        self.picture = picture
        self._outdated.setdefault(picture, {Rect(0, 0, *picture.size): None})

    def show(self, layers: Sequence[Layer]) -> bool:
        """Make the picture show ``layers``, bottom to top; True when anything changed.

        The lowest layer has to cover the picture, and all items have to lie inside it and have an area.
        """
        damage = self._take(layers)
        if damage:
            for outdated in self._outdated.values():
                _add(outdated, damage)
                if len(outdated) > _MOST_PLACES:
                    outdated.clear()
                    outdated[Rect(0, 0, *self.picture.size)] = None
        places = self._outdated[self.picture]
        strokes: list[Stroke] = []
        for rect in places:
            self._add_strokes(strokes, rect)
        places.clear()
        for first in range(0, len(strokes), MOST_STROKES):
            self.picture.paint(strokes[first : first + MOST_STROKES])
        return bool(damage)

    def _take(self, layers: Sequence[Layer]) -> list[Rect]:
        """Remember the layers; where they differ from those before, in places that do not overlap."""
        damage: list[Rect] = []
        if len(layers) != len(self._layers):
            self._layers, self._bounds = list(layers), [_bounds(layer) for layer in layers]
            damage = [Rect(0, 0, *self.picture.size)]
        else:
            for index, (before, now) in enumerate(zip(self._layers, layers, strict=True)):
                if now is not before:
                    self._layers[index] = now
                    moving = _moving(before, now)
                    if moving is None:
                        self._bounds[index] = _bounds(now)
                    for rect in _changes(before, now) if moving is None else (moving,):
                        damage += _outside(rect, damage)
        return damage

    def _add_strokes(self, strokes: list[Stroke], rect: Rect) -> None:
        """What paints this place anew, from the topmost opaque item up."""
        left, top, right, bottom = rect.x, rect.y, rect.right, rect.bottom
        parts: list[tuple[Item, Rect]] = []
        for layer, (from_x, from_y, to_x, to_y) in zip(self._layers, self._bounds, strict=True):
            if from_x < right and left < to_x and from_y < bottom and top < to_y:
                for item in layer:
                    part = rect if item.rect is rect else intersection(item.rect, rect)
                    if part is None:
                        continue
                    if item.opaque and part.size == rect.size:
                        parts.clear()  # nothing beneath is seen
                    parts.append((item, part))
        for item, part in parts:
            item.paint(strokes, part)


def _moving(before: Layer, now: Layer) -> Rect | None:
    """The commonest change, told at a glance: the place of the one item that another has taken the place of."""
    if len(before) != len(now):
        return None
    changed = [(old, new) for old, new in zip(before, now, strict=True) if old is not new]
    if len(changed) != 1:
        return None
    old, new = changed[0]
    return new.rect if new.rect is old.rect else None


def _changes(before: Layer, now: Layer) -> list[Rect]:
    """Where two states of a layer differ."""
    if [item for item in before if item in now] != [item for item in now if item in before]:
        return [item.rect for item in (*before, *now)]  # the same ones in another order, or one of them twice
    return [item.rect for item in (*before, *now) if item not in before or item not in now]


def _add(outdated: dict[Rect, None], damage: list[Rect]) -> None:
    """Mark the places of ``damage`` too; none is marked twice."""
    if not outdated:
        outdated.update(dict.fromkeys(damage))
        return
    for rect in damage:
        if rect not in outdated:
            outdated.update(dict.fromkeys(_outside(rect, outdated)))


def _outside(rect: Rect, damage: Iterable[Rect]) -> list[Rect]:
    """What of ``rect`` is in none of ``damage``."""
    left, top, right, bottom = rect.x, rect.y, rect.right, rect.bottom
    parts = [rect]
    for other in damage:
        x, y = other.x, other.y
        if x < right and y < bottom and left < x + other.width and top < y + other.height:
            parts = [rest for part in parts for rest in difference(part, other)]
    return parts


def _bounds(layer: Layer) -> _Bounds:
    rects = [item.rect for item in layer]
    if not rects:
        return 0, 0, 0, 0
    return (
        min([rect.x for rect in rects]),
        min([rect.y for rect in rects]),
        max([rect.right for rect in rects]),
        max([rect.bottom for rect in rects]),
    )
