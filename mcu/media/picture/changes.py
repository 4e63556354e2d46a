"""From one scene to the next without a flash. Pure: the time is passed in.

A canvas goes on showing what it shows until the pictures of the next scene are there in the sizes of its tiles. Until
then sources are scaled for both scenes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from mcu.media.picture.canvas_worker import Scene
from mcu.media.picture.planes import Size
from mcu.media.picture.state import CanvasFormat

PATIENCE = 0.6
"""Seconds that a change waits for pictures: time for a key frame to be asked for and to come from far away. Whoever has
none by then gets a placeholder."""

LINGERING = 0.2
"""Seconds that the sizes of a scene are kept after it: a canvas may be in the middle of composing it."""

# How often a change looks whether the pictures it waits for are there: less than a picture's time.
_LOOK_EVERY = 0.01

Awaited = Callable[[str, Size], bool]
"""Whether the picture of a source in the size of a tile is still to come."""


class SceneChange:
    """What one canvas shows, and what it is to show next."""

    def __init__(self) -> None:
        self.shown: Scene | None = None
        """None until the first scene is ready."""
        self._coming: Scene | None = None
        self._give_up_at = 0.0
        self._leaving: Scene | None = None
        self._left_at = float("-inf")

    def want(self, scene: Scene, now: float) -> None:
        """This is what the canvas is to show, as soon as that can be."""
        if scene == self.shown:
            self._coming = None
            return
        if self._coming is None:
            # Changes that come while one is waited for do not put it off.
            self._give_up_at = now + PATIENCE
        self._coming = scene

    def proceed(self, awaited: Awaited, now: float) -> bool:
        """Go on to the next scene if it is ready, or has been waited for long enough; True when that was so."""
        coming = self._coming
        if coming is None or (now < self._give_up_at and any(awaited(*one) for one in _pictures(coming))):
            return False
        if self.shown is not None:
            self._leaving, self._left_at = self.shown, now
        self.shown, self._coming = coming, None
        return True

    @property
    def waiting(self) -> bool:
        """Whether a change waits for pictures."""
        return self._coming is not None

    def pictures(self, now: float) -> Iterator[tuple[str, Size]]:
        """Which sources are needed in which sizes."""
        if self._leaving is not None and now >= self._left_at + LINGERING:
            self._leaving = None
        for scene in (self._leaving, self.shown, self._coming):
            if scene is not None:
                yield from _pictures(scene)

    def next_deadline(self) -> float | None:
        """When ``pictures`` will be fewer."""
        return None if self._leaving is None else self._left_at + LINGERING


class SceneChanges:
    """Those of all canvases, by format."""

    def __init__(self) -> None:
        self._changes: dict[CanvasFormat, SceneChange] = {}

    def want(self, scenes: Mapping[CanvasFormat, Scene], now: float) -> None:
        """These are the canvases there are to be, and what they are to show."""
        self._changes = {form: self._changes.get(form) or SceneChange() for form in scenes}
        for form, scene in scenes.items():
            self._changes[form].want(scene, now)

    def proceed(self, awaited: Awaited, now: float) -> dict[CanvasFormat, Scene]:
        """What each canvas shows from now on; those whose first scene is not ready are left out."""
        for change in self._changes.values():
            change.proceed(awaited, now)
        return {form: change.shown for form, change in self._changes.items() if change.shown is not None}

    def pictures(self, now: float) -> Iterator[tuple[str, Size]]:
        """Which sources are needed in which sizes."""
        for change in self._changes.values():
            yield from change.pictures(now)

    def next_deadline(self, now: float) -> float | None:
        """When to go on although nothing else has happened."""
        deadlines = [change.next_deadline() for change in self._changes.values()]
        if any(change.waiting for change in self._changes.values()):
            deadlines.append(now + _LOOK_EVERY)
        return min((one for one in deadlines if one is not None), default=None)


def _pictures(scene: Scene) -> Iterator[tuple[str, Size]]:
    for tile, source in zip(scene.tiles, scene.seats, strict=True):
        if source is not None and source.has_picture:
            yield source.id, tile.size
