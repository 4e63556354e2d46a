from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mcu.media.picture.artist import Artist, Badge, initials, label_text_size
from mcu.media.picture.planes import Colour
from tests.media.picture.material import FONT, blend, solid

ARTIST = Artist(FONT)
BLACK = Colour.rgb(0, 0, 0)


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("王小红", "小红"),
        ("李明", "李明"),
        ("影像科", "影像"),
        ("欧阳娜娜", "欧"),
        ("北京协和医院 远程会诊中心", "北"),
        ("赵", "赵"),
        ("Anna Weber", "AW"),
        ("cardiology", "C"),
        ("Dr. Ana María Ruiz", "DA"),
        ("Ärztin Özil", "Ä"),
        ("Room-12", "R1"),
        ("", "?"),
        ("🙂", "?"),
    ],
)
def test_initials(name, letters):
    assert initials(name) == letters


def test_a_label_is_kept_and_not_drawn_again():
    first = ARTIST.label("李明", False, (640, 360))
    assert ARTIST.label("李明", False, (640, 360)) is first
    assert ARTIST.label("李明", True, (640, 360)) is not first


def test_nobody_in_particular_gets_no_label():
    assert ARTIST.label(" \n", False, (640, 360)) is None
    assert ARTIST.label("", True, (640, 360)) is not None


def test_a_name_that_cannot_be_written_gets_a_figure_and_no_empty_label():
    assert ARTIST.label("🙂", False, (640, 360)) is None
    unwritten, nameless = ARTIST.avatar("🙂", (320, 180)), ARTIST.avatar(None, (320, 180))
    pictures = [solid(76, 76, BLACK) for _ in range(3)]
    for picture, avatar in zip(pictures, (unwritten, nameless, ARTIST.avatar("A", (320, 180))), strict=True):
        blend(avatar, picture, 0, 0)
    assert (pictures[0].y == pictures[1].y).all()
    assert (pictures[0].y != pictures[2].y).any()


def test_drawings_kept_are_bounded_in_memory():
    artist = Artist(FONT)
    for index in range(40):
        artist.kept((index,), lambda: Image.new("RGBA", (1920, 200)))
    assert len(artist._drawings) < 20
    assert artist._bytes == sum(drawing.bytes for drawing in artist._drawings.values()) < 33_000_000


def test_drawings_kept_are_bounded():
    artist = Artist(FONT)
    for index in range(300):
        artist.label(str(index), False, (160, 90))
    assert len(artist._drawings) == 128


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200), st.booleans(), st.sampled_from([(1920, 1080), (320, 180), (78, 42), (42, 78), (16, 16)]))
def test_any_name_is_drawn_narrower_than_its_tile(name, microphone_muted, tile):
    label = ARTIST.label(name, microphone_muted, tile)
    assert label is None or label.size[0] <= max(tile[0], 32)
    assert max(ARTIST.avatar(name, tile, Badge.CAMERA_OFF if microphone_muted else Badge.NONE).size) <= min(tile)


def test_chinese_names_have_glyphs():
    # A font without them would draw the same empty box for both.
    drawn = []
    for name in ("王小红王", "刘洋陈静"):
        picture = solid(320, 180, BLACK)
        label = ARTIST.label(name, False, picture.size)
        assert label is not None
        blend(label, picture, 0, 0)
        drawn.append(picture.y.copy())
    assert np.abs(drawn[0].astype(int) - drawn[1]).max() > 100


def test_letters_grow_with_the_tile_within_limits():
    sizes = [label_text_size(tile) for tile in ((78, 42), (316, 176), (472, 264), (952, 534), (1920, 1080))]
    assert sizes == sorted(sizes)
    assert sizes[0] == 11 and sizes[-1] == 36


def test_a_missing_font_is_told_at_once():
    with pytest.raises(OSError):
        Artist(Path("no such font.ttf"))


def test_what_is_shared_is_told_from_the_face_of_who_shares_it():
    face, shared = ARTIST.label("李明", False, (640, 360)), ARTIST.label("李明", False, (640, 360), shared=True)
    assert face is not None and shared is not None
    assert shared.size[0] > face.size[0] and shared.size[1] == face.size[1]
