import pytest

from mcu.media.picture.planes import Size
from mcu.media.picture.source import SourcePicture
from mcu.media.picture.state import PictureSource
from mcu.media.picture.tiles import FROZEN_AFTER, GONE_AFTER, Look, TileContent, TileContents
from tests.media.picture.material import RED, solid

TILE = (64, 36)
PICTURE = solid(64, 36, RED)
ANNA = PictureSource("a", "Anna", "H264")


def newest(source_id: str) -> SourcePicture | None:
    return SourcePicture(1, 100.0, {TILE: PICTURE}) if source_id == "a" else None


def look(source: PictureSource | None, now: float = 100.0) -> Look:
    return content_of(source, now=now).look


def content_of(source: PictureSource | None, tile: Size = TILE, now: float = 100.0, **wanted: bool) -> TileContent:
    return TileContents(newest).of(source, tile, now, **wanted)


def test_an_empty_seat():
    assert look(None) is Look.EMPTY


def test_a_picture_that_keeps_coming():
    content = content_of(ANNA)
    assert content.look is Look.LIVE and content.picture is PICTURE


def test_a_picture_that_stands_still_and_then_goes():
    assert look(ANNA, 100.0 + FROZEN_AFTER - 0.01) is Look.LIVE
    assert look(ANNA, 100.0 + FROZEN_AFTER) is Look.FROZEN
    assert look(ANNA, 100.0 + GONE_AFTER) is Look.PLACEHOLDER


def test_a_source_without_a_picture_so_far():
    assert look(PictureSource("b", "Bo", "H264")) is Look.PLACEHOLDER


def test_sound_only_and_camera_off_are_placeholders_whatever_came_before():
    assert look(PictureSource("a", "Anna", None)) is Look.PLACEHOLDER
    assert look(PictureSource("a", "Anna", "H264", muted=True)) is Look.PLACEHOLDER


@pytest.mark.parametrize(
    ("tile", "crop", "size"),
    [((32, 18), False, (32, 18)), ((96, 54), False, (96, 54)), ((36, 36), False, (36, 20)), ((36, 36), True, (36, 36))],
)
def test_while_a_source_still_scales_for_a_new_layout_the_picture_at_hand_is_resized(tile, crop, size):
    content = content_of(ANNA, tile, crop=crop)
    assert content.look is Look.LIVE and content.picture is not None
    assert content.picture.size == size
    assert (content.picture.y == RED.y).all() and (content.picture.v == RED.v).all()


def test_a_rough_picture_is_resized_once_and_then_forgotten():
    pictures = {"a": SourcePicture(1, 100.0, {TILE: PICTURE})}
    contents = TileContents(pictures.get)
    rough = contents.of(ANNA, (32, 18), 100.0).picture
    contents.next_round()
    assert contents.of(ANNA, (32, 18), 100.0).picture is rough
    fresh = solid(32, 18, RED)
    pictures["a"] = SourcePicture(1, 100.0, {(32, 18): fresh})
    contents.next_round()
    assert contents.of(ANNA, (32, 18), 100.0).picture is fresh
    contents.next_round()
    assert not contents._rough


def test_only_what_has_come_and_stopped_is_lost():
    assert content_of(ANNA, now=100.0 + GONE_AFTER).lost
    for source in (ANNA, PictureSource("b", "Bo", "H264"), PictureSource("a", "Anna", "H264", muted=True)):
        assert not content_of(source).lost


def test_contents_are_compared_by_what_they_show():
    one = content_of(ANNA)
    assert one.same_as(content_of(ANNA, now=101.0))
    assert not one.same_as(content_of(ANNA, now=103.0))
    assert not one.same_as(content_of(PictureSource("a", "Anne", "H264")))
    assert not one.same_as(TileContent.EMPTY)


def test_slides_may_stand_still():
    slides = PictureSource("a", "Anna", "H264", still=True)
    assert look(slides, 100.0 + 100 * GONE_AFTER) is Look.LIVE
