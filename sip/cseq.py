"""The CSeq header (RFC 3261 §20.16)."""

from __future__ import annotations

from dataclasses import dataclass

from sip.errors import SipParseError
from sip.grammar import is_token, parse_number

# RFC 3261 §8.1.1.5
MAX_CSEQ = 2**31 - 1


@dataclass(frozen=True)
class CSeq:
    """Sequence number and method of a request; its responses repeat both."""

    number: int
    method: str

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


def parse_cseq(text: str) -> CSeq:
    """Raises SipParseError."""
    words = text.split()
    if len(words) != 2 or not is_token(words[1]):
        raise SipParseError("the CSeq is malformed")
    return CSeq(parse_number(words[0], MAX_CSEQ, "the CSeq number"), words[1])
