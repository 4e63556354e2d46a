"""Which servers to try for a URI: NAPTR, SRV, addresses (RFC 3263 §4). The questions go to a ``Resolver``."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sip.flow import Target
from sip.routing import DEFAULT_PORTS

# A zone may hold any number of records; nobody waits for a call through more servers than these.
MAX_RECORDS = 8

# RFC 3263 §4.1, RFC 7118 §9 (NAPTR services); RFC 3263 §4.2 (prefixes of SRV names).
_SERVICES = {"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls", "SIP+D2W": "ws", "SIPS+D2W": "wss"}
_PREFIXES = {"udp": "_sip._udp.", "tcp": "_sip._tcp.", "tls": "_sips._tcp."}
_SECURE = frozenset({"tls", "wss"})
# Without NAPTR the choice is ours: encrypted before plain, and a stream before datagrams that our INVITEs outgrow.
_PREFERENCE = ("tls", "tcp", "udp")


@dataclass(frozen=True)
class Naptr:
    """A NAPTR record (RFC 3403 §4.1); ``replacement`` is where its SRV records are."""

    order: int
    preference: int
    flags: str
    service: str
    replacement: str


@dataclass(frozen=True)
class Srv:
    """An SRV record (RFC 2782). ``target`` has no dot at its end; "" says that the service is not there."""

    priority: int
    weight: int
    port: int
    target: str


class Resolver(Protocol):
    """Answers questions about names; no answer, for whatever reason, is an empty list. Raises nothing."""

    async def naptr(self, domain: str) -> list[Naptr]:
        """NAPTR records of a domain."""

    async def srv(self, name: str) -> list[Srv]:
        """SRV records of a name such as ``_sip._udp.example.com``."""

    async def addresses(self, host: str) -> list[str]:
        """IPv4 and IPv6 addresses of a host."""


@dataclass(frozen=True)
class Location:
    """A server to try. ``name`` is what its certificate must be for (RFC 5922 §4): the domain that was dialled."""

    transport: str
    address: str
    port: int
    name: str


class Locating:
    """Finds the servers of targets. ``usable``: transport and whether IPv6, of everything we can send over."""

    def __init__(self, resolver: Resolver, usable: Sequence[tuple[str, bool]], rng: random.Random) -> None:
        self._resolver = resolver
        self._usable = frozenset(usable)
        self._transports = frozenset(transport for transport, _ in usable)
        self._rng = rng

    async def locate(self, target: Target) -> list[Location]:
        """Servers to try, best first; empty when there are none that we can reach."""
        transport = target.transport
        if transport is None and (target.port is not None or is_address(target.host)):
            transport = _without_dns(target)
        if transport is not None:
            return await self._with_transport(target, transport)
        found = await self._by_naptr(target) or await self._by_srv(target)
        return found or await self._hosts(target, _without_dns(target), target.host, None)

    async def _with_transport(self, target: Target, transport: str) -> list[Location]:
        if transport not in self._transports:
            return []
        if target.port is None and not is_address(target.host) and transport in _PREFIXES:
            records = await self._resolver.srv(_PREFIXES[transport] + target.host)
            if records:
                return await self._servers(target, transport, records)
        return await self._hosts(target, transport, target.host, target.port)

    async def _by_naptr(self, target: Target) -> list[Location]:
        records = await self._resolver.naptr(target.host)
        found: list[Location] = []
        for record in sorted(records, key=lambda record: (record.order, record.preference))[:MAX_RECORDS]:
            transport = _SERVICES.get(record.service.upper())
            if record.flags.lower() == "s" and transport is not None and self._may_use(target, transport):
                found += await self._servers(target, transport, await self._resolver.srv(record.replacement))
        return found

    async def _by_srv(self, target: Target) -> list[Location]:
        found: list[Location] = []
        for transport in sorted(_PREFERENCE, key=lambda name: name != target.fallback and target.fallback != "udp"):
            if self._may_use(target, transport):
                records = await self._resolver.srv(_PREFIXES[transport] + target.host)
                found += await self._servers(target, transport, records)
        return found

    def _may_use(self, target: Target, transport: str) -> bool:
        return transport in self._transports and (transport in _SECURE or not target.is_secure)

    async def _servers(self, target: Target, transport: str, records: list[Srv]) -> list[Location]:
        found: list[Location] = []
        for record in in_order(records, self._rng)[:MAX_RECORDS]:
            if record.target and record.port:
                found += await self._hosts(target, transport, record.target, record.port)
        return found

    async def _hosts(self, target: Target, transport: str, host: str, port: int | None) -> list[Location]:
        addresses = [host] if is_address(host) else await self._resolver.addresses(host)
        port = port or DEFAULT_PORTS[transport]
        return [
            Location(transport, address, port, target.host)
            for address in addresses[:MAX_RECORDS]
            if (transport, ":" in address) in self._usable
        ]


def in_order(records: list[Srv], rng: random.Random) -> list[Srv]:
    """By priority, and within one by chance in proportion to the weights (RFC 2782)."""
    ordered: list[Srv] = []
    for priority in sorted({record.priority for record in records}):
        # Weight 0 has a very small chance: first in the list, it is taken only when the number drawn is 0.
        left = sorted((record for record in records if record.priority == priority), key=lambda record: record.weight)
        while left:
            drawn = rng.randint(0, sum(record.weight for record in left))
            for index, record in enumerate(left):
                drawn -= record.weight
                if drawn <= 0:
                    ordered.append(left.pop(index))
                    break
    return ordered


def is_address(host: str) -> bool:
    """Whether this is an IP address, not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _without_dns(target: Target) -> str:
    return "tls" if target.is_secure else target.fallback
