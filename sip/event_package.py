"""The headers Event and Subscription-State (RFC 6665 §8.2)."""

from __future__ import annotations

from dataclasses import dataclass

from sip.errors import SipParseError
from sip.grammar import find_parameter, is_token, parse_number, parse_parameters, split_outside_quotes

# A subscription for longer than a day is shortened anyway.
_LONGEST = 2**32 - 1


@dataclass(frozen=True)
class EventHeader:
    """``package``: "conference", "reg", "refer" … in lower case; ``id`` tells subscriptions of a dialog apart."""

    package: str
    id: str | None = None

    def __str__(self) -> str:
        return self.package if self.id is None else f"{self.package};id={self.id}"


def parse_event(text: str) -> EventHeader:
    """Raises SipParseError."""
    pieces = split_outside_quotes(text, ";")
    package = pieces[0].strip().lower()
    if not is_token(package):
        raise SipParseError("the Event is malformed")
    return EventHeader(package, find_parameter(parse_parameters(pieces[1:]), "id"))


@dataclass(frozen=True)
class SubscriptionState:
    """``state``: "active", "pending" or "terminated"; ``reason`` of the end; ``expires`` in seconds."""

    state: str
    reason: str = ""
    expires: int | None = None

    def __str__(self) -> str:
        reason = f";reason={self.reason}" if self.reason else ""
        return f"{self.state}{reason}" + ("" if self.expires is None else f";expires={self.expires}")

    @property
    def is_over(self) -> bool:
        """Whether no further NOTIFY comes."""
        return self.state == "terminated"


def parse_subscription_state(text: str) -> SubscriptionState:
    """Raises SipParseError."""
    pieces = split_outside_quotes(text, ";")
    state = pieces[0].strip().lower()
    if not is_token(state):
        raise SipParseError("the Subscription-State is malformed")
    parameters = parse_parameters(pieces[1:])
    expires = find_parameter(parameters, "expires")
    seconds = parse_number(expires, _LONGEST, "expires") if expires else None
    return SubscriptionState(state, find_parameter(parameters, "reason") or "", seconds)


def parse_expires(text: str | None, usual: int) -> int:
    """The Expires header in seconds; ``usual`` when it is absent or malformed (RFC 3261 §20.19)."""
    try:
        return usual if text is None else parse_number(text.strip(), _LONGEST, "Expires")
    except SipParseError:
        return usual
