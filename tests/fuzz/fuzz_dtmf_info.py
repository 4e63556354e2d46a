"""Bodies of INFO requests with digits: anything gives a digit or nothing."""

from __future__ import annotations

from mcu.gateway.dtmf_info import digit_of, relay_body


def fuzz_one(data: bytes) -> None:
    """A digit is one that can be written and read again."""
    digit = digit_of(data)
    if digit is not None:
        assert digit_of(relay_body(digit)) == digit
