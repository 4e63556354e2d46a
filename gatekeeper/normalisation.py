"""Spelling of what was dialled: full-width letters, separators, ``+``, leading zeros. One address, one spelling."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MAX_DIALLED = 128
"""Characters of a dialled address that are looked at; longer ones lead nowhere."""

_Digits = Annotated[str, Field(pattern=r"^[0-9]{0,8}$")]

# RFC 3966 section 5.1.1 and what people put between digits besides.
_SEPARATORS = re.compile(r"[-.()/\s]")
_TELEPHONE = re.compile(r"\+?[-.()/\s0-9]*[0-9][-.()/\s0-9]*")
# An international number has 15 digits at most (E.164 section 6.2.1).
_INTERNATIONAL = re.compile(r"\+[0-9]{1,15}")


class Value(BaseModel):
    """What the gatekeeper keeps and shows: frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DialHabits(Value):
    """How telephone numbers are dialled at a place.

    ``outside_prefix`` is dialled for a line out (``9``), ``international_prefix`` before a country code (``00``),
    ``trunk_prefix`` before an area code (``0``). Without a ``country_code`` (``86``) numbers stay as they are dialled:
    leading zeros then belong to them. Numbers with fewer digits than ``shortest_outside`` are extensions of the house,
    whatever they begin with; so ``0999`` can be a room.
    """

    country_code: _Digits = ""
    outside_prefix: _Digits = ""
    international_prefix: _Digits = "00"
    trunk_prefix: _Digits = "0"
    shortest_outside: Annotated[int, Field(ge=3, le=15)] = 7


def plain(text: str) -> str:
    """Full-width and other compatibility forms as usual ones (NFKC), no invisible characters, small letters."""
    composed = unicodedata.normalize("NFKC", text[:MAX_DIALLED])
    visible = "".join(character for character in composed if unicodedata.category(character)[0] != "C")
    return " ".join(visible.casefold().split())


def normalise(dialled: str, habits: DialHabits) -> str:
    """The one spelling that rules are matched against. Numbers of the outside come out as ``+`` and digits (E.164)."""
    text = plain(dialled)
    if _TELEPHONE.fullmatch(text) is None:
        return text
    number = _SEPARATORS.sub("", text)
    if number.startswith("+"):
        return number
    return _international(number, habits)


def is_international(text: str) -> bool:
    """Whether this is an E.164 number in its international spelling."""
    return _INTERNATIONAL.fullmatch(text) is not None


def _international(number: str, habits: DialHabits) -> str:
    if not habits.country_code or len(number) < habits.shortest_outside:
        return number
    outside = number.removeprefix(habits.outside_prefix)
    if habits.outside_prefix and outside == number:
        return number  # no line out was asked for
    if habits.international_prefix and outside.startswith(habits.international_prefix):
        return "+" + outside.removeprefix(habits.international_prefix)
    if habits.trunk_prefix and outside.startswith(habits.trunk_prefix):
        return f"+{habits.country_code}{outside.removeprefix(habits.trunk_prefix)}"
    return outside if habits.outside_prefix else number
