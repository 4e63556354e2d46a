"""Digits in INFO bodies, the way different rooms write them."""

from __future__ import annotations

import pytest

from mcu.gateway.dtmf_info import MAX_BODY, digit_of, is_dtmf, relay_body


@pytest.mark.parametrize(
    ("body", "digit"),
    [
        (b"Signal=5\r\nDuration=160\r\n", "5"),
        (b"Signal= 5\r\nDuration= 160", "5"),
        (b"Duration=160\nsignal = #\n", "#"),
        (b"Signal=10\r\nDuration=160\r\n", "*"),
        (b"Signal=d\r\n", "D"),
        (b"Signal=star\r\n", "*"),
        (b"7", "7"),
        (b"7\r\n", "7"),
        (b"11", "#"),
        (b"", None),
        (b"Signal=\r\nDuration=160", None),
        (b"Signal=16\r\n", None),
        (b"Signal=55\r\n", None),
        (b"\xff\xfe", None),
        (b"5" + b" " * MAX_BODY, None),
    ],
)
def test_digits_are_read_however_they_are_written(body, digit):
    assert digit_of(body) == digit


@pytest.mark.parametrize("digit", "0123456789*#ABCD")
def test_what_we_write_we_read(digit):
    assert digit_of(relay_body(digit)) == digit


def test_only_bodies_about_digits_are_looked_at():
    assert is_dtmf("application/dtmf-relay") and is_dtmf("Application/DTMF; charset=us-ascii")
    assert not is_dtmf("application/media_control+xml") and not is_dtmf("")
