"""Rates and failures by source and account: who is stopped, and above all who is not."""

from __future__ import annotations

import pytest

from gatekeeper.buckets import TokenBuckets
from gatekeeper.networks import parse_networks
from gatekeeper.protection import Protection, ProtectionSettings, Rate, Traffic, source_group
from sip.flow import Flow

SETTINGS = ProtectionSettings(
    register=Rate(10, 100),
    call=Rate(10, 50),
    account_failures=Rate(1 / 30, 5),
    source_failures=Rate(0.5, 20),
    trusted=parse_networks(["203.0.113.0/24"]),
)
REGISTER = b"REGISTER sip:h SIP/2.0\r\n"
INVITE = b"INVITE sip:1@h SIP/2.0\r\n"
BYE = b"BYE sip:1@h SIP/2.0\r\n"


def flow(host: str, port: int = 5060) -> Flow:
    return Flow("udp", (host, port), ("192.0.2.1", 5060))


ATTACKER, NEIGHBOUR, OTHER = flow("198.51.100.7", 999), flow("198.51.100.7", 5060), flow("198.51.100.8")


def test_a_bucket_fills_again_up_to_its_burst() -> None:
    buckets = TokenBuckets(rate=2, burst=3)
    assert [buckets.take("a", 0.0) for _ in range(4)] == [True, True, True, False]
    assert buckets.wait("a", 0.0) == pytest.approx(0.5)
    assert buckets.take("a", 0.5)
    assert [buckets.take("a", 100.0) for _ in range(4)] == [True, True, True, False]
    assert not buckets.take("a", 50.0)  # a clock that was set back gives nothing
    assert buckets.take("b", 100.0)


def test_buckets_are_bounded() -> None:
    buckets = TokenBuckets(1, 1, keys=10)
    for number in range(1000):
        buckets.take(number, 0.0)
    assert len(buckets) == 10


def drops(protection: Protection, data: bytes, source: Flow, count: int, now: float = 0.0) -> int:
    return sum(protection.is_noise(data, source, now) for _ in range(count))


def test_a_flood_is_dropped_and_calls_of_the_same_address_are_not() -> None:
    protection = Protection(SETTINGS)
    assert drops(protection, REGISTER, ATTACKER, 5000) == 4900
    assert drops(protection, INVITE, ATTACKER, 20) == 0
    assert drops(protection, BYE, ATTACKER, 20) == 0
    assert drops(protection, REGISTER, OTHER, 50) == 0
    assert drops(protection, REGISTER, ATTACKER, 20, now=1.0) == 10


def test_garbage_and_unknown_methods_count_as_strangers_messages() -> None:
    protection = Protection(SETTINGS)
    assert drops(protection, b"\x16\x03\x01", ATTACKER, 60) + drops(protection, b"OPTIONS s", ATTACKER, 60) == 20


def test_success_is_given_back() -> None:
    protection = Protection(SETTINGS)
    for number in range(10_000):
        # a challenge and the answer to it, of a thousand devices behind one address
        assert not protection.is_noise(REGISTER, OTHER, 0.0)
        assert not protection.is_noise(REGISTER, OTHER, 0.0)
        protection.succeeded(OTHER, Traffic.REGISTER, f"room{number % 1000}", 0.0)


def test_an_account_that_registers_without_end_is_slowed_down() -> None:
    protection = Protection(SETTINGS)
    served = 0
    for _ in range(1000):
        if not protection.is_noise(REGISTER, OTHER, 0.0):
            protection.succeeded(OTHER, Traffic.REGISTER, "hasty", 0.0)
            served += 1
    assert 100 < served < 250


def test_calls_count_also_of_those_who_prove_themselves() -> None:
    protection = Protection(SETTINGS)
    served = 0
    for number in range(1000):
        if not protection.is_noise(INVITE, OTHER, 0.0):
            protection.succeeded(OTHER, Traffic.CALL, f"room{number}", 0.0)
            served += not protection.is_noise(INVITE, OTHER, 0.0)
    assert 40 <= served <= 100


def test_a_flow_that_has_proven_itself_does_not_suffer_from_its_neighbour() -> None:
    protection = Protection(SETTINGS)
    assert not protection.is_noise(REGISTER, NEIGHBOUR, 0.0)
    protection.succeeded(NEIGHBOUR, Traffic.REGISTER, "alice", 0.0)
    drops(protection, REGISTER, ATTACKER, 5000)
    assert drops(protection, REGISTER, NEIGHBOUR, 50) == 0
    # but it has no more than others when it turns bad
    assert drops(protection, REGISTER, NEIGHBOUR, 5000) >= 4900


def test_trusted_networks_are_not_counted() -> None:
    assert drops(Protection(SETTINGS), REGISTER, flow("203.0.113.5"), 5000) == 0


def test_guessing_locks_the_guesser_only() -> None:
    protection = Protection(SETTINGS)
    for _ in range(5):
        assert protection.wait("alice", ATTACKER, "", 0.0) == 0
        protection.failed("alice", ATTACKER, "", 0.0)
    assert protection.wait("alice", ATTACKER, "", 0.0) > 20
    assert protection.wait("alice", NEIGHBOUR, "", 0.0) > 20  # the same address: cannot be told apart
    assert protection.wait("alice", NEIGHBOUR, "a-call-id-only-alice-knows", 0.0) == 0
    assert protection.wait("alice", OTHER, "", 0.0) == 0
    assert protection.wait("bob", ATTACKER, "", 0.0) == 0
    assert protection.wait("alice", ATTACKER, "", 31.0) == 0


def test_one_password_tried_on_many_accounts_is_seen() -> None:
    protection = Protection(SETTINGS)
    protection.proved("carol", NEIGHBOUR)
    for number in range(20):
        protection.failed(f"user{number}", ATTACKER, "", 0.0)
    assert protection.wait("user99", ATTACKER, "", 0.0) > 0
    assert protection.wait("carol", NEIGHBOUR, "", 0.0) == 0  # was here before, with the right password
    assert protection.wait("user99", OTHER, "", 0.0) == 0


def test_memory_is_bounded_under_names_and_addresses_without_end() -> None:
    protection = Protection(SETTINGS)
    for number in range(30_000):
        source = flow(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
        protection.is_noise(REGISTER, source, 0.0)
        protection.failed(f"user{number}", source, "", 0.0)
        protection.succeeded(source, Traffic.REGISTER, f"user{number}", 0.0)
    assert len(protection._account_failures) <= 20_000
    assert len(protection._known_flows) <= 20_000


@pytest.mark.parametrize(
    ("source", "group"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1234:5678", "2001:db8::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("no address", "no address"),
    ],
)
def test_sources_are_grouped_by_what_one_attacker_holds(source: str, group: str) -> None:
    assert source_group(source) == group
