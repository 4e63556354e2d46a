"""Which servers are tried for a URI (RFC 3263), with a resolver of records in memory."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.flow import Target
from sip.locating import MAX_RECORDS, Locating, Location, Naptr, Srv, in_order

HOST = "hospital.example"
V4 = [("udp", False), ("tcp", False), ("tls", False)]


class Records:
    """A resolver; ``asked`` are the names asked for."""

    def __init__(
        self,
        naptr: Mapping[str, list[Naptr]] | None = None,
        srv: Mapping[str, list[Srv]] | None = None,
        addresses: Mapping[str, list[str]] | None = None,
    ) -> None:
        self._naptr, self._srv, self._addresses = naptr or {}, srv or {}, addresses or {}
        self.asked: list[str] = []

    async def naptr(self, domain: str) -> list[Naptr]:
        self.asked.append(f"{domain} NAPTR")
        return self._naptr.get(domain, [])

    async def srv(self, name: str) -> list[Srv]:
        self.asked.append(f"{name} SRV")
        return self._srv.get(name, [])

    async def addresses(self, host: str) -> list[str]:
        self.asked.append(f"{host} A")
        return self._addresses.get(host, [])


async def locate(records: Records, target: Target, usable: list[tuple[str, bool]] | None = None) -> list[Location]:
    return await Locating(records, usable or V4, random.Random(1)).locate(target)


def naptr(order: int, service: str, replacement: str, flags: str = "s", preference: int = 10) -> Naptr:
    return Naptr(order, preference, flags, service, replacement)


async def test_an_address_needs_no_questions() -> None:
    records = Records()
    assert await locate(records, Target("192.0.2.7")) == [Location("udp", "192.0.2.7", 5060, "192.0.2.7")]
    assert await locate(records, Target("192.0.2.7", 5080, "tcp")) == [Location("tcp", "192.0.2.7", 5080, "192.0.2.7")]
    assert await locate(records, Target("192.0.2.7", is_secure=True)) == [
        Location("tls", "192.0.2.7", 5061, "192.0.2.7")
    ]
    assert records.asked == []


async def test_a_port_means_addresses_only() -> None:
    records = Records(addresses={HOST: ["192.0.2.7"]})
    assert await locate(records, Target(HOST, 5070)) == [Location("udp", "192.0.2.7", 5070, HOST)]
    assert records.asked == [f"{HOST} A"]


async def test_naptr_chooses_the_transport_and_srv_the_servers() -> None:
    records = Records(
        {HOST: [naptr(20, "SIP+D2U", "_u.example"), naptr(10, "SIPS+D2T", "_s.example"), naptr(5, "E2U+sip", "x")]},
        {"_s.example": [Srv(1, 0, 5071, "a.example")], "_u.example": [Srv(1, 0, 5072, "b.example")]},
        {"a.example": ["192.0.2.1", "192.0.2.2"], "b.example": ["192.0.2.3"]},
    )
    assert await locate(records, Target(HOST)) == [
        Location("tls", "192.0.2.1", 5071, HOST),
        Location("tls", "192.0.2.2", 5071, HOST),
        Location("udp", "192.0.2.3", 5072, HOST),
    ]
    # A sips URI takes what is encrypted only.
    assert {location.transport for location in await locate(records, Target(HOST, is_secure=True))} == {"tls"}


async def test_what_we_cannot_send_over_is_skipped() -> None:
    records = Records(
        {HOST: [naptr(1, "SIPS+D2T", "_s"), naptr(2, "SIP+D2W", "_w"), naptr(3, "SIP+D2T", "_t", flags="u")]},
        {"_s": [Srv(1, 0, 5061, "a")], "_sip._udp." + HOST: [Srv(1, 0, 5099, "a")]},
        {"a": ["192.0.2.1", "2001:db8::1"]},
    )
    usable = [("udp", False), ("tcp", False)]
    assert await locate(records, Target(HOST), usable) == [Location("udp", "192.0.2.1", 5099, HOST)]
    assert await locate(records, Target(HOST, 5060), [("udp", True)]) == []
    assert await locate(records, Target(HOST, 5060, "tls"), usable) == []


async def test_without_naptr_the_srv_records_of_all_transports_are_asked_for() -> None:
    records = Records(
        srv={f"_sip._tcp.{HOST}": [Srv(1, 0, 5070, "a")], f"_sip._udp.{HOST}": [Srv(1, 0, 5080, "a")]},
        addresses={"a": ["192.0.2.1"]},
    )
    assert [location.transport for location in await locate(records, Target(HOST))] == ["tcp", "udp"]
    assert [location.transport for location in await locate(records, Target(HOST, transport="udp"))] == ["udp"]


async def test_without_any_records_it_is_the_usual_port_of_the_host() -> None:
    records = Records(addresses={HOST: ["192.0.2.1", "2001:db8::1"]})
    both = [*V4, ("udp", True)]
    assert await locate(records, Target(HOST), both) == [
        Location("udp", "192.0.2.1", 5060, HOST),
        Location("udp", "2001:db8::1", 5060, HOST),
    ]
    assert await locate(records, Target(HOST, fallback="tcp")) == [Location("tcp", "192.0.2.1", 5060, HOST)]
    assert await locate(records, Target(HOST, is_secure=True)) == [Location("tls", "192.0.2.1", 5061, HOST)]
    assert await locate(Records(), Target(HOST)) == []


async def test_a_service_that_is_decidedly_not_there() -> None:
    records = Records(srv={f"_sip._tcp.{HOST}": [Srv(0, 0, 0, "")]}, addresses={HOST: ["192.0.2.1"]})
    assert await locate(records, Target(HOST, transport="tcp")) == []


async def test_a_zone_with_endless_records_is_cut() -> None:
    many = [f"192.0.2.{number}" for number in range(200)]
    records = Records(addresses={HOST: many})
    assert len(await locate(records, Target(HOST))) == MAX_RECORDS


def test_priorities_come_before_weights_and_weights_are_proportions() -> None:
    heavy, light, none, later = Srv(1, 30, 1, "a"), Srv(1, 10, 2, "b"), Srv(1, 0, 3, "c"), Srv(2, 99, 4, "d")
    rng = random.Random(3)
    first: Counter[Srv] = Counter()
    for _ in range(2000):
        ordered = in_order([later, light, heavy, none], rng)
        assert ordered[-1] == later
        first[ordered[0]] += 1
    assert first[heavy] > 2.5 * first[light] > 0
    assert 0 < first[none] < 0.2 * first[light]


@given(st.lists(st.builds(Srv, st.integers(0, 3), st.integers(0, 65535), st.just(5060), st.just("a"))))
def test_ordering_loses_nothing(records: list[Srv]) -> None:
    ordered = in_order(records, random.Random(7))
    assert Counter(ordered) == Counter(records)
    assert [record.priority for record in ordered] == sorted(record.priority for record in records)


@pytest.mark.parametrize("transport", ["ws", "wss", "sctp"])
async def test_transports_that_we_cannot_open(transport: str) -> None:
    assert await locate(Records(), Target("192.0.2.1", transport=transport)) == []
