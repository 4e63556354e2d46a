"""A name with an address: From, To, Contact, Route, Record-Route (RFC 3261 §20.10, §20.20, §20.39)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sip.errors import SipParseError
from sip.grammar import (
    TOKEN,
    Parameters,
    find_parameter,
    parameters_to_text,
    parse_parameters,
    printable,
    quote,
    split_list,
    split_outside_quotes,
    unquote,
)
from sip.uri import Uri, parse_uri


@dataclass(frozen=True)
class NameAddress:
    """``"Display name" <uri>;parameters``. ``name`` is unquoted; parameters are the header's, not the URI's."""

    uri: Uri
    name: str = ""
    parameters: Parameters = ()

    def __str__(self) -> str:
        name = f"{quote(self.name)} " if self.name else ""
        return f"{name}<{self.uri}>{parameters_to_text(self.parameters)}"

    @property
    def tag(self) -> str | None:
        """The tag parameter (RFC 3261 §19.3), None when absent or empty."""
        return find_parameter(self.parameters, "tag") or None

    @property
    def shown_name(self) -> str:
        """The display name, fit for logs and screens."""
        return printable(self.name)

    def with_tag(self, tag: str) -> NameAddress:
        """The same address with this tag."""
        others = tuple(parameter for parameter in self.parameters if parameter[0] != "tag")
        return replace(self, parameters=(*others, ("tag", tag)))


def parse_name_address(text: str) -> NameAddress:
    """One name-addr or addr-spec with header parameters. Raises SipParseError."""
    text = text.strip()
    pieces = split_outside_quotes(text, ";")
    address, parameters = pieces[0].strip(), parse_parameters(pieces[1:])
    opening = _opening_bracket(address)
    if opening < 0:
        # Without brackets all parameters belong to the header, and "," "?" may not stand in the URI (§20.10).
        if "?" in address or "," in address:
            raise SipParseError("an address with '?' or ',' must stand in angle brackets")
        return NameAddress(parse_uri(address), "", parameters)
    if not address.endswith(">"):
        raise SipParseError("something stands between an address and its parameters")
    return NameAddress(parse_uri(address[opening + 1 : -1].strip()), _display_name(address[:opening]), parameters)


def parse_addresses(text: str) -> tuple[NameAddress, ...]:
    """A comma-separated list of addresses. Raises SipParseError."""
    return tuple(parse_name_address(item) for item in split_list(text))


def _opening_bracket(address: str) -> int:
    """Where the "<" outside of the quoted display name stands; -1 without one."""
    if address.startswith('"'):
        escaped = False
        for position in range(1, len(address)):
            if escaped:
                escaped = False
            elif address[position] == "\\":
                escaped = True
            elif address[position] == '"':
                return address.find("<", position)
    return address.find("<")


def _display_name(text: str) -> str:
    text = text.strip()
    if text.startswith('"'):
        if len(text) < 2 or not text.endswith('"'):
            raise SipParseError("a display name is malformed")
        # A bare CR may stand in what was received, but never in what we write.
        return unquote(text).replace("\r", " ").replace("\n", " ")
    # Unquoted names are tokens by the grammar; devices also write raw UTF-8, which is harmless to accept.
    words = text.split()
    for word in words:
        if not all(TOKEN.fullmatch(character) or ord(character) > 0x7F for character in word):
            raise SipParseError("a display name must be quoted")
    return " ".join(words)  # whatever white space stood between them
