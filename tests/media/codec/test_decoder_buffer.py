"""What waits before a slow line, and what is left out so that nothing waits long."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mcu.media.codec.decoder_buffer import DecoderBuffer

RATE, SECONDS = 64_000, 0.5
WHOLE = int(RATE * SECONDS) // 8
"""Octets."""


def test_what_was_sent_waits_until_the_line_has_taken_it() -> None:
    buffer = DecoderBuffer(RATE, SECONDS)
    buffer.add(10.0, WHOLE, True)
    assert buffer.seconds == 0.5
    buffer.add(10.25, 0, False)
    assert buffer.seconds == 0.25
    buffer.add(99.0, 0, False)
    assert buffer.seconds == 0


def test_a_picture_is_left_out_while_one_like_the_last_would_not_fit() -> None:
    buffer = DecoderBuffer(RATE, SECONDS)
    buffer.add(0.0, WHOLE // 2, True)
    buffer.add(0.0, WHOLE // 4, False)
    assert buffer.takes(0.0, False)
    buffer.add(0.0, WHOLE // 4, False)
    assert not buffer.takes(0.1, False)
    assert buffer.takes(0.13, False)


def test_a_key_frame_waits_for_the_place_of_one() -> None:
    buffer = DecoderBuffer(RATE, SECONDS)
    buffer.add(0.0, WHOLE, True)
    assert not buffer.takes(0.4, True)
    assert buffer.takes(0.4, False)
    assert buffer.takes(0.5, True)


def test_what_can_never_fit_is_sent_when_nothing_waits() -> None:
    buffer = DecoderBuffer(RATE, SECONDS)
    buffer.add(0.0, 3 * WHOLE, True)
    assert not buffer.takes(1.4, True)
    assert buffer.takes(1.5, True)


def test_a_clock_that_goes_back_empties_nothing() -> None:
    buffer = DecoderBuffer(RATE, SECONDS)
    buffer.add(5.0, WHOLE, False)
    assert not buffer.takes(4.0, False)
    buffer.add(5.25, 0, False)
    assert buffer.seconds == 0.25


@given(st.lists(st.tuples(st.floats(0, 0.2), st.integers(0, WHOLE // 2)), max_size=60))
def test_pictures_of_up_to_half_of_it_never_overrun_it_by_more_than_one(pictures: list[tuple[float, int]]) -> None:
    buffer, now = DecoderBuffer(RATE, SECONDS), 0.0
    for pause, octets in pictures:
        now += pause
        if buffer.takes(now, False):
            buffer.add(now, octets, False)
        assert buffer.seconds <= SECONDS * 1.5 + 1e-9
