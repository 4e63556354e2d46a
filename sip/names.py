"""Questions to DNS, answered without blocking the loop and remembered for as long as the records live."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterable, Sequence

import dns.asyncresolver
import dns.exception
import dns.nameserver
import dns.rdatatype
import dns.resolver
from dns.rdtypes.IN.NAPTR import NAPTR
from dns.rdtypes.IN.SRV import SRV

from sip.locating import Naptr, Srv, is_address

logger = logging.getLogger(__name__)

# A caller waits for all questions of one call: NAPTR, SRV, addresses. A resolver that is silent must not add up.
LIFETIME = 3.0
MAX_ANSWERS = 2048


class Names:
    """Implements ``sip.locating.Resolver`` with the system's resolver, or with the name servers that are given.

    ``servers``: addresses, each with a port ("192.0.2.1:53" or just the address). Given ones are asked for addresses
    too; otherwise those come from the system, which also knows its hosts file. Raises ValueError for other text.
    """

    def __init__(self, servers: Sequence[str] = ()) -> None:
        self._has_own_servers = bool(servers)
        self._resolver: dns.asyncresolver.Resolver | None
        try:
            self._resolver = dns.asyncresolver.Resolver(configure=not servers)
        except dns.exception.DNSException as error:
            logger.warning("no DNS server is configured on this machine: %s", error)
            self._resolver = None
            return
        self._resolver.lifetime = LIFETIME
        self._resolver.cache = dns.resolver.LRUCache(MAX_ANSWERS)
        if servers:
            self._resolver.nameservers = [_name_server(server) for server in servers]

    async def naptr(self, domain: str) -> list[Naptr]:
        """See ``Resolver``."""
        return [
            Naptr(
                record.order,
                record.preference,
                record.flags.decode("ascii", "replace"),
                record.service.decode("ascii", "replace"),
                record.replacement.to_text(omit_final_dot=True),
            )
            for record in await self._ask(domain, dns.rdatatype.NAPTR)
            if isinstance(record, NAPTR)
        ]

    async def srv(self, name: str) -> list[Srv]:
        """See ``Resolver``."""
        return [
            Srv(record.priority, record.weight, record.port, record.target.to_text(omit_final_dot=True).strip("."))
            for record in await self._ask(name, dns.rdatatype.SRV)
            if isinstance(record, SRV)
        ]

    async def addresses(self, host: str) -> list[str]:
        """See ``Resolver``."""
        if self._has_own_servers and host != "localhost":
            found = [await self._ask(host, kind) for kind in (dns.rdatatype.A, dns.rdatatype.AAAA)]
            return [record.to_text() for records in found for record in records]  # type: ignore[attr-defined]
        try:
            async with asyncio.timeout(LIFETIME):
                told = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError, TimeoutError):
            return []
        return list(dict.fromkeys(str(entry[4][0]) for entry in told))

    async def _ask(self, name: str, kind: dns.rdatatype.RdataType) -> Iterable[object]:
        if self._resolver is None:
            return ()
        try:
            answer = await self._resolver.resolve(name, kind, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return ()
        except (dns.exception.DNSException, OSError, ValueError) as error:
            logger.info("DNS did not answer about %s: %s", name, error)
            return ()
        return answer.rrset or ()


def _name_server(server: str) -> dns.nameserver.Nameserver:
    """Raises ValueError for what is no address."""
    host, colon, port = server.rpartition(":")
    if is_address(server):
        return dns.nameserver.Do53Nameserver(server)
    host = host.strip("[]")
    if not colon or not is_address(host) or not port.isdecimal():
        raise ValueError(f"{server} is no address of a DNS server")
    return dns.nameserver.Do53Nameserver(host, int(port))
