"""The RAck header: which provisional response a PRACK acknowledges (RFC 3262 §7.2)."""

from __future__ import annotations

from dataclasses import dataclass

from sip.errors import SipParseError
from sip.grammar import is_token, parse_number

# RFC 3262 §7.1; the first one is chosen so low that counting never reaches it.
MAX_RSEQ = 2**32 - 1


@dataclass(frozen=True)
class RAck:
    """``rseq`` of the response; number and method of the request that it answers."""

    rseq: int
    cseq: int
    method: str

    def __str__(self) -> str:
        return f"{self.rseq} {self.cseq} {self.method}"


def parse_rack(text: str) -> RAck:
    """Raises SipParseError."""
    words = text.split()
    if len(words) != 3 or not is_token(words[2]):
        raise SipParseError("the RAck is malformed")
    return RAck(parse_number(words[0], MAX_RSEQ, "RSeq"), parse_number(words[1], MAX_RSEQ, "CSeq"), words[2])
