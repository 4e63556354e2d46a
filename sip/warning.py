"""The Warning header: what could not be agreed on (RFC 3261 §20.43)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sip.errors import SipParseError
from sip.grammar import printable, quote, split_list, unquote

_WARNING = re.compile(r"([0-9]{3})\s+(\S+)\s+(\".*\")", re.DOTALL)


@dataclass(frozen=True)
class Warning:
    """``code`` 3xx as registered (304 media type, 305 media format, 399 other); ``agent`` names who warns."""

    code: int
    text: str
    agent: str = "consilium"

    def __str__(self) -> str:
        return f"{self.code} {self.agent} {quote(self.text)}"


def parse_warnings(value: str) -> tuple[Warning, ...]:
    """Raises SipParseError."""
    warnings: list[Warning] = []
    for item in split_list(value):
        match = _WARNING.fullmatch(item)
        if match is None:
            raise SipParseError("a Warning is malformed")
        warnings.append(Warning(int(match[1]), printable(unquote(match[3])), printable(match[2])))
    return tuple(warnings)
