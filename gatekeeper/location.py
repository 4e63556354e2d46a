"""The seam to whoever calls registered endpoints: where an address of record can be reached now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sip.flow import Flow


@dataclass(frozen=True)
class Reach:
    """One way to a registered endpoint: what a call out needs (RFC 3261 section 16.6, RFC 3327 section 5.3).

    ``contact`` becomes the Request-URI. ``route`` are URIs for Route headers, topmost first, where the registration
    came through proxies. ``flow`` is the flow that the endpoint registered on and is best called back on (it may be
    behind a NAT); None when that is gone, as after a restart for connections: then the contact is all there is.
    ``endpoint`` is equal for ways to the same device, of which one is to be tried at a time (RFC 5626 section 6).
    """

    aor: str
    contact: str
    route: tuple[str, ...] = ()
    flow: Flow | None = None
    q: float = 1.0
    endpoint: str = ""
    user_agent: str = ""
    expires_at: float = 0.0


class Locator(Protocol):
    """Finds registered endpoints."""

    def locate(self, address: str, now: float) -> tuple[Reach, ...]:
        """Ways to an address, best first; empty when nobody is registered there (or nobody can be).

        ``address`` is a SIP URI, GRUUs among them (RFC 5627), or the bare name of an account. ``now`` is Unix time.
        Never raises.
        """
