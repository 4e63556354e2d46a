"""Fuzz target: a datagram is read or refused with SipParseError, and what was read can be written and read again."""

from __future__ import annotations

from sip.body import is_understood, session_description
from sip.errors import SipParseError
from sip.message import Request, parse


def fuzz_one(data: bytes) -> None:
    """One input. Raises when the parser breaks its promise."""
    try:
        message = parse(data)
    except SipParseError as error:
        if error.request is not None:
            bytes(error.request.response(error.status, "tag"))
        return
    session_description(message)
    is_understood(message)
    again = parse(bytes(message))
    assert bytes(again) == bytes(message)
    if isinstance(message, Request):
        parse(bytes(message.response(200, "tag")))
