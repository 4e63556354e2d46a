"""Which layer fits: the tile, and what gets through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.media.forwarding.layers import HEADROOM, Offer, choose, covering, fitting, goal, nearest, total_rate

SIMULCAST = (150e3, 500e3, 2.0e6)


@pytest.mark.parametrize(
    ("layers", "shown", "wanted"),
    [(3, 1, 2), (3, 2, 1), (3, 4, 1), (3, 5, 0), (2, 1, 1), (2, 3, 1), (2, 9, 0), (1, 1, 0)],
)
def test_the_more_are_shown_the_smaller_they_are(layers: int, shown: int, wanted: int) -> None:
    assert goal(layers, shown) == wanted


@pytest.mark.parametrize(
    ("tile", "wanted"),
    [((300, 170), 0), ((640, 360), 1), ((640, 250), 0), ((480, 1000), 1), ((1000, 560), 2), ((3840, 2160), 2)],
)
def test_the_layer_nearest_to_the_tile_fits(tile: tuple[int, int], wanted: int) -> None:
    assert fitting(((320, 180), (640, 360), (1280, 720)), tile) == wanted
    assert fitting((None, (640, 360), None), tile) == wanted


def test_a_tall_picture_is_shown_whole() -> None:
    assert fitting(((180, 320), (360, 640), (720, 1280)), (1280, 360)) == 0


def test_without_sizes_nothing_fits_better() -> None:
    assert fitting((None, None), (640, 360)) is None
    assert fitting(((320, 180),), (0, 360)) is None


def test_the_tile_counts_before_the_number_of_pictures() -> None:
    assert choose([Offer(SIMULCAST, goal=2), Offer(SIMULCAST, goal=0)] + [Offer(SIMULCAST)] * 4, None)[:3] == [2, 0, 0]
    assert choose([Offer(SIMULCAST, goal=0)], None) == [0]


def test_a_layer_that_does_not_come_is_replaced_by_a_smaller_one_if_there_is_one() -> None:
    assert nearest((1.0, 2.0, None), 2) == 1
    assert nearest((None, None, 3.0), 0) == 2
    assert nearest((None, None), 1) is None


def test_without_limit_everybody_gets_what_fits_the_tile() -> None:
    assert choose([Offer(SIMULCAST)], None) == [2]
    assert choose([Offer(SIMULCAST), Offer((400e3,)), Offer((None, None, None))], None) == [1, 0, None]
    assert choose([Offer(SIMULCAST)] * 5, None) == [0] * 5


def test_the_most_important_gets_the_better_layer_where_not_all_can() -> None:
    assert choose([Offer(SIMULCAST), Offer(SIMULCAST)], 800e3) == [1, 0]
    assert choose([Offer(SIMULCAST), Offer(SIMULCAST)], 10e3) == [0, 0]


def test_going_up_needs_room_to_spare_staying_does_not() -> None:
    limit = 500e3 * (1 + HEADROOM) / 2
    assert choose([Offer(SIMULCAST, current=0)], limit) == [0]
    assert choose([Offer(SIMULCAST, current=1)], limit) == [1]
    assert choose([Offer(SIMULCAST, current=2)], limit) == [1]


RATE = st.one_of(st.none(), st.floats(0, 5e6))
OFFER = st.builds(Offer, st.lists(RATE, min_size=1, max_size=3).map(tuple), st.one_of(st.none(), st.integers(0, 2)))


@given(st.lists(OFFER, max_size=16), st.floats(0, 20e6))
def test_all_together_stay_within_the_limit_or_at_the_bottom(offers: list[Offer], limit: float) -> None:
    layers = choose(offers, limit)
    lowest = [nearest(offer.rates, 0) for offer in offers]
    assert total_rate(offers, layers) <= max(limit, total_rate(offers, lowest)) + 1e-6
    for offer, layer, free in zip(offers, layers, choose(offers, None), strict=True):
        assert (layer is None) == all(rate is None for rate in offer.rates)
        assert layer is None or free is None or layer <= max(free, nearest(offer.rates, 0) or 0)


def test_of_slides_the_smallest_with_as_many_pixels_as_are_shown() -> None:
    sizes = [(960, 540), (1920, 1080)]
    assert [covering(sizes, tile) for tile in ((390, 844), (960, 540), (961, 541), (1280, 720), (3000, 2000))] == [
        0, 0, 1, 1, 1
    ]  # fmt: skip
    assert covering([None, (1280, 720)], (100, 100)) == 1
    assert covering([None, None], (100, 100)) is None and covering(sizes, (0, 540)) is None
