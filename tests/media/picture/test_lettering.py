from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.media.picture.lettering import Lettering, has_glyph, printable, shorten
from tests.media.picture.material import FONT

LETTERS = Lettering(FONT)


def test_names_are_made_harmless():
    assert printable("  Room\n12\t\x00\u202e ") == "Room 12"
    assert len(printable("长" * 5000)) == 80


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("🙂 Anna", "Anna"),
        ("Anna 👩\u200d⚕\ufe0f", "Anna"),
        ("Z\u0337\u0327\u0355a\u0337lgo", "Zalgo"),
        ("e\u0301t\u00e9", "été"),
        ("北京 · 协和", "北京 · 协和"),
        ("🙂🙂", ""),
    ],
)
def test_what_no_letter_is_lost_by_is_left_out(name, clean):
    assert LETTERS.clean(name) == clean


def test_letters_without_a_glyph_stay():
    assert LETTERS.clean("𠮷野家") == "𠮷野家"
    assert not LETTERS.drawable("𠮷")


def test_a_font_has_some_letters_and_not_others():
    assert has_glyph(FONT, "院") and has_glyph(FONT, " ")
    assert not has_glyph(FONT, "ش") and not has_glyph(FONT, "\u0337")


@given(st.text(max_size=60), st.integers(0, 400))
@settings(deadline=None, max_examples=80)
def test_any_text_is_cut_to_its_room(text, width):
    text = LETTERS.clean(text)
    font = LETTERS.font(14, text)
    cut = shorten(text, font, width)
    assert font.getlength(cut) <= width or not cut
    assert cut in ("", text) or cut.endswith("…")


def test_as_much_as_fits_is_kept():
    font = LETTERS.font(20)
    text = "北京协和医院远程会诊中心"
    cut = shorten(text, font, 150)
    assert text.startswith(cut[:-1])
    assert font.getlength(text[: len(cut)] + "…") > 150


def test_a_missing_font_is_told_at_once():
    with pytest.raises(OSError):
        Lettering(Path("no such font.ttf"))
