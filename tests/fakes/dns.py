"""A DNS server in the process: answers from records written in the text of a zone file."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

HOST = "127.0.0.1"


class DnsServer(asyncio.DatagramProtocol):
    """``async with DnsServer({"example.test": ["SRV 0 0 5060 sip"]}) as server``; ``server.address`` is "host:port".

    ``asked``: what was asked for, in order, as "name TYPE". A silent server never answers.
    """

    def __init__(self, records: Mapping[str, Sequence[str]], *, is_silent: bool = False) -> None:
        self.asked: list[str] = []
        self._records = {dns.name.from_text(name): list(lines) for name, lines in records.items()}
        self._is_silent = is_silent
        self._transport: asyncio.DatagramTransport | None = None

    @property
    def address(self) -> str:
        assert self._transport is not None
        return f"{HOST}:{self._transport.get_extra_info('sockname')[1]}"

    async def __aenter__(self) -> DnsServer:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(HOST, 0))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._transport is not None
        self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self._transport is not None
        query = dns.message.from_wire(data)
        question = query.question[0]
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append(f"{question.name.to_text(omit_final_dot=True)} {kind}")
        if self._is_silent:
            return
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        lines = self._records.get(question.name)
        if lines is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        texts = [line.partition(" ")[2] for line in lines or () if line.partition(" ")[0] == kind]
        if texts:
            response.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *texts))
        self._transport.sendto(response.to_wire(), addr)
