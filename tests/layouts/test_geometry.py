import pytest
from hypothesis import given
from hypothesis import strategies as st

from layouts.geometry import ASPECT_TOLERANCE, MOST_CUT, Rect, cover, fit

evens = st.integers(1, 2000).map(lambda half: 2 * half)
rects = st.builds(Rect, evens, evens, evens, evens)


def test_odd_or_negative_numbers_are_refused():
    for numbers in ((1, 0, 2, 2), (0, 0, 3, 2), (0, -2, 2, 2)):
        with pytest.raises(ValueError, match="even"):
            Rect(*numbers)


def test_a_picture_of_the_same_aspect_fills_the_rectangle():
    assert fit(1920, 1080, Rect(10, 20, 320, 180)) == Rect(10, 20, 320, 180)


def test_a_wide_picture_gets_bars_above_and_below():
    assert fit(640, 272, Rect(0, 0, 320, 180)) == Rect(0, 22, 320, 136)


def test_a_picture_held_upright_gets_bars_left_and_right():
    assert fit(720, 1280, Rect(100, 0, 320, 180)) == Rect(208, 0, 102, 180)


def test_rounding_to_even_pixels_does_not_make_hairline_bars():
    assert fit(1280, 720, Rect(0, 0, 472, 266)) == Rect(0, 0, 472, 266)


def test_nothing_cannot_be_fitted():
    with pytest.raises(ValueError, match="nothing to fit"):
        fit(0, 100, Rect(0, 0, 10, 10))
    with pytest.raises(ValueError, match="nothing to fit"):
        fit(100, 100, Rect(0, 0, 0, 10))


@given(st.integers(1, 8000), st.integers(1, 8000), rects)
def test_a_fitted_picture_is_whole_inside_and_as_large_as_can_be(width, height, rect):
    placed = fit(width, height, rect)
    assert rect.contains(placed)
    assert placed.width == rect.width or placed.height == rect.height
    # To within the pixel pair of rounding, its aspect is that of the source.
    if width / height > rect.width / rect.height:
        assert abs(placed.height - placed.width * height / width) <= max(2, rect.height * float(ASPECT_TOLERANCE))
    else:
        assert abs(placed.width - placed.height * width / height) <= max(2, rect.width * float(ASPECT_TOLERANCE))


def test_a_television_picture_fills_a_wide_tile_and_loses_more_at_the_bottom():
    found = cover(640, 480, Rect(0, 0, 320, 180))
    assert (found.width, found.height, found.part) == (320, 240, Rect(0, 20, 320, 180))


def test_a_wide_picture_loses_the_same_on_both_sides():
    found = cover(640, 272, Rect(0, 0, 320, 180))
    assert (found.width, found.height) == (424, 180)
    assert found.part == Rect(52, 0, 320, 180)


def test_a_picture_of_the_same_aspect_loses_nothing():
    assert cover(1280, 720, Rect(8, 8, 472, 266)).part == Rect(0, 0, 472, 266)


def test_a_ribbon_is_shown_whole():
    whole = fit(10_000, 100, Rect(0, 0, 320, 180))
    assert cover(10_000, 100, Rect(0, 0, 320, 180)).part.size == whole.size


@given(st.integers(1, 8000), st.integers(1, 8000), rects)
def test_what_is_cut_out_lies_in_what_is_scaled_and_fills_the_rectangle_or_fits(width, height, rect):
    found = cover(width, height, rect)
    assert Rect(0, 0, found.width, found.height).contains(found.part)
    assert found.part.size in (rect.size, fit(width, height, rect).size)
    assert found.width <= rect.width * MOST_CUT + 2 and found.height <= rect.height * MOST_CUT + 2
