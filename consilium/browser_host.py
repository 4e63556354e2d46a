"""The address that the port of browsers is bound to."""

from __future__ import annotations

import socket

from consilium.config import MediaSettings

EVERY = "0.0.0.0"
EVERY_OF_BOTH_FAMILIES = "::"


def browsers_use_ipv6(media: MediaSettings) -> bool:
    """Whether the port of browsers takes IPv6, and IPv4 besides where that is every address."""
    return ":" in media.host or (media.host == EVERY and media.ipv6 and socket.has_dualstack_ipv6())


def browser_host(media: MediaSettings) -> str:
    """As set; and where that is every address, but browsers are told a single one that this machine has, that one.

    From a socket of all addresses answers leave by the one that the routing table prefers. A browser takes an answer to
    its check from no other address than the one that it has asked (RFC 8445 section 7.2.5.2.1): it would come by TCP.
    """
    told = [address for address in (media.public_address, media.public_ipv6_address) if address is not None]
    if media.host in (EVERY, EVERY_OF_BOTH_FAMILIES) and len(told) == 1 and _is_ours(told[0]):
        return told[0]
    return EVERY_OF_BOTH_FAMILIES if media.host == EVERY and browsers_use_ipv6(media) else media.host


def _is_ours(address: str) -> bool:
    """Behind a NAT a public address is not."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True
