"""Sets of IP networks, and what calls from where must show before they are served."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class NetworkError(ValueError):
    """A text is no network; the message says which."""


@dataclass(frozen=True)
class Networks:
    """Some networks; ``"192.0.2.1" in networks`` tells whether an address is in one of them."""

    members: tuple[Network, ...] = ()

    def __contains__(self, source: object) -> bool:
        return self.longest(str(source)) >= 0

    def longest(self, source: str) -> int:
        """Length of the longest prefix of a member that fits this address; -1 when none does."""
        if not self.members:
            return -1
        address = _address(source)
        if address is None:
            return -1
        fitting = (one.prefixlen for one in self.members if one.version == address.version and address in one)
        return max(fitting, default=-1)


def parse_networks(texts: Iterable[str]) -> Networks:
    """Networks such as "10.0.0.0/8", "2001:db8::/32" or a single address. Raises NetworkError."""
    members = []
    for text in texts:
        try:
            members.append(ipaddress.ip_network(text.strip(), strict=False))
        except ValueError:
            raise NetworkError(f"{text.strip()!r} is no network such as 10.0.0.0/8 or 2001:db8::/32") from None
    return Networks(tuple(members))


@lru_cache(maxsize=4096)
def _address(source: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(source.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


class CallerPolicy(Enum):
    """What a caller that is not registered must show: nothing, a password, or it is not served at all."""

    ALLOW = "allow"
    CHALLENGE = "challenge"
    REFUSE = "refuse"


@dataclass(frozen=True)
class CallerRules:
    """Policies by source network. The longest prefix decides, and among equals the stricter policy."""

    networks: dict[CallerPolicy, Networks] = field(default_factory=dict)
    otherwise: CallerPolicy = CallerPolicy.ALLOW

    def policy(self, source: str) -> CallerPolicy:
        """The policy for this address."""
        best, decided = -1, self.otherwise
        for policy in (CallerPolicy.REFUSE, CallerPolicy.CHALLENGE, CallerPolicy.ALLOW):
            length = self.networks.get(policy, Networks()).longest(source)
            if length > best:
                best, decided = length, policy
        return decided
