import pytest

from layouts.automatic import automatic, layout_named
from layouts.catalogue import MAX_TILES


@pytest.mark.parametrize("count", range(1, MAX_TILES + 1))
def test_everybody_gets_a_tile(count):
    assert len(automatic(count).cells) == count


def test_nobody_is_one_empty_tile():
    assert automatic(0).name == "1"


def test_a_crowd_gets_the_largest_grid():
    assert automatic(100).name == str(MAX_TILES)


def test_names():
    assert layout_named("auto", 4).name == "4"
    assert layout_named("9", 4).name == "9"
    with pytest.raises(KeyError):
        layout_named("no such", 4)
