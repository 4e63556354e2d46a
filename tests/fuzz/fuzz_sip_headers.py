"""Fuzz target: every header parser gives a value that survives being written, or SipParseError."""

from __future__ import annotations

from collections.abc import Callable

from sip.address import parse_addresses, parse_name_address
from sip.cseq import parse_cseq
from sip.digest import Credentials, authorization, choose_challenge
from sip.errors import SipParseError
from sip.event_package import parse_event, parse_subscription_state
from sip.rack import parse_rack
from sip.reason import parse_reasons
from sip.replaces import parse_replaces
from sip.session_expires import parse_session_expires
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
    parse_event,
    parse_subscription_state,
    parse_rack,
    parse_replaces,
    parse_session_expires,
)


def fuzz_one(data: bytes) -> None:
    """One input. Raises when a parser breaks its promise."""
    text = data.decode("utf-8", "surrogateescape")
    challenge = choose_challenge([text])
    if challenge is not None:
        authorization(challenge, Credentials("user", "password"), "INVITE", "sip:a", b"", "cnonce")
    for parser in PARSERS:
        try:
            value = parser(text)
        except SipParseError:
            continue
        written = ", ".join(str(item) for item in value) if isinstance(value, tuple) else str(value)
        if written:
            assert parser(written) == value, f"{parser.__name__} does not understand what it wrote"
