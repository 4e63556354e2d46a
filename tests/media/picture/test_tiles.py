from mcu.media.picture.source import SourcePicture
from mcu.media.picture.state import PictureSource
from mcu.media.picture.tiles import FROZEN_AFTER, GONE_AFTER, Look, TileContent, tile_content
from tests.media.picture.material import RED, solid

TILE = (64, 36)
PICTURE = solid(64, 36, RED)
ANNA = PictureSource("a", "Anna", "H264")


def newest(source_id: str) -> SourcePicture | None:
    return SourcePicture(1, 100.0, {TILE: PICTURE}) if source_id == "a" else None


def look(source: PictureSource | None, now: float = 100.0) -> Look:
    return tile_content(source, newest, TILE, now).look


def test_an_empty_seat():
    assert look(None) is Look.EMPTY


def test_a_picture_that_keeps_coming():
    content = tile_content(ANNA, newest, TILE, 100.0)
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


def test_no_flicker_while_a_source_still_scales_for_a_new_layout():
    assert tile_content(ANNA, newest, (32, 18), 100.0).look is Look.EMPTY


def test_contents_are_compared_by_what_they_show():
    one = tile_content(ANNA, newest, TILE, 100.0)
    assert one.same_as(tile_content(ANNA, newest, TILE, 101.0))
    assert not one.same_as(tile_content(ANNA, newest, TILE, 103.0))
    assert not one.same_as(tile_content(PictureSource("a", "Anne", "H264"), newest, TILE, 100.0))
    assert not one.same_as(TileContent.EMPTY)


def test_slides_may_stand_still():
    slides = PictureSource("a", "Anna", "H264", still=True)
    assert look(slides, 100.0 + 100 * GONE_AFTER) is Look.LIVE
