"""Which address of ours the media of a call are bound to, and which one its peer is told."""

from __future__ import annotations

from sip.local_networks import LocalNetworks

# Addresses that mean all of a machine's: no peer can be told them.
_UNSPECIFIED = ("0.0.0.0", "::", "")


class MediaAddresses:
    """``public`` is told to rooms instead of the address their packets came to; ``host`` is what media are bound to.

    Rooms in ``local`` networks are told what they reach without the NAT that the public address belongs to.
    """

    def __init__(self, host: str, public: str | None, local: LocalNetworks | None = None) -> None:
        self._host = host
        self._public = public
        self._local = local or LocalNetworks()

    def towards(self, local_host: str, peer: str = "", media: str | None = None) -> tuple[str, str]:
        """The address to bind media sockets to, and the one to tell, for a peer that reaches us at ``local_host``.

        ``peer`` is where its signalling comes from, ``media`` where it wants its media, if it has said so: a proxy
        nearby may speak for a room far away. What is configured holds for its own address family; the other one is
        used only where SIP listens on it.
        """
        is_ipv6 = ":" in local_host
        is_near = peer in self._local and (media is None or media in self._local)
        own = self._host if self._host not in _UNSPECIFIED else None
        told = local_host
        for configured in (own, None if is_near else self._public):
            if configured is not None and (":" in configured) == is_ipv6:
                told = configured
        if self._host in _UNSPECIFIED:
            # "::" takes IPv4 as well; "0.0.0.0" takes nothing else.
            return "::" if is_ipv6 else self._host, told
        return self._host if (":" in self._host) == is_ipv6 else local_host, told
