"""Digits in the bodies of SIP INFO requests, as rooms without telephone events send them. Pure.

Two de facto formats: ``application/dtmf-relay`` has lines ``Signal=5`` and ``Duration=160`` (ms), ``application/dtmf``
has the digit alone. Both are read in each other's place as well, since some rooms mix them up.
"""

from __future__ import annotations

import re

RELAY = "application/dtmf-relay"
PLAIN = "application/dtmf"

# "Signal=11" and "Duration=160" on lines of their own have 25 bytes; ten times that is no key.
MAX_BODY = 256

# What rooms must be able to tell from noise (ITU-T Q.24), with room to spare; ms.
DURATION = 160

_SIGNAL = re.compile(r"^\s*signal\s*=\s*(\S{1,5})\s*$", re.IGNORECASE | re.MULTILINE)

# RFC 4733 section 3.2 numbers the keys; some rooms write those numbers, some words.
_NAMES = {
    "10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D",
    "star": "*", "pound": "#", "hash": "#",
}  # fmt: skip


def is_dtmf(content_type: str) -> bool:
    """Whether a body of this type is about digits."""
    return content_type.partition(";")[0].strip().lower() in (RELAY, PLAIN)


def digit_of(body: bytes) -> str | None:
    """The digit in a body, one of 0-9, A-D, * and #; None for anything else. Raises nothing."""
    if len(body) > MAX_BODY:
        return None
    text = body.decode("ascii", "replace")
    found = _SIGNAL.search(text)
    signal = found[1] if found is not None else text.strip()
    signal = _NAMES.get(signal.lower(), signal).upper()
    return signal if len(signal) == 1 and signal in "0123456789*#ABCD" else None


def relay_body(digit: str) -> bytes:
    """The body of ``application/dtmf-relay`` for a digit."""
    return f"Signal={digit}\r\nDuration={DURATION}\r\n".encode("ascii")
