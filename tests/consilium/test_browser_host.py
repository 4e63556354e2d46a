"""Where media of browsers are bound: at every address, or at the one that they are told where that is ours."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from consilium.browser_host import browser_host, browsers_use_ipv6
from consilium.config import MediaSettings

# All of 127.0.0.0/8 is this machine; the others are for documentation and nobody's (RFC 5737, RFC 3849).
OURS, NOT_OURS, NOT_OURS_6 = "127.0.0.77", "203.0.113.5", "2001:db8::5"
EVERY = "::" if socket.has_dualstack_ipv6() else "0.0.0.0"


@pytest.mark.parametrize(
    ("settings", "host"),
    [
        ({}, EVERY),
        ({"ipv6": False}, "0.0.0.0"),
        ({"host": "127.0.0.1"}, "127.0.0.1"),
        ({"public_address": OURS}, OURS),
        ({"public_address": NOT_OURS}, EVERY),
        ({"public_address": NOT_OURS, "ipv6": False}, "0.0.0.0"),
        ({"public_ipv6_address": NOT_OURS_6}, EVERY),
        ({"public_address": OURS, "public_ipv6_address": NOT_OURS_6}, EVERY),
        ({"public_address": OURS, "host": "127.0.0.1"}, "127.0.0.1"),
        ({"public_address": OURS, "host": "::"}, OURS),
    ],
)
def test_a_single_public_address_of_ours_is_bound_and_else_what_is_set(settings: dict[str, Any], host: str) -> None:
    assert browser_host(MediaSettings(**settings)) == host


@pytest.mark.parametrize(
    ("settings", "used"),
    [({"ipv6": False}, False), ({"host": "::"}, True), ({"host": "127.0.0.1"}, False), ({"host": "::1"}, True)],
)
def test_ipv6_is_used_where_the_address_is_one_or_every_one(settings: dict[str, Any], used: bool) -> None:
    assert browsers_use_ipv6(MediaSettings(**settings)) is used
