"""Whom the server may call by itself. The default is nobody but registered endpoints, so that it makes no free calls.

A server that calls whatever it is told to is found within hours and used for calls at its owner's cost (toll fraud).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from sip.errors import SipParseError
from sip.grammar import find_parameter
from sip.uri import OtherUri, SipUri, parse_uri

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_TARGET = 256
"""Characters of an address to call; no room has a longer one."""

# ``maddr`` would send the call elsewhere than the host says, past the policy (RFC 3261 section 19.1.1).
_KEPT_PARAMETERS = ("transport", "user")


@dataclass(frozen=True)
class DialPolicy:
    """Hosts that may be called although nobody is registered there.

    ``domains``: in lower case; ``.example.org`` means every name below it. ``networks`` are for addresses in numbers.
    """

    domains: frozenset[str] = frozenset()
    networks: tuple[IpNetwork, ...] = ()


class UnusableTarget(Exception):
    """What was given is no address that a call can go to."""


def dial_policy(domains: Iterable[str], networks: Iterable[str]) -> DialPolicy:
    """The policy as settings spell it. Raises ValueError for what is no network."""
    return DialPolicy(
        frozenset(domain.strip().lower().rstrip(".") for domain in domains if domain.strip()),
        tuple(ipaddress.ip_network(network.strip(), strict=False) for network in networks),
    )


def target_uri(target: str) -> SipUri | None:
    """The SIP address that ``target`` spells, cleaned of what a Request-URI must not carry; None for a bare name.

    ``sip:`` may be left out before ``user@host``. Raises UnusableTarget.
    """
    target = target.strip()
    if not target or len(target) > MAX_TARGET:
        raise UnusableTarget("This is no address to call.")
    has_scheme = target.partition(":")[0].lower() in ("sip", "sips", "tel")
    if not has_scheme and "@" not in target:
        if any(character.isspace() or not character.isprintable() or character in '<>"' for character in target):
            raise UnusableTarget("A name to call has no spaces, quotes or brackets.")
        return None
    try:
        uri = parse_uri(target if has_scheme else f"sip:{target}")
    except SipParseError as error:
        raise UnusableTarget(f"The address cannot be read: {error}.") from error
    if isinstance(uri, OtherUri):
        raise UnusableTarget("Telephone numbers can only be called where a room is registered under them.")
    kept = tuple((name, value) for name, value in uri.parameters if name.lower() in _KEPT_PARAMETERS)
    if find_parameter(uri.parameters, "maddr") is not None:
        raise UnusableTarget("Addresses with maddr are not called.")
    return SipUri(uri.host, uri.user, uri.port, uri.scheme, kept)


def is_allowed(uri: SipUri, policy: DialPolicy) -> bool:
    """Whether this address may be called although nobody is registered there."""
    host = uri.host.lower().rstrip(".")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return any(host.endswith(domain) if domain.startswith(".") else host == domain for domain in policy.domains)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return any((mapped or address) in network for network in policy.networks)
