"""What is shared is composed for whom it does not reach as it is."""

from __future__ import annotations

from mcu.media.forwarding.narrow import PATIENCE, SHORT, SHORT_PATIENCE, VERY_SHORT, Narrow

RATE = 2e6


def test_it_is_given_up_after_a_while_until_somebody_else_shares() -> None:
    narrow = Narrow()
    little = RATE * (VERY_SHORT + SHORT) / 2
    assert not narrow.look("ann", RATE, little, 10.0)
    assert not narrow.look("ann", RATE, little, 10.0 + PATIENCE / 2) and not narrow.is_too_narrow_for("ann")
    assert narrow.look("ann", RATE, little, 10.0 + PATIENCE)
    assert narrow.is_too_narrow_for("ann") and not narrow.is_too_narrow_for("bob")
    assert not narrow.look("ann", RATE, RATE / 4, 99.0)
    narrow.look("bob", RATE, None, 100.0)
    assert narrow.look("bob", RATE, RATE / 4, 101.0) is False  # patience begins anew
    assert narrow.is_too_narrow_for("ann")


def test_a_dip_and_a_little_less_are_nothing() -> None:
    narrow = Narrow()
    for second in range(60):
        limit = RATE / 4 if second % 3 == 0 else None
        assert not narrow.look("ann", RATE, limit, float(second))
        assert not narrow.look("ann", RATE, RATE * SHORT, second + 0.5)
    assert not narrow.look("ann", 50e3, 60e3, 100.0)


def test_what_keeps_sound_and_faces_waiting_is_given_up_sooner() -> None:
    narrow = Narrow()
    assert not narrow.look("ann", RATE, RATE / 4, 10.0)
    assert not narrow.look("ann", RATE, RATE / 4, 10.0 + SHORT_PATIENCE / 2)
    assert narrow.look("ann", RATE, RATE / 4, 10.0 + SHORT_PATIENCE)
