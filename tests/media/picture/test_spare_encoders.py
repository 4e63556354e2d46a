"""An encoder that is needed again soon is still there; one that is not is given up."""

from __future__ import annotations

from mcu.media.picture.spare_encoders import LINGER, MOST, SpareEncoders
from mcu.media.picture.state import Rung

RUNGS = [Rung(320, 180, 30, 64_000 * (number + 1)) for number in range(MOST + 2)]


def test_who_comes_back_soon_finds_its_encoder() -> None:
    spare: SpareEncoders[str] = SpareEncoders()
    spare.put(RUNGS[0], "first", 10.0)
    assert spare.give_up(10.0 + LINGER - 0.1) == []
    assert spare.take(RUNGS[1]) is None
    assert spare.take(RUNGS[0]) == "first"
    assert spare.take(RUNGS[0]) is None
    assert spare.give_up_all() == []


def test_an_encoder_that_nobody_needs_is_given_up_after_a_while() -> None:
    spare: SpareEncoders[str] = SpareEncoders()
    spare.put(RUNGS[0], "first", 10.0)
    spare.put(RUNGS[1], "second", 12.0)
    assert spare.give_up(10.0 + LINGER) == ["first"]
    assert spare.give_up(12.0 + LINGER) == ["second"]


def test_there_are_never_many() -> None:
    spare: SpareEncoders[int] = SpareEncoders()
    for number, rung in enumerate(RUNGS):
        spare.put(rung, number, 10.0 + number / 10)
    assert spare.give_up(11.0) == [0, 1]
    assert sorted(spare.give_up_all()) == list(range(2, MOST + 2))
