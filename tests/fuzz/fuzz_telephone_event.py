"""Fuzz target: telephone-event payloads."""

from __future__ import annotations

from mcu.media.rtp.errors import PayloadError
from mcu.media.rtp.telephone_event import DIGITS, DigitReceiver


def fuzz_one(data: bytes) -> None:
    """Payloads of four bytes and a timestamp each, and a rest that is too short, are taken or refused."""
    receiver = DigitReceiver()
    now = 0.0
    for position in range(0, len(data), 6):
        chunk = data[position : position + 6]
        now += 0.02
        try:
            digits = receiver.receive(chunk[2:], int.from_bytes(chunk[:2], "big") << 16, now)
        except PayloadError:
            assert len(chunk) < 6
            continue
        assert all(digit in DIGITS for digit in digits)
        receiver.handle_timer(now)
