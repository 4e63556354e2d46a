"""The Via header (RFC 3261 §20.42, rport: RFC 3581)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from sip.errors import SipParseError
from sip.grammar import (
    Parameters,
    find_parameter,
    parameters_to_text,
    parse_parameters,
    split_list,
    split_outside_quotes,
)
from sip.uri import host_port_to_text, parse_host_port

# A branch that starts so is unique per transaction (RFC 3261 §8.1.1.7).
MAGIC_COOKIE = "z9hG4bK"

_SENT = re.compile(r"([A-Za-z]+)\s*/\s*([0-9.]+)\s*/\s*([A-Za-z0-9\-.!%*_+`'~]+)\s+(\S.*)", re.DOTALL)


@dataclass(frozen=True)
class Via:
    """One hop of a message's way. ``transport`` is in upper case, as it is written.

    Another ``version`` than 2.0 is kept, so that its sender can be told with 505 that it is not spoken here.
    """

    transport: str
    host: str
    port: int | None
    parameters: Parameters = ()
    version: str = "2.0"

    def __str__(self) -> str:
        host_port = host_port_to_text(self.host, self.port)
        return f"SIP/{self.version}/{self.transport} {host_port}{parameters_to_text(self.parameters)}"

    @property
    def branch(self) -> str:
        """The branch parameter, "" when absent."""
        return find_parameter(self.parameters, "branch") or ""

    @property
    def has_unique_branch(self) -> bool:
        """Whether the branch alone names the transaction (false for RFC 2543 peers)."""
        return self.branch.startswith(MAGIC_COOKIE) and len(self.branch) > len(MAGIC_COOKIE)

    @property
    def wants_rport(self) -> bool:
        """Whether the sender asked for answers to the port the request came from (RFC 3581 §3)."""
        return find_parameter(self.parameters, "rport") is not None

    def received_from(self, host: str, port: int) -> Via:
        """This Via as a server must write it back (RFC 3261 §18.2.1, RFC 3581 §4)."""
        kept = tuple(item for item in self.parameters if item[0] not in ("received", "rport"))
        if self.wants_rport:
            return replace(self, parameters=(*kept, ("received", host), ("rport", str(port))))
        if self.host.lower() != host.lower():
            return replace(self, parameters=(*kept, ("received", host)))
        return replace(self, parameters=kept)


def parse_via(text: str) -> Via:
    """One Via. Raises SipParseError."""
    pieces = split_outside_quotes(text, ";")
    match = _SENT.fullmatch(pieces[0].strip())
    if match is None or match[1].upper() != "SIP":
        raise SipParseError("a Via is malformed")
    host, port = parse_host_port(match[4].strip())
    return Via(match[3].upper(), host, port, parse_parameters(pieces[1:]), match[2])


def parse_vias(text: str) -> tuple[Via, ...]:
    """A comma-separated list of Vias. Raises SipParseError."""
    return tuple(parse_via(item) for item in split_list(text))
