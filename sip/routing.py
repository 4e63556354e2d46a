"""From a URI to a flow: outbound proxy, transports, names for DNS to resolve (RFC 3263, RFC 3261 §8.1.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sip.flow import Flow, Locator, Router, Target
from sip.headers import Headers
from sip.message import Request
from sip.sending import Sending
from sip.uri import SipUri, Uri

DEFAULT_PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061, "ws": 80, "wss": 443}

# A sips URI that names a transport means that transport over TLS (RFC 3261 §26.2.2); there is none over datagrams.
_SECURE = {"tcp": "tls", "ws": "wss", "udp": None}


class Routing:
    """``router`` and ``locator`` are given once the sockets are there; without a locator names go to the router."""

    def __init__(self, outbound_proxy: SipUri | None) -> None:
        self.router: Router | None = None
        self.locator: Locator | None = None
        self._proxy = outbound_proxy
        self._proxy_flow: Flow | None = None
        self._unlocated: dict[Flow, list[Sending]] = {}

    @property
    def has_unlocated(self) -> bool:
        """Whether a request waits for DNS."""
        return bool(self._unlocated)

    def first_flow(self, uri: Uri, fallback_transport: str = "udp") -> Flow | None:
        """A flow for a request outside of dialogs: to the outbound proxy where there is one, else to the URI's host."""
        if self._proxy is None:
            return self.flow_to(uri, fallback_transport)
        self._proxy_flow = self.flow_to(self._proxy, fallback_transport)
        return self._proxy_flow

    def flow_to(self, uri: Uri, fallback_transport: str = "udp") -> Flow | None:
        """A flow to the URI's host, whatever proxy there is."""
        if self.router is None or not isinstance(uri, SipUri):
            return None
        is_secure, transport = uri.scheme == "sips", uri.transport
        if is_secure:
            transport = _SECURE.get(transport or "", transport)
        if self.locator is not None:
            return self.locator.flow_for(Target(uri.host, uri.port, transport, is_secure, fallback_transport))
        transport = transport or ("tls" if is_secure else fallback_transport)
        return self.router.flow_to(transport, uri.host, uri.port or DEFAULT_PORTS.get(transport, 5060))

    def stream_flow(self, flow: Flow) -> Flow | None:
        """TCP to where a datagram flow leads."""
        return None if self.router is None else self.router.flow_to("tcp", *flow.remote)

    def locate(self, sending: Sending) -> None:
        """Ask DNS where a request's flow leads; requests to the same place ask once."""
        if self.locator is None:
            sending.located([])
            return
        waiting = self._unlocated.setdefault(sending.flow, [])
        waiting.append(sending)
        if len(waiting) == 1:
            self.locator.locate(sending.flow)

    def located(self, flow: Flow, flows: Sequence[Flow]) -> None:
        """DNS has told where a flow leads; none when nowhere."""
        for sending in self._unlocated.pop(flow, []):
            sending.located(flows)

    def with_route(self, request: Request, flow: Flow) -> Request:
        """With the Route to the outbound proxy, if that is where a request outside of dialogs is going."""
        if self._proxy is None or flow != self._proxy_flow or request.to_address.tag or request.headers.get("Route"):
            return request
        headers = Headers(request.headers)
        headers.add("Route", f"<{self._proxy}>")
        return replace(request, headers=headers)
