"""Networks, and the policy for callers from them."""

from __future__ import annotations

import pytest

from gatekeeper.networks import CallerPolicy, CallerRules, NetworkError, parse_networks

RULES = CallerRules(
    {
        CallerPolicy.ALLOW: parse_networks(["10.0.0.0/8", "2001:db8::/32"]),
        CallerPolicy.CHALLENGE: parse_networks(["10.9.0.0/16"]),
        CallerPolicy.REFUSE: parse_networks(["10.9.9.9", "10.0.0.0/8"]),
    },
    CallerPolicy.CHALLENGE,
)


@pytest.mark.parametrize(
    ("source", "policy"),
    [
        ("10.1.1.1", CallerPolicy.REFUSE),  # both say /8: the stricter one counts
        ("10.9.1.1", CallerPolicy.CHALLENGE),
        ("10.9.9.9", CallerPolicy.REFUSE),
        ("2001:db8:1::1", CallerPolicy.ALLOW),
        ("::ffff:10.9.1.1", CallerPolicy.CHALLENGE),
        ("198.51.100.1", CallerPolicy.CHALLENGE),
        ("fe80::1%eth0", CallerPolicy.CHALLENGE),
        ("nonsense", CallerPolicy.CHALLENGE),
    ],
)
def test_the_longest_prefix_decides(source: str, policy: CallerPolicy) -> None:
    assert RULES.policy(source) is policy


def test_an_address_with_host_bits_is_its_network() -> None:
    assert "10.1.2.99" in parse_networks(["10.1.2.3/24"])


def test_what_is_no_network_is_named() -> None:
    with pytest.raises(NetworkError, match="hospital"):
        parse_networks(["10.0.0.0/8", "hospital"])
