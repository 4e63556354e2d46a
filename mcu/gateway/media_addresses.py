"""Which address of ours the media of a call are bound to, and which one its peer is told."""

from __future__ import annotations

# Addresses that mean all of a machine's: no peer can be told them.
_UNSPECIFIED = ("0.0.0.0", "::", "")


class MediaAddresses:
    """``public`` is told to rooms instead of the address their packets came to; ``host`` is what media are bound to."""

    def __init__(self, host: str, public: str | None) -> None:
        self._host = host
        self._public = public or (host if host not in _UNSPECIFIED else None)

    def towards(self, local_host: str) -> tuple[str, str]:
        """The address to bind media sockets to, and the one to tell, for a peer that reaches us at ``local_host``.

        What is configured holds for its own address family; the other one is used only where SIP listens on it.
        """
        is_ipv6 = ":" in local_host
        public = self._public
        told = public if public is not None and (":" in public) == is_ipv6 else local_host
        if self._host in _UNSPECIFIED:
            # "::" takes IPv4 as well; "0.0.0.0" takes nothing else.
            return "::" if is_ipv6 else self._host, told
        return self._host if (":" in self._host) == is_ipv6 else local_host, told
