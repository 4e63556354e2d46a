"""The headers Session-Expires and Min-SE (RFC 4028 §4, §5)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sip.errors import SipParseError
from sip.grammar import find_parameter, parse_number, parse_parameters, split_outside_quotes
from sip.message import Message

# RFC 4028 §5: less than this is refused, and nobody may ask for it.
SHORTEST_SESSION = 90
# As large as a header may carry; a session that long simply never expires.
_LONGEST = 2**32 - 1


class Refresher(Enum):
    """Who refreshes, by the parts in the transaction that says so: "uac" sent its request."""

    UAC = "uac"
    UAS = "uas"


@dataclass(frozen=True)
class SessionExpires:
    """``seconds`` from one refresh until the session counts as dead. ``refresher`` None: the other side chooses."""

    seconds: int
    refresher: Refresher | None = None

    def __str__(self) -> str:
        return str(self.seconds) if self.refresher is None else f"{self.seconds};refresher={self.refresher.value}"


def parse_session_expires(text: str) -> SessionExpires:
    """Raises SipParseError."""
    pieces = split_outside_quotes(text, ";")
    seconds = parse_number(pieces[0].strip(), _LONGEST, "Session-Expires")
    role = (find_parameter(parse_parameters(pieces[1:]), "refresher") or "").lower()
    if role and role not in ("uac", "uas"):
        raise SipParseError("a refresher is neither uac nor uas")
    return SessionExpires(seconds, Refresher(role) if role else None)


def session_expires(message: Message) -> SessionExpires | None:
    """What a message says, or None. One that is malformed asks for nothing."""
    value = message.headers.get("Session-Expires")
    try:
        return None if value is None else parse_session_expires(value)
    except SipParseError:
        return None


def min_session_expires(message: Message, least: int) -> int:
    """The shortest session that all on the way accept; at least ``least``."""
    value = (message.headers.get("Min-SE") or "").partition(";")[0].strip()
    try:
        return max(least, parse_number(value, _LONGEST, "Min-SE"))
    except SipParseError:
        return least
