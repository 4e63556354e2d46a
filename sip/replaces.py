"""The Replaces header: the call that an INVITE takes the place of (RFC 3891)."""

from __future__ import annotations

from dataclasses import dataclass

from sip.dialog import DialogKey
from sip.errors import SipParseError
from sip.grammar import find_parameter, parse_parameters, split_outside_quotes


@dataclass(frozen=True)
class Replaces:
    """The tags as their receiver sees them: ``to_tag`` is its own."""

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool = False

    def __str__(self) -> str:
        early = ";early-only" if self.early_only else ""
        return f"{self.call_id};to-tag={self.to_tag};from-tag={self.from_tag}{early}"

    @property
    def key(self) -> DialogKey:
        """The dialog as its receiver knows it."""
        return self.call_id, self.to_tag, self.from_tag


def parse_replaces(text: str) -> Replaces:
    """Raises SipParseError."""
    pieces = split_outside_quotes(text, ";")
    parameters = parse_parameters(pieces[1:])
    call_id = pieces[0].strip()
    to_tag, from_tag = find_parameter(parameters, "to-tag"), find_parameter(parameters, "from-tag")
    if not call_id or " " in call_id or not to_tag or from_tag is None:
        raise SipParseError("a Replaces header is malformed")
    # A peer of RFC 2543 has no tag, and is named by "0" (§6.1).
    is_early = find_parameter(parameters, "early-only") is not None
    return Replaces(call_id, to_tag, "" if from_tag == "0" else from_tag, is_early)
