"""The Reason header: why a request was sent (RFC 3326)."""

from __future__ import annotations

from dataclasses import dataclass

from sip.errors import SipParseError
from sip.grammar import (
    find_parameter,
    is_token,
    parse_number,
    parse_parameters,
    printable,
    quote,
    split_list,
    split_outside_quotes,
    unquote,
)


@dataclass(frozen=True)
class Reason:
    """``protocol`` is "SIP" (cause is a status code) or "Q.850" (cause as in ISUP)."""

    protocol: str
    cause: int | None = None
    text: str = ""

    def __str__(self) -> str:
        cause = "" if self.cause is None else f";cause={self.cause}"
        text = f";text={quote(self.text)}" if self.text else ""
        return f"{self.protocol}{cause}{text}"


def parse_reasons(value: str) -> tuple[Reason, ...]:
    """Raises SipParseError."""
    reasons: list[Reason] = []
    for item in split_list(value):
        protocol, *rest = split_outside_quotes(item, ";")
        if not is_token(protocol.strip()):
            raise SipParseError("a Reason is malformed")
        parameters = parse_parameters(rest)
        cause = find_parameter(parameters, "cause")
        text = printable(unquote(find_parameter(parameters, "text") or ""))
        reasons.append(Reason(protocol.strip(), parse_number(cause, 999, "cause") if cause else None, text))
    return tuple(reasons)
