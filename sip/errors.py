"""Errors of the signalling stack.

SipError
 ├─ SipParseError      a peer's bytes are no valid SIP; carries the status to answer with
 └─ CallStateError     our own side asked for something the call cannot do now
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sip.message import Request


class SipError(Exception):
    """Base of all errors raised by this package."""


class SipParseError(SipError):
    """Bytes from the network that do not follow the grammar of RFC 3261 §25.

    ``status`` is the final response that a request like this deserves. ``request`` is there when enough of it could
    be read (Via, CSeq) to send that response.
    """

    def __init__(self, message: str, status: int = 400, request: Request | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.request = request


class CallStateError(SipError):
    """A command does not fit the state of its call, or the call is unknown (it may just have ended)."""
