"""Fuzz target: every header parser gives a value that survives being written, or SipParseError."""

from __future__ import annotations

from collections.abc import Callable

from sip.address import parse_addresses, parse_name_address
from sip.cseq import parse_cseq
from sip.errors import SipParseError
from sip.reason import parse_reasons
from sip.uri import parse_uri
from sip.via import parse_vias
from sip.warning import parse_warnings

PARSERS: tuple[Callable[[str], object], ...] = (
    parse_uri,
    parse_name_address,
    parse_addresses,
    parse_vias,
    parse_cseq,
    parse_reasons,
    parse_warnings,
)


def fuzz_one(data: bytes) -> None:
    """One input. Raises when a parser breaks its promise."""
    text = data.decode("utf-8", "surrogateescape")
    for parser in PARSERS:
        try:
            value = parser(text)
        except SipParseError:
            continue
        written = ", ".join(str(item) for item in value) if isinstance(value, tuple) else str(value)
        if written:
            assert parser(written) == value, f"{parser.__name__} does not understand what it wrote"
