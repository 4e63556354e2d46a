"""Following a 3xx to where the called one can be reached (RFC 3261 §8.1.3.4)."""

from __future__ import annotations

from dataclasses import dataclass, field

from sip.address import NameAddress
from sip.errors import SipParseError
from sip.grammar import find_parameter
from sip.message import Response
from sip.uri import SipUri

# Two servers that send a caller to each other must not keep it busy for long.
MAX_REDIRECTIONS = 5


@dataclass
class Redirections:
    """``tried`` are the URIs that were called, ``left`` those still to call, best first."""

    tried: set[str]
    left: list[SipUri] = field(default_factory=list)

    def add(self, response: Response) -> None:
        """Take over the Contacts of a 3xx, those of the highest q first."""
        for contact in sorted(response.contacts, key=_preference, reverse=True):
            uri = contact.uri
            if isinstance(uri, SipUri) and str(uri) not in self.tried and uri not in self.left:
                self.left.append(uri)

    def next(self) -> SipUri | None:
        """The next one to call, or None."""
        if not self.left or len(self.tried) > MAX_REDIRECTIONS:
            return None
        uri = self.left.pop(0)
        self.tried.add(str(uri))
        return uri


def _preference(contact: NameAddress) -> float:
    try:
        return _parse_q(find_parameter(contact.parameters, "q"))
    except SipParseError:
        return 0.0


def _parse_q(text: str | None) -> float:
    if text is None:
        return 1.0
    if len(text) > 5 or not text.replace(".", "", 1).isdigit():
        raise SipParseError("a q value is malformed")
    return float(text)
