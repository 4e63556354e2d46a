import pytest

from layouts.automatic import automatic, layout_for, layout_named
from layouts.catalogue import MAX_TILES
from layouts.rules import Mode, SeatingRules, Sitter


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


def people(count, **first):
    return [Sitter("0", **first), *(Sitter(str(number)) for number in range(1, count))]


@pytest.mark.parametrize(
    ("mode", "count", "name"),
    [
        (Mode.ORDER, 6, "6"),
        (Mode.VOICE, 1, "1"),
        (Mode.VOICE, 2, "2"),
        (Mode.VOICE, 3, "1+2"),
        (Mode.VOICE, 6, "1+5"),
        (Mode.VOICE, 7, "1+7"),
        (Mode.VOICE, 33, "1+33"),
        (Mode.VOICE, 99, "1+33"),
        (Mode.LECTURE, 5, "1+4"),
        (Mode.POLLING, 6, "1"),
    ],
)
def test_the_automatic_layout_is_made_for_the_mode(mode, count, name):
    assert layout_for("auto", SeatingRules(mode), people(count)).name == name
    assert layout_for("9", SeatingRules(mode), people(count)).name == "9"


def test_a_round_has_a_tile_besides_those_with_priority():
    rules = SeatingRules(Mode.POLLING)
    assert layout_for("auto", rules, people(6, priority=1)).name == "2"
    assert layout_for("auto", rules, people(1, priority=1)).name == "1"


def test_who_is_not_shown_needs_no_tile_and_what_is_shared_may_need_one():
    rules = SeatingRules(show_without_video=False)
    assert layout_for("auto", rules, people(4, has_video=False)).name == "3"
    assert layout_for("auto", rules, people(4, has_video=False), others=1).name == "4"
