"""Which addresses are near."""

from __future__ import annotations

import pytest

from sip.local_networks import PRIVATE_NETWORKS, LocalNetworks


@pytest.mark.parametrize(
    "host",
    ["10.1.2.3", "172.31.0.1", "192.168.1.1", "127.0.0.1", "169.254.7.7", "::1", "fe80::1%eth0", "[fd00::1]",
     "::ffff:192.168.1.1"],
)  # fmt: skip
def test_private_addresses_are_near(host: str) -> None:
    assert host in LocalNetworks(PRIVATE_NETWORKS)
    assert host not in LocalNetworks()


@pytest.mark.parametrize(
    "host", ["172.32.0.1", "192.0.2.1", "203.0.113.5", "2001:db8::1", "::ffff:203.0.113.5", "room.example", "", None]
)
def test_others_and_names_are_not(host: object) -> None:
    assert host not in LocalNetworks(PRIVATE_NETWORKS)


def test_networks_may_be_named_by_any_address_in_them() -> None:
    assert "198.51.100.200" in LocalNetworks(["198.51.100.7/24"])
    with pytest.raises(ValueError, match="nonsense"):
        LocalNetworks(["nonsense"])
