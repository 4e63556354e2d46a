"""A change of scene waits until its pictures are there, but not for ever."""

from __future__ import annotations

from layouts.automatic import automatic
from mcu.media.picture.canvas_worker import Scene
from mcu.media.picture.changes import LINGERING, PATIENCE, SceneChange, SceneChanges
from mcu.media.picture.planes import Size
from mcu.media.picture.state import CanvasFormat, PictureSource

ANNA = PictureSource("a", "Anna", "H264")
BO = PictureSource("b", "Bo", "H264")
NOBODY = PictureSource("n", "N", None)


def scene(*sources: PictureSource) -> Scene:
    return Scene(automatic(len(sources)).tiles(320, 180), sources)


def never(source_id: str, size: Size) -> bool:
    return False


def always(source_id: str, size: Size) -> bool:
    return True


def sizes(change: SceneChange, now: float) -> set[tuple[str, Size]]:
    return set(change.pictures(now))


def shown(one: Scene) -> SceneChange:
    change = SceneChange()
    change.want(one, 0.0)
    assert change.proceed(never, 0.0)
    return change


def test_a_scene_whose_pictures_are_there_is_shown_at_once():
    change = SceneChange()
    assert change.shown is None
    change.want(scene(ANNA), 5.0)
    assert change.waiting
    assert change.proceed(never, 5.0)
    assert change.shown == scene(ANNA) and not change.waiting


def test_until_the_pictures_are_there_the_old_scene_stays_and_both_are_scaled():
    change = shown(scene(ANNA))
    change.want(scene(ANNA, BO), 10.0)
    waited: list[tuple[str, Size]] = []

    def bo_is_missing(source_id: str, size: Size) -> bool:
        waited.append((source_id, size))
        return source_id == "b"

    assert not change.proceed(bo_is_missing, 10.0)
    assert change.shown == scene(ANNA)
    half = automatic(2).tiles(320, 180)[0].size
    assert waited == [("a", half), ("b", half)]
    assert sizes(change, 10.0) == {("a", (320, 180)), ("a", half), ("b", half)}
    assert change.proceed(never, 10.1)
    assert change.shown == scene(ANNA, BO)


def test_nobody_waits_for_ever():
    change = shown(scene(ANNA))
    change.want(scene(BO), 10.0)
    assert not change.proceed(always, 10.0 + PATIENCE - 0.01)
    assert change.proceed(always, 10.0 + PATIENCE)
    assert change.shown == scene(BO)


def test_changes_that_come_while_one_is_waited_for_do_not_put_it_off():
    change = shown(scene(ANNA))
    change.want(scene(BO), 10.0)
    change.want(scene(BO, ANNA), 10.0 + PATIENCE / 2)
    assert change.proceed(always, 10.0 + PATIENCE)
    assert change.shown == scene(BO, ANNA)


def test_a_change_that_is_taken_back_never_happens():
    change = shown(scene(ANNA))
    change.want(scene(BO), 10.0)
    change.want(scene(ANNA), 10.1)
    assert not change.waiting
    assert not change.proceed(never, 20.0)


def test_the_sizes_of_a_scene_are_kept_for_a_moment_after_it():
    change = shown(scene(ANNA))
    change.want(scene(BO), 10.0)
    change.proceed(never, 10.0)
    assert sizes(change, 10.0) == {("a", (320, 180)), ("b", (320, 180))}
    assert change.next_deadline() == 10.0 + LINGERING
    assert sizes(change, 10.0 + LINGERING) == {("b", (320, 180))}
    assert change.next_deadline() is None


def test_nothing_is_scaled_for_people_without_a_camera():
    assert sizes(shown(scene(NOBODY)), 0.0) == set()


FORM = CanvasFormat(320, 180, 30)
OTHER = CanvasFormat(160, 90, 30)


def test_each_canvas_changes_for_itself():
    changes = SceneChanges()
    changes.want({FORM: scene(ANNA), OTHER: scene(BO)}, 1.0)
    assert changes.proceed(lambda source_id, size: source_id == "b", 1.0) == {FORM: scene(ANNA)}
    deadline = changes.next_deadline(1.0)
    assert deadline is not None and 1.0 < deadline <= 1.0 + 1 / 60
    assert set(changes.pictures(1.0)) == {("a", (320, 180)), ("b", (320, 180))}
    assert changes.proceed(never, 1.1) == {FORM: scene(ANNA), OTHER: scene(BO)}
    assert changes.next_deadline(1.1) is None


def test_canvases_that_are_gone_need_nothing_and_one_that_comes_back_begins_anew():
    changes = SceneChanges()
    changes.want({FORM: scene(ANNA)}, 1.0)
    changes.proceed(never, 1.0)
    changes.want({}, 2.0)
    assert changes.proceed(never, 2.0) == {}
    assert list(changes.pictures(2.0)) == []
    changes.want({FORM: scene(BO)}, 3.0)
    assert changes.proceed(always, 3.0) == {}
