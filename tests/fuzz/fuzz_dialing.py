"""Fuzz target: dialled addresses."""

from __future__ import annotations

from gatekeeper.dialing import DialSettings, Refused, resolve
from mcu.conference.text import normal_number

_SETTINGS = (DialSettings(), DialSettings(frozenset({"clinic.example"}), "9000"))


def fuzz_one(data: bytes) -> None:
    """Any text leads to a room that can be, or is refused with a proper status; nothing is raised."""
    text = data.decode("utf-8", "surrogateescape")
    for settings in _SETTINGS:
        for uri in (text, f"sip:{text}@host", f"tel:{text}"):
            destination = resolve(uri, settings)
            if isinstance(destination, Refused):
                assert 400 <= destination.status < 500 and destination.reason
            else:
                assert normal_number(destination.number) == destination.number
                assert destination.pin is None or (destination.pin.isascii() and destination.pin.isdigit())
