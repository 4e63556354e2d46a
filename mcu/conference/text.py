"""What people may call themselves and their rooms, and what counts as a room number or a PIN."""

from __future__ import annotations

import re
import unicodedata

MAXIMUM_NAME = 64
"""Characters of a name: more does not fit over a tile."""

MAXIMUM_TITLE = 128

NUMBER_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$"
"""A room number: digits mostly, letters where a room has a name. No ``*``, which parts number from PIN when dialled."""

PIN_PATTERN = r"^[0-9]{4,12}$"
"""A PIN can be typed on a telephone keypad."""

_NUMBER = re.compile(NUMBER_PATTERN)
_PIN = re.compile(PIN_PATTERN)


def clean_text(text: str, maximum: int) -> str:
    """The text as one printable line of at most ``maximum`` characters, composed (NFC).

    Control characters and the invisible ones that turn the direction of writing (category C) go: a name must not be
    able to look like another's or to break a log line. Joiners stay out too; Chinese and Latin names need none.
    """
    spaced = "".join(" " if character.isspace() else character for character in text[: 4 * maximum])
    printable = "".join(character for character in spaced if unicodedata.category(character)[0] != "C")
    composed = unicodedata.normalize("NFC", " ".join(printable.split()))
    return composed[:maximum].strip()


def clean_name(name: str) -> str:
    """A participant's name as it is shown; may come out empty."""
    return clean_text(name, MAXIMUM_NAME)


def normal_number(number: str) -> str | None:
    """The room number in the spelling that rooms are kept under (lower case), or None when it can be none."""
    return number.lower() if number.isascii() and _NUMBER.match(number) and not number.endswith("\n") else None


def is_pin(pin: str) -> bool:
    """Whether the text can be a room's PIN."""
    return pin.isascii() and _PIN.match(pin) is not None and not pin.endswith("\n")
