"""A registration: one contact of one account, and the Contact headers that ask for it (RFC 3261 section 10)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gatekeeper.location import Reach
from sip.address import NameAddress, parse_addresses
from sip.errors import SipParseError
from sip.flow import Flow
from sip.grammar import find_parameter, printable, split_list, unquote
from sip.uri import SipUri, parse_uri

MAXIMUM_CONTACTS = 10
"""Contacts of one account, and in one request: a room, its panel, a person's devices. Keeps one account from filling
the table and a call from forking without end."""

MAXIMUM_PATH = 10
"""Proxies between an endpoint and us."""

MAXIMUM_INSTANCE = 256
MAXIMUM_REG_ID = 2**31 - 1

# RFC 3261 section 25.1 qvalue.
_Q = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")
_DIGITS = re.compile(r"[0-9]{1,20}")


@dataclass(frozen=True)
class Binding:
    """A contact that is registered. Times are Unix time, so that they survive a restart.

    ``key`` tells the bindings of an account apart: the contact URI, or instance and reg-id where the client does
    outbound (RFC 5626). ``temporary_id`` belongs to the instance's temporary GRUUs, "" without.
    """

    account: str
    key: str
    contact: str
    expires_at: float
    call_id: str
    cseq: int
    registered_at: float
    q: float = 1.0
    path: tuple[str, ...] = ()
    instance: str = ""
    reg_id: int | None = None
    flow: Flow | None = None
    user_agent: str = ""
    temporary_id: str = ""

    @property
    def shown_contact(self) -> str:
        """The contact, fit for pages and logs."""
        return printable(self.contact)

    @property
    def reach(self) -> Reach:
        """What a caller needs."""
        endpoint = f"{self.account} {self.instance or self.contact}"
        # With a path, the flow leads to the first proxy, which the Route header names anyway.
        flow = None if self.path else self.flow
        return Reach(self.account, self.contact, self.path, flow, self.q, endpoint, self.user_agent, self.expires_at)


@dataclass(frozen=True)
class WantedContact:
    """One Contact of a REGISTER. ``expires`` None: not said there. ``reg_id`` is as sent, whatever it is worth."""

    uri: SipUri
    q: float = 1.0
    expires: int | None = None
    instance: str = ""
    reg_id: int | None = None


def parse_wanted(values: Sequence[str]) -> list[WantedContact] | None:
    """The Contact headers of a REGISTER; None for ``*``, empty for a mere question. Raises SipParseError."""
    if [value.strip() for value in values] == ["*"]:
        return None
    if any(value.strip() == "*" for value in values):
        raise SipParseError("Contact '*' stands beside other contacts")
    addresses = [address for value in values for address in parse_addresses(value)]
    if len(addresses) > MAXIMUM_CONTACTS:
        raise SipParseError(f"more than {MAXIMUM_CONTACTS} contacts", status=403)
    return [_wanted(address) for address in addresses]


def _wanted(address: NameAddress) -> WantedContact:
    if not isinstance(address.uri, SipUri):
        raise SipParseError("a contact is no SIP address")
    parameters = address.parameters
    q_text = find_parameter(parameters, "q")
    if q_text and _Q.fullmatch(q_text) is None:
        raise SipParseError("the q of a contact is not between 0 and 1")
    instance = unquote(find_parameter(parameters, "+sip.instance") or "").strip("<>")
    if len(instance) > MAXIMUM_INSTANCE or re.search(r'[\s"<>;,]', instance):
        raise SipParseError("the instance of a contact is malformed")
    reg_id = find_parameter(parameters, "reg-id")
    if reg_id is not None and (_DIGITS.fullmatch(reg_id) is None or not 0 < int(reg_id) <= MAXIMUM_REG_ID):
        raise SipParseError("the reg-id of a contact is malformed")
    return WantedContact(
        uri=address.uri,
        q=float(q_text) if q_text else 1.0,
        expires=parse_expires(find_parameter(parameters, "expires")),
        instance=instance,
        reg_id=None if reg_id is None else int(reg_id),
    )


def parse_expires(text: str | None) -> int | None:
    """Seconds of an Expires header or parameter; None when absent, or malformed (RFC 3261 section 10.2.1.1)."""
    if text is None or _DIGITS.fullmatch(text.strip()) is None:
        return None
    return min(int(text), 2**32 - 1)


def parse_path(values: Sequence[str]) -> tuple[str, ...]:
    """The URIs of Path headers, topmost first (RFC 3327 section 4). Raises SipParseError."""
    items = [item for value in values for item in split_list(value)]
    if len(items) > MAXIMUM_PATH:
        raise SipParseError("there are too many Paths")
    uris = []
    for item in items:
        uri = parse_addresses(item)[0].uri
        if not isinstance(uri, SipUri):
            raise SipParseError("a Path is no SIP address")
        uris.append(str(uri))
    return tuple(uris)


def is_outbound_path(path: Sequence[str]) -> bool:
    """Whether the proxy next to the client takes part in outbound: it says ``ob`` (RFC 5626 section 5.1)."""
    if not path:
        return True
    edge = parse_uri(path[-1])
    return isinstance(edge, SipUri) and find_parameter(edge.parameters, "ob") is not None
