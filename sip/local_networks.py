"""Who is near: networks whose hosts reach us without the NAT that others come through."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

PRIVATE_NETWORKS = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",  # RFC 1918
    "127.0.0.0/8", "::1/128",  # this machine
    "169.254.0.0/16", "fe80::/10",  # the same link (RFC 3927, RFC 4291)
    "fc00::/7",  # RFC 4193
)  # fmt: skip


class LocalNetworks:
    """``networks`` by prefix. Raises ValueError for one that is none."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        self._networks = [ipaddress.ip_network(network, strict=False) for network in networks]

    def __contains__(self, host: object) -> bool:
        """Whether an IP address is in one of them; host names are not."""
        if not isinstance(host, str):
            return False
        try:
            address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks if network.version == address.version)
