"""The Contact header (RFC 3261 §20.10)."""

from __future__ import annotations

from sip.address import NameAddress, parse_addresses
from sip.errors import SipParseError


def parse_contacts(values: list[str]) -> tuple[NameAddress, ...]:
    """All contacts of a message; the ``*`` of a REGISTER gives none. Raises SipParseError."""
    if [value.strip() for value in values] == ["*"]:
        return ()
    contacts: list[NameAddress] = []
    for value in values:
        if value.strip() == "*":
            raise SipParseError("Contact '*' stands beside other contacts")
        contacts.extend(parse_addresses(value))
    return tuple(contacts)
